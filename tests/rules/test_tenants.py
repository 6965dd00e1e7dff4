"""What a person belongs to (a company, a team) is told by the log-in or the own account, and asked with by somebody of another one."""

import itertools
from typing import Any

import pytest
from flask import abort, jsonify, request
from tests.rules.toy_people import ToyPeople


class Firm(ToyPeople):
    """People of companies: every registration makes a company of its own. ``asks`` says whether a route asks who is of which one."""

    def __init__(self, *, asks: bool, one_for_all: bool = False) -> None:
        super().__init__("firm", called="email")
        self.asks, self.one_for_all = asks, one_for_all
        self.companies, self.deals = dict[str, int](), list[dict[str, Any]]()
        self.numbers = itertools.count(500)

        @self.app.get("/me")
        def me() -> Any:
            return jsonify(email=self.caller(), company_id=self.company())

        @self.app.get("/deals")
        def deals() -> Any:
            mine = self.company()
            return jsonify([one for one in self.deals if one["company_id"] == mine])

        @self.app.post("/deals")
        def deal() -> Any:
            sent, mine = request.get_json(), self.company()
            of = mine if asks else sent.get("company_id", mine)
            self.deals.append({"id": next(self.numbers), "title": str(sent["title"]), "company_id": of})
            return jsonify(self.deals[-1]), 201

    def joined(self, name: str) -> None:
        self.companies[name] = 500 if self.one_for_all else next(self.numbers)

    def company(self) -> int:
        return self.companies[self.caller()]

    def change(self, deal_id: int) -> Any:
        mine, found = self.company(), next((one for one in self.deals if one["id"] == deal_id), None)
        if found is None or (self.asks and found["company_id"] != mine):
            abort(404)
        found["title"] = str(request.get_json()["title"])
        return jsonify(found)

    def staff(self, company_id: int) -> Any:
        if company_id != self.company() and self.asks:
            abort(404)
        found = [{"email": name} for name, number in self.companies.items() if number == company_id]
        return jsonify(found) if found else abort(404)


@pytest.mark.parametrize("asks", [False, True])
def test_people_of_another_company_are_not_shown_by_its_id(asks: bool) -> None:
    firm = Firm(asks=asks)
    firm.app.add_url_rule("/companies/<int:company_id>/staff", "path", firm.staff)
    firm.app.add_url_rule("/export", "query", lambda: firm.staff(request.args.get("company_id", 0, type=int)))
    said = {
        "get": {"responses": {}, "parameters": [{"name": "company_id", "in": "query", "schema": {"type": "integer"}}]}
    }
    told = {ref.path for ref in firm.judged(**{"/export": said}).routes}
    assert told == (set() if asks else {"/companies/{company_id}/staff", "/export", "/deals"})


@pytest.mark.parametrize("asks", [False, True])
def test_what_one_makes_goes_to_another_company_where_one_says_so(asks: bool) -> None:
    firm = Firm(asks=asks)
    assert [(ref.method, ref.path) for ref in firm.judged().routes] == ([] if asks else [("POST", "/deals")])


def test_what_belongs_to_one_company_may_be_changed_by_each_of_its_people() -> None:
    firm = Firm(asks=True, one_for_all=True)
    firm.app.add_url_rule("/deals/<int:deal_id>", "change", firm.change, methods=["PUT"])
    assert firm.judged().outcome != "fail"


def test_what_belongs_to_another_company_may_not() -> None:
    firm = Firm(asks=False)
    firm.app.add_url_rule("/deals/<int:deal_id>", "change", firm.change, methods=["PUT"])
    assert ("PUT", "/deals/{deal_id}") in {(ref.method, ref.path) for ref in firm.judged().routes}
