"""The id of a thing stands in the query or in the body: ``GET /letter?id=5``, ``POST /letters/delete`` with ``{"letter_id": 5}``."""

import itertools
from typing import Any

import pytest
from flask import abort, jsonify, request
from tests.rules.toy_people import ToyPeople


class Letters(ToyPeople):
    """An API of letters that belong to who wrote them. ``asks`` says whether the routes by id ask whose one is."""

    def __init__(self, *, asks: bool = False) -> None:
        super().__init__("letters")
        self.asks = asks
        self.letters: dict[int, dict[str, Any]] = {
            3000: {"id": 3000, "text": "somebody's", "owner": "else", "sent": False}
        }
        numbers = itertools.count(1)

        @self.app.get("/letters")
        def listed() -> Any:
            me = self.caller()
            return jsonify([one for one in self.letters.values() if one["owner"] == me])

        @self.app.post("/letters")
        def write() -> Any:
            number, me = next(numbers), self.caller()
            self.letters[number] = {"id": number, "text": str(request.get_json()["text"]), "owner": me, "sent": False}
            return jsonify(id=number), 201

    def one(self, number: Any) -> dict[str, Any]:
        me = self.caller()
        found = self.letters.get(int(number or 0))
        if found is None or (self.asks and found["owner"] != me):
            abort(404)
        return found

    def reads(self) -> None:
        self.app.add_url_rule("/letter", "read", lambda: jsonify(self.one(request.args.get("id"))))

    def deletes(self, path: str, name: str) -> None:
        def end() -> Any:
            del self.letters[self.one(request.get_json().get(name))["id"]]
            return jsonify(ok=True)

        self.app.add_url_rule(path, "end", end, methods=["POST"])

    def sends(self, path: str, name: str) -> None:
        def send() -> Any:
            self.one(request.get_json()[name])["sent"] = True
            return jsonify(ok=True)

        self.app.add_url_rule(path, "send", send, methods=["PUT"])


BY_QUERY = {"get": {"responses": {}, "parameters": [{"name": "id", "in": "query", "schema": {"type": "integer"}}]}}


def by_body(method: str, name: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: {"type": "integer"}}}
    return {method: {"responses": {}, "requestBody": {"content": {"application/json": {"schema": schema}}}}}


@pytest.mark.parametrize("asks", [False, True])
def test_a_thing_is_read_by_an_id_in_the_query(asks: bool) -> None:
    letters = Letters(asks=asks)
    letters.reads()
    found = letters.judged(**{"/letter": BY_QUERY})
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [(ref.method, ref.path) for ref in found.routes] == [("GET", "/letter")]


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize(("path", "name"), [("/letters/delete", "letter_id"), ("/letter/remove", "id")])
def test_a_thing_is_deleted_by_an_id_in_the_body(path: str, name: str, asks: bool) -> None:
    letters = Letters(asks=asks)
    letters.deletes(path, name)
    found = letters.judged(**{path: by_body("post", name)})
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [(ref.method, ref.path) for ref in found.routes] == [("POST", path)]
    assert 3000 in letters.letters, "what was there before the scan stays"


def test_a_path_that_names_thing_and_deed_is_tried_where_nobody_knows_what_it_reads() -> None:
    letters = Letters()
    letters.deletes("/letters/delete", "letter_id")
    assert [(ref.method, ref.path) for ref in letters.judged().routes] == [("POST", "/letters/delete")]
    assert 3000 in letters.letters


def test_a_number_of_a_thing_in_a_path_that_speaks_of_something_else() -> None:
    letters = Letters()
    letters.sends("/outbox", "letter_id")
    found = letters.judged(**{"/outbox": by_body("put", "letter_id")})
    assert [(ref.method, ref.path) for ref in found.routes] == [("PUT", "/outbox")]


@pytest.mark.parametrize("asks", [False, True])
def test_a_thing_is_read_by_a_post_that_says_its_id(asks: bool) -> None:
    letters = Letters(asks=asks)

    def look() -> Any:
        return jsonify(found=letters.one(request.get_json().get("letter_id")))

    letters.app.add_url_rule("/letters/lookup", "look", look, methods=["POST"])
    found = letters.judged(**{"/letters/lookup": by_body("post", "letter_id")})
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [(ref.method, ref.path) for ref in found.routes] == [("POST", "/letters/lookup")]


@pytest.mark.parametrize("asks", [False, True])
def test_a_thing_is_deleted_by_an_id_in_the_query_and_nothing_that_was_there(asks: bool) -> None:
    api = Letters(asks=asks)

    @api.app.delete("/letters")
    def end() -> Any:
        del api.letters[api.one(request.args.get("id"))["id"]]
        return "", 204

    says = {"responses": {}, "parameters": [{"name": "id", "in": "query", "schema": {"type": "integer"}}]}
    text = {"application/json": {"schema": {"type": "object", "properties": {"text": {"type": "string"}}}}}
    letters = {"get": {"responses": {}}, "post": {"responses": {}, "requestBody": {"content": text}}, "delete": says}
    verdict = api.judged(**{"/letters": letters})
    assert verdict.outcome == ("pass" if asks else "fail"), verdict.message
    assert list(api.letters) == [3000]
