"""What lists, orders and pages about oneself say of whose a thing is, held against what another person gets."""

from typing import Any

import pytest
from flask import abort, jsonify, request
from tests.rules.test_two_given_people import Two, body
from tests.rules.toy_people import ToyPeople


@pytest.mark.parametrize("searched", [False, True])
def test_what_a_search_does_not_find_is_nobodys_alone(searched: bool) -> None:
    """A shop lists all that anybody sells, and takes reviews and orders of it: its document searches for a word that nothing has."""
    shop, goods, orders, reviews = Two("shop"), list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()

    @shop.app.route("/goods", methods=["GET", "POST"])
    def all_goods() -> Any:
        if request.method == "GET":
            return jsonify([one for one in goods if request.args.get("search", "") in one["name"]])
        goods.append({"id": len(goods) + 1, "name": request.get_json()["name"], "seller": shop.caller()})
        return jsonify(goods[-1]), 201

    @shop.app.get("/goods/<int:good>")
    def one_good(good: int) -> Any:
        return jsonify(next((one for one in goods if one["id"] == good), None) or abort(404))

    @shop.app.route("/goods/<int:good>/reviews", methods=["GET", "POST"])
    def all_reviews(good: int) -> Any:
        if request.method == "POST":
            shop.caller()
            reviews.append({"id": len(reviews), "good": good, "text": request.get_json()["text"]})
            return jsonify(reviews[-1]), 201
        return jsonify([one for one in reviews if one["good"] == good])

    @shop.app.route("/orders", methods=["GET", "POST"])
    def all_orders() -> Any:
        me = shop.caller()
        if request.method == "POST":
            good = next((one for one in goods if one["id"] == request.get_json()["good_id"]), None) or abort(404)
            orders.append({"id": len(orders), "user_id": me, "good_id": good["id"], "note": request.get_json()["note"]})
            return jsonify(orders[-1]), 201
        return jsonify([one for one in orders if one["user_id"] == me])

    reads: dict[str, Any] = {"get": {"responses": {}}}
    word = {"name": "search", "in": "query", "required": True, "schema": {"type": "string", "example": "lamp"}}
    lists = {"get": {"responses": {}, "parameters": [word]}} if searched else reads
    paths: dict[str, Any] = {"/goods": {**lists, "post": body(name="string")}, "/goods/{good}": reads, "/me": reads}
    paths |= {"/goods/{good}/reviews": {**reads, "post": body(text="string")}}
    paths |= {"/orders": {**reads, "post": body(good_id="integer", note="string")}}
    found = shop.judged(**paths)
    assert found.outcome != "fail", found.message


@pytest.mark.parametrize(
    ("base", "asks", "says"),
    [("goods", False, ""), ("goods", True, ""), ("guestbook", False, ""), ("goods", False, "open")],
)
def test_what_nobody_makes_stands_in_what_everybody_reads(base: str, asks: bool, says: str) -> None:
    shop, goods = Two("shop"), list[dict[str, Any]]()

    @shop.app.route(f"/{base}", methods=["GET", "POST"])
    def all_goods() -> Any:
        if request.method == "POST":
            if asks:
                shop.caller()
            goods.append({"id": len(goods) + 1, "name": request.get_json()["name"]})
            return jsonify(goods[-1]), 201
        return jsonify(goods)

    @shop.app.get(f"/{base}/<int:good>")
    def one_good(good: int) -> Any:
        return jsonify(next((one for one in goods if one["id"] == good), None) or abort(404))

    reads: dict[str, Any] = {"get": {"responses": {}}}
    made = {**body(name="string"), **({"security": []} if says else {})}
    own: dict[str, Any] = {"get": {"responses": {}, **({"security": [{"key": []}]} if says else {})}}
    paths: dict[str, Any] = {f"/{base}": {**reads, "post": made}, f"/{base}/{{good}}": reads, "/me": own}
    found = shop.judged("route-without-authentication", **paths)
    told = base == "goods" and not asks and not says
    assert [str(ref) for ref in found.routes] == ([f"POST /{base}"] if told else []), found.message


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("told", ["accounts", "account"])
def test_what_somebody_is_told_to_have_is_asked_for_by_another(told: str, asks: bool) -> None:
    """The page about oneself names what one has, and a route takes that under a name of its own."""
    bank = Two("bank")
    bank.people = {
        n: {**one, told: [f"10000{n}"] if told == "accounts" else {"number": f"10000{n}"}}
        for n, one in bank.people.items()
    }

    @bank.app.get("/accounts/<acc>")
    def account(acc: str) -> Any:
        me = bank.caller()
        if acc not in ("100001", "100002") or (asks and acc != f"10000{me}"):
            abort(404)
        return jsonify(number=acc, balance=10 * int(acc[-1]))

    reads: dict[str, Any] = {"get": {"responses": {}}}
    paths: dict[str, Any] = {"/accounts/{acc}": reads, "/me": reads}
    found = bank.judged(**paths)
    assert [ref.path for ref in found.routes] == ([] if asks else ["/accounts/{acc}"]), found.message


