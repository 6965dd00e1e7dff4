"""An account that anybody knows: where nobody was given, the scan goes on by it, and says so without saying its password."""

from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.test_identities import bearer, become, whoami

from stopper.core.app import Route
from stopper.core.probe import Identity, Mode
from stopper.core.secret import Secret
from stopper.scan.people.usual_account import _shown


def staff(*, anything: bool = False, limit: int = 99) -> Flask:
    """An API that takes no new people and was shipped with an account."""
    app = Flask("staff")
    tries: list[str] = []

    @app.post("/login")
    def login() -> Any:
        data = request.get_json()
        tries.append(data["username"])
        if len(tries) > limit:
            return jsonify(error="later"), 429
        good = anything or (data["username"], data["password"]) == ("admin", "admin123")
        return jsonify(token="Xk3-" + "q" * 20) if good else (jsonify(error="no"), 404)

    @app.get("/profile")
    def profile() -> Any:
        return jsonify(who="admin") if bearer() == "Xk3-" + "q" * 20 else (jsonify(error="no"), 401)

    return app


def test_where_nobody_is_given_the_scan_goes_on_by_a_default_account_and_says_so() -> None:
    people, notes, courier = become(staff())
    assert [(one.name, one.subject, one.guessed) for one in people] == [("default", "admin", True)]
    assert whoami(courier, people[0]) == {"who": "admin"}
    assert any("default-account-enabled" in note for note in notes)
    assert not any("admin123" in note for note in notes)


@pytest.mark.parametrize("mode", ["default", "passive"])
def test_no_account_is_guessed_in_a_mode_that_does_not_allow_it(mode: Mode) -> None:
    people, _, _ = become(staff(), mode)
    assert people == ()


def test_no_account_is_guessed_where_somebody_was_given() -> None:
    people, _, _ = become(staff(), given=(Identity("eve", (), subject="eve", password=Secret("eves-password")),))
    assert people == ()


def test_a_door_that_slows_down_gives_no_default_account() -> None:
    people, _, _ = become(staff(limit=2))
    assert not any(one.guessed for one in people)


def test_a_door_that_lets_everybody_in_is_gone_through_as_nobody() -> None:
    people, _, _ = become(staff(anything=True))
    assert [(one.subject or "").partition("-")[0] for one in people if one.guessed] == ["nobody"]


def test_the_account_that_a_document_shows_is_tried_first() -> None:
    said = {name: {"type": "string", "example": value} for name, value in (("username", "ann"), ("password", "ann-1"))}
    made_up = {name: {"type": "string"} for name in said}
    assert list(_shown(Route("/login", ("POST",), request_schema={"type": "object", "properties": said}))) == [
        ("ann", "ann-1")
    ]
    assert not list(_shown(Route("/login", ("POST",), request_schema={"type": "object", "properties": made_up})))
