"""A registration that is refused is sent again as the refusal tells, and whoever is registered so can log in."""

import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.test_identities import bearer

from stopper.core.app import App, Route
from stopper.scan.honest import HonestRequests
from stopper.scan.identities import Scene, gather
from stopper.scan.told_bodies import amended
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

Check = Callable[[dict[str, Any]], str]


def bank(check: Check, *, by_number: bool = False) -> Flask:
    """An API that registers whom *check* finds nothing to say of; by_number: people log in by the number that they were given."""
    app, people = Flask("bank"), dict[str, dict[str, Any]]()
    tokens: set[str] = set()

    @app.post("/register")
    def register() -> Any:
        sent = request.get_json()
        if wrong := check(sent):
            return jsonify(error=wrong), 400
        number = str(secrets.randbelow(10**8) + 10**8)
        people[number if by_number else sent["username"]] = sent
        return jsonify(account_number=number), 201

    @app.post("/login")
    def login() -> Any:
        sent, name = request.get_json(), "account_number" if by_number else "username"
        if people.get(sent.get(name), {}).get("password") != sent.get("password"):
            return jsonify(error="no"), 401
        tokens.add(token := secrets.token_hex(16))
        return jsonify(user_token=token)

    @app.get("/profile")
    def profile() -> Any:
        return jsonify(ok=True) if bearer() in tokens else (jsonify(error="no"), 401)

    return app


def said(path: str, *names: str) -> Route:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    return Route(path, ("POST",), readers=frozenset({"spec"}), request_schema=schema)


@pytest.mark.parametrize(
    "check",
    [
        lambda sent: "" if sent["username"].isalpha() else "username may contain only letters",
        lambda sent: "" if len(sent["username"]) <= 8 else "username must have 3 to 8 characters",
        lambda sent: "" if re.fullmatch(r"\d{6}", sent["password"]) else "the password must be 6 digits",
        lambda sent: "" if sent["country"] == "US" else "country: not a two letter code",
        lambda sent: "" if len(sent["password"]) <= 14 else "invalid input",
    ],
    ids=["letters", "short", "digits", "country", "says nothing"],
)
@pytest.mark.parametrize("by_number", [False, True], ids=["", "by number"])
def test_somebody_is_registered_as_a_refusal_tells(check: Check, by_number: bool) -> None:
    login = "account_number" if by_number else "username"
    routes = (
        said("/register", "username", "password", "country"),
        said("/login", login, "password"),
        Route("/profile", ("GET",), readers=frozenset({"spec"})),
    )
    courier = Courier(WsgiTransport(bank(check, by_number=by_number)), mode="active")
    scene = Scene(App(routes=routes), courier, HonestRequests(canary="stpcanary1"), "stpcanary1")
    people, _ = gather(scene, ())
    assert [one.name for one in people] == ["alice", "bob"]


def test_what_a_refusal_does_not_speak_of_stays() -> None:
    body = {"username": "ann", "role": "text", "terms": False, "age": 1}
    assert amended(body, "you must accept the terms") == {**body, "terms": True}
    assert amended(body, "role must be one of: admin, customer") == {**body, "role": "customer"}
    assert amended(body, "something went wrong") == body