@pytest.mark.parametrize("asks", [False, True])
def test_what_comes_of_a_deed_and_holds_no_text(asks: bool) -> None:
    """Who enrolls in a course has an enrollment, which another reads, grades and deletes."""
    school, entries = Two("school"), dict[int, dict[str, Any]]()

    def mine(number: int) -> dict[str, Any]:
        me, one = school.caller(), entries.get(number) or abort(404)
        return one if not asks or one["user_id"] == me else abort(403)

    @school.app.get("/courses")
    def courses() -> Any:
        return jsonify([{"id": 1, "title": "Algebra"}])

    @school.app.post("/courses/<int:course>/enroll")
    def enroll(course: int) -> Any:
        number = len(entries) + 1
        entries[number] = {"id": number, "user_id": school.caller(), "course_id": course, "grade": None}
        return jsonify(entries[number]), 201

    @school.app.get("/enrollments")
    def all_of_mine() -> Any:
        me = school.caller()
        return jsonify([one for one in entries.values() if one["user_id"] == me])

    @school.app.route("/enrollments/<int:number>", methods=["GET", "DELETE"])
    def one(number: int) -> Any:
        found = mine(number)
        if request.method == "DELETE":
            entries.pop(number)
        return jsonify(found)

    @school.app.put("/enrollments/<int:number>/grade")
    def grade(number: int) -> Any:
        mine(number)["grade"] = request.get_json()["grade"]
        return jsonify(entries[number])

    reads: dict[str, Any] = {"get": {"responses": {}}}
    paths: dict[str, Any] = {"/courses": reads, "/enrollments": reads, "/me": reads}
    paths |= {"/courses/{course}/enroll": {"post": {"responses": {}}}}
    paths |= {"/enrollments/{number}": {**reads, "delete": {"responses": {}}}}
    paths |= {"/enrollments/{number}/grade": {"put": body(grade="string")}}
    found = school.judged(**paths)
    wanted = {"GET /enrollments/{number}", "DELETE /enrollments/{number}", "PUT /enrollments/{number}/grade"}
    assert {str(ref) for ref in found.routes} == (set() if asks else wanted), found.message


class Cards(ToyPeople):
    """Everybody has a card from the start, which only its owner's list shows."""

    def __init__(self) -> None:
        self.cards: list[dict[str, Any]] = []
        super().__init__("cards")

    def joined(self, name: str) -> None:
        self.cards.append({"id": len(self.cards) + 1, "holder": name, "card_limit": 500})


@pytest.mark.parametrize("asks", [False, True])
def test_what_comes_with_an_account_is_changed_by_another(asks: bool) -> None:
    toy = Cards()

    def mine(number: int) -> dict[str, Any]:
        me, one = toy.caller(), next((one for one in toy.cards if one["id"] == number), None) or abort(404)
        return one if not asks or one["holder"] == me else abort(403)

    @toy.app.get("/cards")
    def all_of_mine() -> Any:
        me = toy.caller()
        return jsonify([one for one in toy.cards if one["holder"] == me])

    toy.app.add_url_rule("/cards/<int:number>", "one", lambda number: jsonify(mine(number)))

    @toy.app.put("/cards/<int:number>/limit")
    def limit(number: int) -> Any:
        mine(number)["card_limit"] = request.get_json()["card_limit"]
        return jsonify(mine(number))

    people = {path: {"post": body(username="string", password="string")} for path in ("/register", "/login")}
    reads: dict[str, Any] = {"get": {"responses": {}}}
    paths: dict[str, Any] = {**people, "/cards": reads, "/cards/{number}": reads}
    paths |= {"/cards/{number}/limit": {"put": body(card_limit="integer")}}
    found = toy.judged(**paths)
    wanted = {"GET /cards/{number}", "PUT /cards/{number}/limit"}
    assert {str(ref) for ref in found.routes} == (set() if asks else wanted), found.message
