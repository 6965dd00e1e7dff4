"""A log-in that hands out nothing, or lets the scan's people in nowhere, is asked by names that many an application has; a reset by its words."""

from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.finding import Verdict
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULES = {rule.slug: rule for rule in load()}
PEOPLE = {"alice": "wonder-land-7"}


def desk(unknown: str, wrong: str, *, reset: str = "") -> Flask:
    """A log-in that says *unknown* to whom it does not know and *wrong* to a wrong password, and a reset that says *reset* to the former."""
    app = Flask("desk")

    @app.post("/login")
    def log_in() -> Any:
        said = request.get_json()
        if said.get("username") not in PEOPLE:
            return jsonify(error=unknown), 401
        if PEOPLE[said["username"]] != said.get("password"):
            return jsonify(error=wrong), 401
        return jsonify(message="Welcome back")

    if reset:

        @app.post("/forgot-password")
        def forgot() -> Any:
            known = request.get_json().get("username") in PEOPLE
            return jsonify(message="We have sent you a mail" if known else reset)

    return app


def judged(app: Flask) -> Verdict:
    return try_rule(RULES["user-enumeration"], app)


def test_a_name_that_many_have_is_answered_otherwise() -> None:
    assert judged(desk("Who are you?", "That is not it")).outcome == "fail"


@pytest.mark.parametrize("reset", ["Usuario no encontrado", "No such user", "Benutzer nicht gefunden"])
def test_a_reset_that_says_that_nobody_is_called_so_is_told(reset: str) -> None:
    assert [str(one) for one in judged(desk("no", "no", reset=reset)).routes] == ["POST /forgot-password"]


@pytest.mark.parametrize("reset", ["", "We have sent you a mail", "Enter the name of your account"])
def test_one_answer_for_all_is_not(reset: str) -> None:
    assert judged(desk("Wrong name or password", "Wrong name or password", reset=reset)).outcome == "not-applicable"
