"""Answers to registrations and other changes are read for secrets too; what is rightly shown there is none."""

import json
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.test_engine import target

from stopper.core.answers.response_fields import secrets_after_change
from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.rules.leak.sensitive_field_in_response import RULE
from stopper.scan.engine import run_probe
from stopper.scan.target import prepare

HASH = "$2b$12$KIXQJ1v0J2cO1p9Y1d6S8uQm"


def changed(sent: Any, answer: Any) -> tuple[str, ...]:
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    response = Response(200, (("Content-Type", "application/json"),), json.dumps(answer).encode())
    return secrets_after_change(Exchange(Request("POST", "/users", (), body, "write"), response))


@pytest.mark.parametrize(
    ("sent", "answer", "names"),
    [
        ({"password": "mine-1"}, {"user": {"id": 1, "password": HASH}}, ("password",)),
        ({"password": "mine-1"}, {"password": "5f4dcc3b5aa765d61d8327deb882cf99"}, ("password",)),
        (b"name=ann&password=mine-1", {"password_hash": "pbkdf2:sha256:1$x$y"}, ("password_hash",)),
        ({"name": "a"}, {"users": [{"password": "pass1"}, {"password": "pass2"}]}, ("password",)),
        ({"email": "a@example.com"}, {"reset_token": "81c9a0"}, ("reset_token",)),
    ],
    ids=["hash", "digest", "form", "passwords of several people", "the token of a reset"],
)
def test_a_secret_that_nobody_sent_is_told(sent: Any, answer: Any, names: tuple[str, ...]) -> None:
    assert changed(sent, answer) == names


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ({"password": "mine-1"}, {"name": "ann", "password": "mine-1"}),
        (b"name=ann&password=mine-1", {"password": "mine-1"}),
        ({"name": "ci"}, {"api_key": "sk-1a2b3c4d5e6f", "client_secret": "made-for-ci-4711"}),
        ({}, {"totp_secret": "JBSWY3DPEHPK3PXP", "recovery_codes": ["a-1"]}),
        ({"name": "bob"}, {"id": 2, "password": "Xk9-first-one"}),
        ({"room": 4}, {"confirmation_code": "ABC123"}),
        ({"password": "mine-1"}, {"password": "Password was changed"}),
        ({"password": "mine-1"}, {"access_token": "e.y.J", "refresh_token": "e.y.K"}),
        ({"ssn": "123-45-6789"}, {"ssn": "123-45-6789"}),
    ],
    ids=[
        "echo",
        "echo of a form",
        "keys at their making",
        "second factor",
        "first password",
        "booking",
        "words",
        "log-in",
        "own number",
    ],
)
def test_what_is_sent_or_shown_once_is_none(sent: Any, answer: Any) -> None:
    assert changed(sent, answer) == ()


def people_app(leaky: bool) -> Flask:
    app = Flask("people")
    passwords: dict[str, str] = {}

    @app.post("/register")
    def register() -> Any:
        sent = request.get_json()
        passwords[sent["username"]] = sent["password"]
        extra = {"password": HASH} if leaky else {}
        return jsonify(id=1, username=sent["username"], **extra), 201

    @app.post("/login")
    def login() -> Any:
        sent = request.get_json()
        if passwords.get(sent["username"]) != sent["password"]:
            return jsonify(error="no"), 401
        return jsonify(token=f"key-of-{sent['username']}")

    @app.get("/me")
    def me() -> Any:
        if not request.headers.get("Authorization", "").startswith("Bearer key-of-"):
            return jsonify(error="who"), 401
        return jsonify(name="me")

    return app


@pytest.mark.parametrize(("leaky", "outcome"), [(True, "fail"), (False, "pass")])
def test_the_registration_of_the_scans_own_people_is_read(leaky: bool, outcome: str) -> None:
    app = people_app(leaky)
    _, courier = target(app, mode="active")
    model = App(routes=(Route("/register", ("POST",)), Route("/login", ("POST",)), Route("/me", ("GET",))))
    ready = prepare(model, courier, (), "active", "standard")
    verdict = run_probe(RULE, ready.target, courier).verdict
    assert verdict.outcome == outcome, verdict.message
    if leaky:
        assert [str(ref) for ref in verdict.routes] == ["POST /register"]
        assert HASH not in verdict.message + "".join(one.text for one in verdict.evidence)
