"""Paths that say the deed before the thing (``/update_bill/5``), and things that are there already because no request makes them."""

import itertools
from typing import Any

import pytest
from flask import abort, jsonify, request
from tests.rules.toy_people import ToyPeople

from stopper.core.app import App, Route
from stopper.core.probing.things.kinds import collection_of


class Bills(ToyPeople):
    """Bills of people; everybody has one from the start. ``asks`` says whether the routes by id ask whose one is."""

    def __init__(self, *, asks: bool) -> None:
        super().__init__("bills")
        self.asks = asks
        self.bills: dict[int, dict[str, Any]] = {}
        self.numbers = itertools.count(70)

        @self.app.get("/bills")
        def listed() -> Any:
            me = self.caller()
            return jsonify([{"id": one["id"], "text": one["text"]} for one in self.bills.values() if one["who"] == me])

    def joined(self, name: str) -> None:
        self.add(name, f"first of {name}")

    def add(self, who: str, text: str) -> int:
        number = next(self.numbers)
        self.bills[number] = {"id": number, "text": text, "who": who, "paid": False}
        return number

    def one(self, number: Any) -> dict[str, Any]:
        me, found = self.caller(), self.bills.get(int(number or 0))
        return found if found is not None and (not self.asks or found["who"] == me) else abort(404)

    def makes(self) -> None:
        def make() -> Any:
            return jsonify(id=self.add(self.caller(), str(request.get_json()["text"]))), 201

        self.app.add_url_rule("/add_bill", "make", make, methods=["POST"])


@pytest.mark.parametrize("asks", [False, True])
def test_a_deed_before_the_thing_is_tried_with_its_id(asks: bool) -> None:
    bills = Bills(asks=asks)
    bills.makes()

    def end(number: int) -> Any:
        del bills.bills[bills.one(number)["id"]]
        return jsonify(ok=True)

    def pay(number: int) -> Any:
        bills.one(number)["paid"] = True
        return jsonify(ok=True)

    bills.app.add_url_rule("/get_bill/<int:number>", "get", lambda number: jsonify(bills.one(number)))
    bills.app.add_url_rule("/complete_bill/<int:number>", "pay", pay, methods=["POST"])
    bills.app.add_url_rule("/delete_bill/<int:number>", "end", end, methods=["POST"])
    told = {(ref.method, ref.path.rpartition("/")[0]) for ref in bills.judged().routes}
    assert told == (set() if asks else {("GET", "/get_bill"), ("POST", "/complete_bill"), ("POST", "/delete_bill")})


@pytest.mark.parametrize("asks", [False, True])
def test_what_nobody_makes_is_read_below_and_by_a_search(asks: bool) -> None:
    bills = Bills(asks=asks)
    before = len(bills.bills)

    def search() -> Any:
        return jsonify([f"paid by {bills.one(request.get_json().get('bill_id'))['who']}"])

    def pay(number: int) -> Any:
        bills.one(number)["paid"] = True
        return jsonify(ok=True)

    bills.app.add_url_rule(
        "/bills/<int:number>/lines", "lines", lambda number: jsonify([f"tea of {bills.one(number)['who']}"])
    )
    bills.app.add_url_rule("/bills/<int:number>/pay", "pay", pay, methods=["POST"])
    bills.app.add_url_rule("/records/search", "search", search, methods=["POST"])
    schema = {"type": "object", "properties": {"bill_id": {"type": "integer"}}}
    known = {"post": {"responses": {}, "requestBody": {"content": {"application/json": {"schema": schema}}}}}
    told = {(ref.method, ref.path.rpartition("/")[2]) for ref in bills.judged(**{"/records/search": known}).routes}
    assert told == (set() if asks else {("GET", "lines"), ("POST", "search")})
    assert before == 0


@pytest.mark.parametrize(
    ("path", "known", "collection"),
    [
        ("/api/update_note/{id}", "/api/notes", "/api/notes"),
        ("/deleteEntry/{id}", "/entries", "/entries"),
        ("/notes/share/{id}", "/notes", "/notes"),
        ("/notes/{id}/share", "/notes", "/notes"),
        ("/update_note/{id}", "/users", "/update_note"),
    ],
)
def test_the_collection_of_a_path(path: str, known: str, collection: str) -> None:
    routes = (Route(path, ("POST",), parameters=(("id", "int"),)), Route(known, ("GET",)))
    target: Any = type("Target", (), {"app": App(routes=routes)})()
    assert collection_of(target, routes[0]) == collection
