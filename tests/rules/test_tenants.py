"""What a person belongs to (a company, a team) is told by the log-in or the own account, and asked with by somebody of another one."""

import itertools
import secrets
from typing import Any

import pytest
from flask import Flask, abort, jsonify, request

from stopper.core.finding import Verdict
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULE = next(rule for rule in load() if rule.slug == "cross-user-object-access")


class Firm:
    """People of companies: every registration makes a company of its own. ``asks`` says whether a route asks who is of which one."""

    def __init__(self, *, asks: bool, one_for_all: bool = False) -> None:
        self.app = app = Flask("firm")
        self.asks, self.people, self.tokens = asks, dict[str, dict[str, Any]](), dict[str, str]()
        self.deals: list[dict[str, Any]] = []
        numbers = itertools.count(500)

        @app.post("/register")
        def register() -> Any:
            number = 500 if one_for_all else next(numbers)
            self.people[request.get_json()["email"]] = {**request.get_json(), "company_id": number}
            return jsonify(ok=True), 201

        @app.post("/login")
        def login() -> Any:
            sent, token = request.get_json(), secrets.token_urlsafe(24)
            if self.people.get(sent["email"], {}).get("password") != sent["password"]:
                return jsonify(error="no"), 401
            self.tokens[token] = sent["email"]
            return jsonify(token=token)

        @app.get("/me")
        def me() -> Any:
            return jsonify(email=self.caller()["email"], company_id=self.caller()["company_id"])

        @app.get("/deals")
        def deals() -> Any:
            mine = self.caller()["company_id"]
            return jsonify([one for one in self.deals if one["company_id"] == mine])

        @app.post("/deals")
        def deal() -> Any:
            sent, mine = request.get_json(), self.caller()["company_id"]
            of = mine if asks else sent.get("company_id", mine)
            self.deals.append({"id": next(numbers), "title": str(sent["title"]), "company_id": of})
            return jsonify(self.deals[-1]), 201

    def caller(self) -> dict[str, Any]:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.people.get(self.tokens.get(token, "")) or abort(401)

    def change(self, deal_id: int) -> Any:
        found = next((one for one in self.deals if one["id"] == deal_id), None)
        if found is None or (self.asks and found["company_id"] != self.caller()["company_id"]) or not self.caller():
            abort(404)
        found["title"] = str(request.get_json()["title"])
        return jsonify(found)

    def staff(self, company_id: int) -> Any:
        if self.asks and company_id != self.caller()["company_id"]:
            abort(404)
        found = [{"email": one["email"]} for one in self.people.values() if one["company_id"] == company_id]
        return jsonify(found) if self.caller() and found else abort(404)

    def judged(self, **paths: Any) -> Verdict:
        document = {"openapi": "3.0.3", "info": {"title": "firm", "version": "1"}, "paths": paths}
        self.app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
        return try_rule(RULE, self.app)


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
