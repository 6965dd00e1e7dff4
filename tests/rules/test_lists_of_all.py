"""A list of one's own stands beside one that shows everybody's, and what one makes is shown as another's where one says so."""

import itertools
from typing import Any

import pytest
from flask import abort, jsonify, request
from tests.rules.toy_people import ToyPeople

from stopper.core.finding import Verdict


class Bills(ToyPeople):
    """Bills of people: a list of one's own, ``GET /bills/{id}`` for the owner (or ``open`` for all), and another list at ``path``."""

    def __init__(self, path: str, *, all_of: bool = True, opened: bool = False, public: bool = False) -> None:
        super().__init__("bills")
        self.bills, app = dict[int, dict[str, Any]](), self.app
        numbers = itertools.count(1)

        @app.get("/me")
        def me() -> Any:
            return jsonify(username=self.caller())

        @app.get("/bills")
        def own() -> Any:
            caller = self.caller()
            return jsonify([one for one in self.bills.values() if one["username"] == caller])

        @app.post("/bills")
        def make() -> Any:
            number, caller = next(numbers), self.caller()
            self.bills[number] = {"id": number, "text": request.get_json()["text"], "username": caller}
            return jsonify(self.bills[number]), 201

        @app.get("/bills/<int:bill_id>")
        def one(bill_id: int) -> Any:
            caller = self.caller()
            found = self.bills.get(bill_id) or abort(404)
            return jsonify(found) if opened or found["username"] == caller else abort(404)

        @app.get(path)
        def other() -> Any:
            caller = "" if public else self.caller()
            return jsonify(bills=[one for one in self.bills.values() if all_of or one["username"] == caller])

    def judged(self, **paths: Any) -> Verdict:
        read: dict[str, Any] = {
            rule.rule.replace("<int:", "{").replace("<", "{").replace(">", "}"): {"get": {"responses": {}}}
            for rule in self.app.url_map.iter_rules()
            if "GET" in (rule.methods or ()) and rule.endpoint != "static"
        }
        return super().judged(**read, **paths)


@pytest.mark.parametrize("path", ["/manage/bills", "/bills/export", "/accounting"])
def test_a_list_that_shows_everybodys_things_is_told(path: str) -> None:
    found = Bills(path).judged()
    assert [(ref.method, ref.path) for ref in found.routes] == [("GET", path)], found.message


@pytest.mark.parametrize(
    "bills",
    [
        Bills("/manage/bills", all_of=False),
        Bills("/export/bills", public=True),
    ],
)
def test_a_second_list_of_ones_own_or_of_everybodys_on_purpose_is_not(bills: Bills) -> None:
    assert bills.judged().outcome != "fail"


def test_a_feed_of_what_all_may_open_is_no_leak_of_its_own() -> None:
    """That Bob opens Alice's thing by its id is told; the feed that shows it to all is not told beside it."""
    assert [ref.path for ref in Bills("/feed", opened=True).judged().routes] == ["/bills/{bill_id}"]


@pytest.mark.parametrize("asks", [False, True])
def test_a_list_under_the_name_of_another_is_told(asks: bool) -> None:
    bills = Bills("/overview", all_of=False)

    def of(username: str) -> Any:
        if bills.caller() != username and asks:
            abort(403)
        return jsonify([one for one in bills.bills.values() if one["username"] == username])

    bills.app.add_url_rule("/people/<username>/bills", "of", of)
    found = bills.judged()
    assert [ref.path for ref in found.routes] == ([] if asks else ["/people/{username}/bills"]), found.message


class Reviews(ToyPeople):
    """Reviews that all see, each with its author. ``believes`` says whether the body may name another one."""

    def __init__(self, *, believes: bool) -> None:
        super().__init__("reviews")
        self.reviews = list[dict[str, Any]]()

        @self.app.route("/reviews", methods=["GET", "POST"])
        def reviews() -> Any:
            caller = self.caller()
            if request.method == "GET":
                return jsonify(self.reviews)
            sent = request.get_json()
            author = sent.get("author", caller) if believes else caller
            self.reviews.append({"id": len(self.reviews) + 1, "text": str(sent["text"]), "author": author})
            return jsonify(self.reviews[-1]), 201


@pytest.mark.parametrize("believes", [True, False])
def test_what_one_makes_is_anothers_where_one_says_so(believes: bool) -> None:
    found = Reviews(believes=believes).judged()
    assert (found.outcome == "fail") is believes, found.message
    assert not believes or [(ref.method, ref.path) for ref in found.routes] == [("POST", "/reviews")]


def test_what_is_kept_for_oneself_goes_to_another_where_one_says_so() -> None:
    """``POST /bills {"member_id": …}``: by default it is the caller's, and it stands in the list of whom the body names."""
    bills = Bills("/overview", all_of=False)
    numbers: dict[str, int] = {}

    def mine() -> int:
        return numbers.setdefault(bills.caller(), 70 + len(numbers))

    def loans() -> Any:
        return jsonify([one for one in bills.bills.values() if one.get("member_id") == mine()])

    def lend() -> Any:
        number, sent = len(bills.bills) + 1, request.get_json()
        bills.bills[number] = {
            "id": number,
            "text": sent["text"],
            "username": "",
            "member_id": sent.get("member_id", mine()),
        }
        return jsonify(bills.bills[number]), 201

    def loan(loan_id: int) -> Any:
        found = bills.bills.get(loan_id) or abort(404)
        return jsonify(found) if found.get("member_id") == mine() else abort(404)

    bills.app.add_url_rule("/account", "account", lambda: jsonify(id=mine(), member_id=mine()))
    bills.app.add_url_rule("/loans", "loans", loans)
    bills.app.add_url_rule("/loans", "lend", lend, methods=["POST"])
    bills.app.add_url_rule("/loans/<int:loan_id>", "loan", loan)
    assert ("POST", "/loans") in [(ref.method, ref.path) for ref in bills.judged().routes]
