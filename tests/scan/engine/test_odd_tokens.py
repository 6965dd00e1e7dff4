"""A token under a name of the application's own, in a sentence or in a header, shown the way in which the application asks for it."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, jsonify, request

from stopper.core.app import App, Route
from stopper.core.exchange import Request
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.people.credential import proven
from stopper.scan.people.identities import Scene, gather
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


def bank(said: Callable[[str], Any], header: str, scheme: str = "", asks: str = "not signed in") -> Flask:
    """An API that tells its token as *said* and reads it from *header*."""
    app, people = Flask("bank"), dict[str, str]()
    tokens: set[str] = set()

    @app.post("/register")
    def register() -> Any:
        people[request.json["username"]] = request.json["password"]
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> Any:
        sent = request.get_json(silent=True) or {}
        if people.get(sent.get("username", ""), "") != sent.get("password"):
            return jsonify(error="wrong name or password"), 401
        tokens.add(token := secrets.token_hex(16))
        return said(token)

    @app.get("/profile")
    def profile() -> Any:
        shown = request.headers.get(header, "").removeprefix(scheme)
        return jsonify(ok=True) if shown in tokens else (jsonify(error=asks), 401)

    return app


def in_header(token: str) -> Response:
    return Response("{}", headers={"X-Bank-Session": token}, mimetype="application/json")


@pytest.mark.parametrize(
    "app",
    [
        bank(lambda token: jsonify(data={"auth": {"value": token}}), "Authorization", "Bearer "),
        bank(lambda token: jsonify(ticket=token), "Authorization", "Bearer "),
        bank(lambda token: jsonify(message=f"Welcome! Your pass is {token}."), "Authorization", "Bearer "),
        bank(lambda token: jsonify(token), "X-API-Token"),
        bank(in_header, "X-Bank-Session", asks="Missing X-Bank-Session header"),
        bank(lambda token: jsonify(token=token), "X-Till", asks="the X-Till header is missing"),
        bank(lambda token: jsonify(token=token), "Authorization", "Till ", asks="send Authorization: Till <token>"),
        bank(lambda token: jsonify(token=token), "token"),
    ],
    ids=["nested", "ticket", "sentence", "text", "header", "told header", "told scheme", "bare header"],
)
def test_somebody_is_let_in_by_a_token_of_any_name(app: Flask) -> None:
    routes = (
        *(Route(path, ("POST",), readers=frozenset({"wire"})) for path in ("/register", "/login")),
        Route("/profile", ("GET",), readers=frozenset({"wire"})),
    )
    scene = Scene(
        App(routes=routes),
        Courier(WsgiTransport(app), mode="active"),
        HonestRequests(canary="stpcanary1"),
        "stpcanary1",
    )
    people, _ = gather(scene, ())
    assert [one.name for one in people] == ["alice", "bob"]


def test_what_opens_nothing_is_no_credential() -> None:
    app = bank(lambda _: jsonify(order="4f0c6b9d9d6a4a0c"), "Authorization")
    routes = (
        *(Route(path, ("POST",), readers=frozenset({"wire"})) for path in ("/register", "/login")),
        Route("/profile", ("GET",), readers=frozenset({"wire"})),
    )
    courier = Courier(WsgiTransport(app), mode="active")
    people, _ = gather(Scene(App(routes=routes), courier, HonestRequests(canary="stpcanary1"), "stpcanary1"), ())
    assert not people


def test_the_password_of_somebody_who_was_given_goes_to_no_route_that_may_be_no_log_in() -> None:
    app, sent = Flask("board"), list[bytes]()

    @app.post("/feedback")
    def feedback() -> Any:
        sent.append(request.data)
        return jsonify(error="text is missing"), 400

    route = Route("/feedback", ("POST",), readers=frozenset({"wire"}))
    courier = Courier(WsgiTransport(app), mode="active")
    given = Identity("ann", (), subject="ann", password=Secret("anns-own-password"))
    gather(Scene(App(routes=(route,)), courier, HonestRequests(canary="stpcanary1"), "stpcanary1"), (given,))
    assert not any(b"anns-own-password" in body for body in sent)


@pytest.mark.parametrize(("unknown", "opened"), [(401, True), (400, False)])
def test_a_door_that_finds_fault_with_the_id_alone_has_let_somebody_in(unknown: int, opened: bool) -> None:
    """``/people/1`` is no UUID, and says so to whoever is known; a guard that calls an unreadable credential a bad request says nothing."""
    app, tokens = Flask("uuids"), {"3f9c2a7be1d04c58"}

    @app.get("/people/<number>")
    def one(number: str) -> Any:
        if not request.headers.get("Authorization"):
            return jsonify(error="log in first"), 401
        known = request.headers["Authorization"].removeprefix("Bearer ") in tokens
        return (jsonify(error=f"{number} is no UUID"), 400) if known else (jsonify(error="bad token"), unknown)

    courier = Courier(WsgiTransport(app), mode="active")
    door = courier.carry(Request("GET", "/people/1"))
    way = (("Authorization", Secret("Bearer 3f9c2a7be1d04c58")),)
    assert (proven([door], courier, [way]).state == "opened") is opened
