"""Numbers that a log-in tells a person about itself are asked with: by others, and by nobody."""

import itertools
import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.exchange import Response
from stopper.core.finding import Verdict
from stopper.core.naming import as_parameter
from stopper.core.probing.accounts.own_values import told_about
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULES = {rule.slug: rule for rule in load()}


def bank(*, nobody: bool, others: bool, member: str = "balance") -> Flask:
    """An API whose log-in answers with an account number, by which *nobody* or *others* too may read the account."""
    app, people, tokens, numbers = Flask("bank"), dict[str, Any](), dict[str, str](), itertools.count(70001)

    @app.post("/register")
    def register() -> Any:
        data = request.get_json()
        people[data["username"]] = {"password": data["password"], "number": str(next(numbers)), member: 1000}
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> Any:
        data = request.get_json()
        person = people.get(data["username"])
        if person is None or person["password"] != data["password"]:
            return jsonify(error="no"), 401
        token = secrets.token_urlsafe(24)
        tokens[token] = data["username"]
        return jsonify(token=token, account={"accountNumber": person["number"]})

    def caller() -> str:
        return tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), "")

    @app.get("/notes")
    def notes() -> Any:
        return (jsonify(notes=[]), 200) if caller() else (jsonify(error="no"), 401)

    @app.get("/check/<account_number>")
    def check(account_number: str) -> Any:
        if not nobody and not caller():
            return jsonify(error="no"), 401
        name, person = next(
            ((name, one) for name, one in people.items() if one["number"] == account_number), ("", None)
        )
        if person is None or not (nobody or others or caller() == name):
            return jsonify(error="not found"), 404
        return jsonify(username=name, **{member: person[member]})

    return app


def judged(slug: str, app: Flask) -> Verdict:
    return try_rule(RULES[slug], app)


def test_who_is_nobody_reads_an_account_by_its_number() -> None:
    found = judged("route-without-authentication", bank(nobody=True, others=True))
    assert found.outcome == "fail", found.message
    assert "/check/{account_number}" in found.message


@pytest.mark.parametrize("app", [bank(nobody=False, others=True), bank(nobody=True, others=True, member="colour")])
def test_a_closed_route_or_a_page_about_a_person_is_no_open_account(app: Flask) -> None:
    assert judged("route-without-authentication", app).outcome != "fail"


def test_another_person_reads_an_account_by_its_number() -> None:
    found = judged("cross-user-object-access", bank(nobody=False, others=True))
    assert found.outcome == "fail", found.message
    assert "/check/{account_number}" in found.message


def test_an_account_that_only_its_owner_reads_is_no_finding() -> None:
    assert judged("cross-user-object-access", bank(nobody=False, others=False)).outcome != "fail"


def test_numbers_are_known_by_the_names_of_parameters() -> None:
    said = b'{"token": "t", "debug": {"userId": 7, "note_id": 3}, "accountNumber": "70001", "rows": [{"card_id": 5}]}'
    assert told_about(Response(200, (), said)) == {"user_id": "7", "account_number": "70001"}
    assert [as_parameter(name) for name in ("accountNumber", "account-number", "ACCOUNT")] == ["account_number"] * 2 + [
        "account"
    ]
