"""Whose an area is: who registers at ``/merchants/register`` is a merchant, and what lies beside is for everybody who came in there."""

import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.rules.from_outside import RULES

from stopper.core.app import App, Route, Spec
from stopper.scan.engine import run_probe
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

ACCOUNT = {
    "type": "object",
    "properties": {"email": {"type": "string"}, "name": {"type": "string"}, "password": {"type": "string"}},
}
WARE = {"type": "object", "properties": {"title": {"type": "string"}}}


def shop(area: str) -> tuple[Flask, App]:
    """People come in at that area; wares are put up at the merchants'."""
    app, people, tokens = Flask("shop"), dict[str, str](), dict[str, str]()

    @app.post(f"/{area}/register")
    def register() -> Any:
        said = request.get_json(silent=True) or {}
        if not all(isinstance(said.get(name), str) for name in ("email", "name", "password")):
            return jsonify(error="all three"), 400
        people[said["email"]] = said["password"]
        return jsonify(message="welcome"), 201

    @app.post(f"/{area}/login")
    def login() -> Any:
        said = request.get_json(silent=True) or {}
        if said.get("password") is None or people.get(said.get("email")) != said["password"]:
            return jsonify(error="no"), 401
        token = secrets.token_hex(16)
        tokens[token] = said["email"]
        return jsonify(token=token)

    @app.post("/merchants/wares")
    def wares() -> Any:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in tokens:
            return jsonify(error="sign in"), 401
        said = request.get_json(silent=True) or {}
        return (
            (jsonify(title=said["title"]), 201) if isinstance(said.get("title"), str) else (jsonify(error="title"), 400)
        )

    known = frozenset({"spec"})
    routes = (
        Route(f"/{area}/register", ("POST",), request_schema=ACCOUNT, readers=known),
        Route(f"/{area}/login", ("POST",), request_schema=ACCOUNT, readers=known),
        Route("/merchants/wares", ("POST",), request_schema=WARE, readers=known, spec_security=("bearer",)),
    )
    return app, App(readers=known, routes=routes)


@pytest.mark.parametrize(("area", "told"), [("merchants", False), ("people", True)])
def test_whoever_registers_in_an_area_belongs_there(area: str, told: bool) -> None:
    app, document = shop(area)
    courier = Courier(WsgiTransport(app), mode="active", max_requests=1500)
    target = prepare(document, courier, (), "active", "standard").target
    found = run_probe(RULES["low-role-reaches-admin"], target, courier).verdict
    assert (found.outcome == "fail") is told, found.message


def panel(checks: bool) -> tuple[Flask, App]:
    """A panel whose first account is its administrator, which only the account itself and the list of all show."""
    app, people, tokens = Flask("panel"), dict[str, tuple[str, str]](), dict[str, str]()

    def caller() -> str:
        return tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), "")

    @app.post("/register")
    def register() -> Any:
        said = request.get_json(silent=True) or {}
        if not all(isinstance(said.get(name), str) for name in ("email", "name", "password")):
            return jsonify(error="all three"), 400
        people.setdefault(said["email"], (said["password"], "user" if people else "admin"))
        return jsonify(message="welcome"), 201

    @app.post("/login")
    def login() -> Any:
        said = request.get_json(silent=True) or {}
        if people.get(said.get("email"), ("",))[0] != (said.get("password") or "-"):
            return jsonify(error="no"), 401
        token = secrets.token_hex(16)
        tokens[token] = said["email"]
        return jsonify(token=token)

    @app.get("/admin/users")
    def users() -> Any:
        if not caller():
            return jsonify(error="sign in"), 401
        if checks and people[caller()][1] != "admin":
            return jsonify(error="administrators"), 403
        return jsonify([{"email": email, "role": role} for email, (_, role) in people.items()])

    known = frozenset({"spec"})
    doors = [Route(path, ("POST",), request_schema=ACCOUNT, readers=known) for path in ("/register", "/login")]
    return app, App(readers=known, routes=(*doors, Route("/admin/users", ("GET",), readers=known)))


@pytest.mark.parametrize("checks", [True, False], ids=["asks", "asks-nothing"])
def test_the_first_account_may_be_the_administrator(checks: bool) -> None:
    app, document = panel(checks)
    courier = Courier(WsgiTransport(app), mode="active", max_requests=1500)
    target = prepare(document, courier, (), "active", "standard").target
    found = run_probe(RULES["low-role-reaches-admin"], target, courier).verdict
    assert (found.outcome == "fail") is not checks, found.message


@pytest.mark.parametrize(("path", "told"), [("/forgot-password", False), ("/newsletter", True)])
def test_whoever_has_forgotten_a_password_shows_no_credential(path: str, told: bool) -> None:
    app = Flask("forgotten")
    known = frozenset({"spec"})

    @app.post(path)
    def forgot_password() -> Any:
        return jsonify(message="a mail is on its way")

    @app.post("/notes")
    def notes() -> Any:
        if request.headers.get("Authorization") is None:
            return jsonify(error="sign in"), 401
        return jsonify(id=1), 201

    routes = tuple(
        Route(one, ("POST",), request_schema=WARE, readers=known, spec_security=("bearer",)) for one in (path, "/notes")
    )
    courier = Courier(WsgiTransport(app), mode="active", max_requests=500)
    target = prepare(
        App(readers=known, routes=routes, spec=Spec("notes", "1", "openapi.json")),
        courier,
        (),
        "active",
        "standard",
    ).target
    found = run_probe(RULES["spec-security-not-enforced"], target, courier).verdict
    assert (found.outcome == "fail") is told, found.message
