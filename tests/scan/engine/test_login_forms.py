"""What one person's log-in taught is used for the next: a log-in costs a hash of a password each time."""

import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.test_identities import bearer, become, whoami

from stopper.core.app import App, Route
from stopper.core.login_names import LOGIN
from stopper.scan.merge import with_spec
from stopper.scan.people.doors import REGISTER, doors
from stopper.scan.people.identities import Scene, gather
from stopper.scan.running.read import read_running
from stopper.scan.spec.read import read_spec
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

Reads = Callable[[], tuple[str, str] | None]


def as_user() -> tuple[str, str] | None:
    user = (request.get_json(silent=True) or {}).get("user") or {}
    return (user["email"], user["password"]) if "email" in user else None


def as_form() -> tuple[str, str] | None:
    return (request.form["email"], request.form["password"]) if "email" in request.form else None


def as_basic() -> tuple[str, str] | None:
    said = request.authorization
    return (said.username or "", said.password or "") if said is not None and said.type == "basic" else None


def club(reads: Reads, tried: list[str], *, challenge: str = "") -> Flask:
    """An API whose log-in reads an account in one form only."""
    app = Flask("club")
    people: dict[str, str] = {}
    tokens: dict[str, str] = {}

    @app.post("/users")
    def register() -> Any:
        people[request.json["email"]] = request.json["password"]
        return "", 201

    @app.post("/login")
    def login() -> Any:
        account = reads()
        tried.append("read" if account else "not read")
        if account is None or account[0] not in people or people[account[0]] != account[1]:
            return jsonify(error="no"), 401, {"WWW-Authenticate": challenge} if challenge else {}
        token = secrets.token_urlsafe(24)
        tokens[token] = account[0]
        return jsonify(token=token)

    @app.get("/profile")
    def profile() -> Any:
        return jsonify(who=tokens[bearer() or ""]) if bearer() in tokens else (jsonify(error="no"), 401)

    return app


@pytest.mark.parametrize(
    ("reads", "challenge"), [(as_user, ""), (as_basic, 'Basic realm="x"')], ids=["an object", "Basic"]
)
def test_the_second_person_is_logged_in_by_the_form_that_took_the_first(reads: Reads, challenge: str) -> None:
    tried: list[str] = []
    people, _, courier = become(club(reads, tried, challenge=challenge))
    assert [whoami(courier, one)["who"].partition("-")[0] for one in people] == ["alice", "bob"]
    after_the_first = tried[tried.index("read") + 1 :]
    assert "not read" not in after_the_first


def test_basic_is_tried_as_soon_as_it_is_asked_for() -> None:
    tried: list[str] = []
    become(club(as_basic, tried, challenge='Basic realm="x"'))
    assert tried[:2] == ["not read", "read"]


@pytest.mark.parametrize("reads", [as_user, as_form], ids=["an object", "a form"])
def test_a_challenge_for_basic_ends_no_search_for_another_form(reads: Reads) -> None:
    """Some libraries challenge so on every 401, whatever the log-in reads."""
    tried: list[str] = []
    people, _, _ = become(club(reads, tried, challenge='Basic realm="x"'))
    assert [one.name for one in people] == ["alice", "bob"]


def test_basic_comes_first_where_the_document_asks_for_it() -> None:
    tried: list[str] = []
    app = club(as_basic, tried, challenge="Form")
    said: dict[str, object] = {"post": {"security": [{"account": []}], "responses": {}}}
    schemes = {"account": {"type": "http", "scheme": "basic"}}
    document = {"openapi": "3.0.0", "info": {}, "paths": {"/login": said}, "components": {"securitySchemes": schemes}}
    model = with_spec(read_running(app, Path()), *read_spec(json.dumps(document), "api.json"))
    courier = Courier(WsgiTransport(app), mode="active")
    people, _ = gather(Scene(model, courier, HonestRequests(canary="stpcanary1"), "stpcanary1"), ())
    assert [one.name for one in people] == ["alice", "bob"]
    assert tried == ["read", "read"]


@pytest.mark.parametrize(
    ("path", "enters"),
    [
        *((one, True) for one in ("/auth/login", "/loginUser", "/sessions", "/create-session", "/obtainToken", "/auth/token", "/magic-link-login")),
        *((one, False) for one in ("/delete-login", "/remove-signin", "/updateLogin", "/create-login", "/delete/login", "/revoke-token", "/deletelogin")),
    ],
)  # fmt: skip
def test_what_is_done_to_a_log_in_is_none(path: str, enters: bool) -> None:
    members = {"username": {"type": "string"}, "password": {"type": "string"}}
    said = Route(path, ("POST",), request_schema={"type": "object", "properties": members})
    app = App(routes=(said, replace(said, request_schema=None, fields=("username", "password"))))
    assert len(list(doors(app, LOGIN))) == (2 if enters else 0)
    assert enters or "create" in path or not list(doors(app, REGISTER))
