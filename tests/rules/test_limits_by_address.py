"""A limit on wrong passwords that goes by what the caller writes into a header limits nobody."""

from collections import Counter
from collections.abc import Callable

import pytest
from flask import Flask, jsonify, request

from stopper.core.finding import Verdict
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULES = {rule.slug: rule for rule in load()}
MOST = 5


def api(whose: Callable[[], str | None], most: int = MOST) -> Flask:
    """A log-in that takes so many wrong passwords of one address."""
    app, wrong, people = Flask("api"), Counter[str | None](), dict[str, str]()

    @app.post("/register")
    def register() -> object:
        data = request.get_json()
        people[data["username"]] = data["password"]
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> object:
        data = request.get_json()
        if wrong[whose()] >= most:
            return jsonify(error="too many"), 429
        if people.get(data["username"]) != data["password"]:
            wrong[whose()] += 1
            return jsonify(error="no"), 401
        return jsonify(token=f"token-of-{data['username']}")

    return app


def said(app: Flask) -> Verdict:
    return try_rule(RULES["login-not-throttled"], app)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "True-Client-IP"])
def test_a_limit_by_an_address_that_the_caller_writes_is_told(header: str) -> None:
    verdict = said(api(lambda: request.headers.get(header) or request.remote_addr))
    assert verdict.outcome == "fail"
    assert "which the caller writes: with another address guessing goes on" in verdict.message
    assert ("X-Forwarded-For" in verdict.message) is (header == "X-Forwarded-For")


def test_a_limit_by_the_address_of_the_connection_is_one() -> None:
    assert said(api(lambda: request.remote_addr)).outcome == "pass"


def test_a_limit_by_account_is_one() -> None:
    assert said(api(lambda: request.get_json()["username"])).outcome == "pass"


def test_a_limit_that_is_over_by_itself_was_not_ended_by_a_header() -> None:
    """It turns away one request in six, whoever asks."""
    app, asked = api(lambda: None, most=10_000), Counter[str]()

    @app.before_request
    def busy() -> object:
        if request.path != "/login":
            return None
        asked["all"] += 1
        return (jsonify(error="busy"), 429) if asked["all"] % 6 == 0 else None

    assert said(app).outcome == "pass"
