"""A registration that is refused is sent again as the refusal tells, and whoever is registered so can log in."""

import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.test_identities import bearer

from stopper.core.app import App, Route
from stopper.scan.people.identities import Scene, gather
from stopper.scan.people.told_bodies import amended
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.surface.missing_fields import learn_doors
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


def test_a_number_is_as_long_as_a_refusal_says() -> None:
    assert len(str(amended({"number": 1}, "number: must be a phone number of at least 8 digits")["number"])) == 10
    assert len(str(amended({"code": 1}, "code must have 6 digits")["code"])) == 6


def unnamed(check: Callable[[dict[str, Any]], Any], *, steps: bool = False, within: str = "") -> Flask:
    """An API that nobody describes: *check* gives what it refuses a registration with. ``steps``: it asks for codes that it shows."""
    app, people = Flask("unnamed"), dict[str, dict[str, Any]]()
    tokens, codes, waiting = set[str](), dict[str, str](), dict[str, str]()

    def body() -> dict[str, Any]:
        sent: dict[str, Any] = request.get_json(silent=True) or {}
        inner: Any = sent.get(within)
        return inner if isinstance(inner, dict) else {} if within else sent

    @app.post("/register")
    def register() -> Any:
        sent = body()
        if wrong := check(sent):
            return wrong if isinstance(wrong, tuple) else (jsonify(error=wrong), 400)
        name = next(sent[one] for one in ("email", "username", "usuario", "handle") if one in sent)
        people[name] = {**sent, "ready": not steps}
        codes[name] = f"{secrets.randbelow(10**6):06d}"
        return jsonify(message="confirm your address", otp=codes[name]) if steps else ("", 201)

    @app.post("/verify")
    def verify() -> Any:
        sent = request.get_json(silent=True) or {}
        for name in ("email", "otp"):
            if name not in sent:
                return jsonify(error=f"{name} is required"), 400
        people[sent["email"]]["ready"] = codes[sent["email"]] == sent["otp"]
        return jsonify(ok=True)

    @app.post("/login")
    def login() -> Any:
        sent = body()
        name = next((sent[one] for one in ("email", "username", "usuario", "handle") if sent.get(one) in people), "")
        known = people.get(name, {})
        word = next((one for one in ("password", "contrasena", "pin") if one in known), "")
        if not word or sent.get(word) != known[word] or not known["ready"]:
            return jsonify(error="no"), 401
        token = secrets.token_hex(16)
        if steps:
            waiting[challenge := secrets.token_hex(8)] = token
            codes[challenge] = f"{secrets.randbelow(10**6):06d}"
            return jsonify(mfa_required=True, mfa_token=challenge, message=f"Your code is {codes[challenge]}")
        tokens.add(token)
        return jsonify(token=token)

    @app.post("/login/verify")
    def second() -> Any:
        sent = request.get_json(silent=True) or {}
        for name in ("mfa_token", "code"):
            if name not in sent:
                return jsonify(error=f"{name} is required"), 400
        if codes.get(sent["mfa_token"]) != sent["code"]:
            return jsonify(error="no"), 401
        tokens.add(waiting[sent["mfa_token"]])
        return jsonify(access_token=waiting[sent["mfa_token"]])

    @app.get("/profile")
    def profile() -> Any:
        return jsonify(ok=True) if bearer() in tokens else (jsonify(error="no"), 401)

    return app


def first_of(*names: str, says: str = "{} is required") -> Callable[[dict[str, Any]], str]:
    return lambda sent: next((says.format(name) for name in names if not sent.get(name)), "")


def allows(*names: str) -> Callable[[dict[str, Any]], Any]:
    def check(sent: dict[str, Any]) -> Any:
        unknown = {name: ["Unknown field."] for name in sent if name not in names}
        missing = {name: ["Missing data for required field."] for name in names if name not in sent}
        return (jsonify(errors={**unknown, **missing}), 422) if unknown or missing else ""

    return check


@pytest.mark.parametrize(
    "app",
    [
        unnamed(first_of("email", "password", "first_name", "last_name", "phone", "birth_date", "gender")),
        unnamed(allows("email", "password")),
        unnamed(first_of("usuario", "contrasena", says="Faltan campos requeridos: {}")),
        unnamed(lambda sent: "" if sent.get("password") and sent.get("fullname") else "All fields are required"),
        unnamed(lambda sent: "" if sent.get("confirmPassword") == sent.get("password") else "Passwords do not match"),
        unnamed(lambda sent: "" if sent.get("role") in ("buyer", "seller") else "role must be one of: buyer, seller"),
        unnamed(lambda sent: "" if type(sent.get("age")) is int else "age must be an integer"),
        unnamed(
            lambda sent: "" if sent.get("fullname") else (jsonify(success=False, message="fullname is required"), 200)
        ),
        unnamed(lambda sent: "" if sent else "data is required", within="data"),
        unnamed(lambda sent: "" if sent else "'account'", within="account"),
        unnamed(first_of("email", "password"), steps=True),
    ],
    ids=["one by one", "strict", "spanish", "unsaid", "twice", "role", "age", "200", "data", "wrapped", "two steps"],
)
def test_an_api_that_nobody_describes_tells_how_to_register(app: Flask) -> None:
    posts = ("/register", "/login", "/verify", "/login/verify")
    routes = (
        *(Route(path, ("POST",), readers=frozenset({"wire"})) for path in posts),
        Route("/profile", ("GET",), readers=frozenset({"wire"})),
    )
    courier, honest = Courier(WsgiTransport(app), mode="active"), HonestRequests(canary="stpcanary1")
    people, _ = gather(Scene(learn_doors(App(routes=routes), courier, honest), courier, honest, "stpcanary1"), ())
    assert [one.name for one in people] == ["alice", "bob"]
