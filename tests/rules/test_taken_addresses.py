"""A registration that says which e-mail addresses have an account, and one that only says which names are taken."""

import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule


def people(says: str) -> Flask:
    """Accounts with a name and an address; *says* is what a registration tells of."""
    app, kept, tokens = Flask("people"), dict[str, dict[str, str]](), dict[str, str]()

    @app.post("/register")
    def register() -> Any:
        data = {name: str(request.get_json()[name]) for name in ("username", "email", "password")}
        if data["username"] in kept:
            return jsonify(error="this user name is taken"), 409
        if says != "names" and any(one["email"] == data["email"] for one in kept.values()):
            return (
                (jsonify(error="this e-mail is already registered"), 409) if says == "addresses" else jsonify(ok=True)
            )
        kept[data["username"]] = data
        return jsonify(ok=True)

    @app.post("/login")
    def login() -> Any:
        data = request.get_json()
        if kept.get(str(data.get("username")), {}).get("password") != data.get("password"):
            return jsonify(error="wrong"), 401
        token = secrets.token_urlsafe(24)
        tokens[token] = data["username"]
        return jsonify(token=token)

    @app.get("/me")
    def me() -> Any:
        who = tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return jsonify(name=who) if who else (jsonify(error="no"), 401)

    return app


@pytest.mark.parametrize(("says", "outcome"), [("addresses", "fail"), ("names", "pass"), ("nothing", "pass")])
def test_a_registration_tells_of_addresses(says: str, outcome: str) -> None:
    rule = find("user-enumeration")
    assert rule is not None
    assert try_rule(rule, people(says)).outcome == outcome
