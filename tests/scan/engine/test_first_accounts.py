"""Accounts that a scan makes where a view wants all that its document names, and where nothing refuses politely."""

import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.app import App, Route
from stopper.core.exchange import Request, Response
from stopper.core.probe import Identity
from stopper.core.probing.accounts.login import understood
from stopper.core.secret import Secret
from stopper.scan.catalogue import find
from stopper.scan.people.identities import Scene, gather
from stopper.scan.people.logging_in import log_in
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.trial import try_rule
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.transport import Hold, at_once
from stopper.scan.wire.wsgi import WsgiTransport

SCHEMA = {
    "properties": {
        "login": {"type": "string"},
        "password": {"type": "string"},
        "role": {"example": "admin"},
        "is_admin": {"type": "boolean"},
    }
}


def rude(seen: list[dict[str, Any]], *, opens: bool = True) -> Flask:
    """An API whose views fail with 500 on what is missing: a member of the body, or the header with the token."""
    app, people, tokens = Flask("rude"), dict[str, str](), dict[str, str]()

    @app.post("/user/register")
    def register() -> Any:
        data = request.get_json()
        data["is_admin"]
        people[data["login"]] = data["password"] + data["role"] * 0
        seen.append(data)
        return "made", 201

    @app.post("/user/login")
    def login() -> Any:
        data = request.get_json()
        if people.get(data["login"]) != data["password"]:
            return "no", 401
        token = secrets.token_urlsafe(24)
        tokens[token] = data["login"]
        return jsonify(token=token)

    @app.get("/all")
    def everybody() -> Any:
        known = tokens[request.headers["Authorization"].removeprefix("Bearer ")]
        return ("for administrators", 403) if known and opens else 1 / 0

    return app


def people_of(app: Flask) -> tuple[Identity, ...]:
    routes = (
        Route("/user/register", ("POST",), request_schema=SCHEMA),
        Route("/user/login", ("POST",), fields=("login", "password")),
        Route("/all", ("GET",)),
    )
    model = App(routes=routes, readers=frozenset({"spec"}))
    return gather(Scene(model, Courier(WsgiTransport(app), mode="active"), HonestRequests(), "canary1"), ())[0]


def test_a_role_is_given_where_a_view_cannot_do_without_and_makes_no_administrator() -> None:
    seen: list[dict[str, Any]] = []
    alice, bob = people_of(rude(seen))
    assert [(one["role"], one["is_admin"]) for one in seen] == [("user", False)] * 2
    assert alice.headers[0][0] == bob.headers[0][0] == "Authorization"
    assert alice.headers[0][1].reveal().startswith("Bearer ")


def test_a_view_that_fails_for_everybody_spoils_no_log_in() -> None:
    assert len(people_of(rude([], opens=False))) == 2


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("Nobody of that name!", True),
        ("", False),
        ("<!doctype html>\n<html lang=en><title>404 Not Found</title>", False),
    ],
)
def test_a_view_that_says_in_its_own_words_that_nobody_is_there_was_a_log_in(text: str, known: bool) -> None:
    assert understood(Response(404, (("Content-Type", "text/html"),), text.encode())) is known


def test_who_registers_and_logs_in_by_a_number_to_call_is_somebody() -> None:
    app, people = Flask("by number"), dict[str, str]()

    @app.post("/register")
    def register() -> Any:
        data = request.get_json()
        if data["phone"] in people:
            return jsonify(error="taken"), 409
        people[data["phone"]] = data["password"]
        return jsonify(name=data["name"]), 201

    @app.post("/login")
    def login() -> Any:
        data = request.get_json()
        if people.get(data["phone"]) != data["password"]:
            return jsonify(error="no"), 401
        return jsonify(token=secrets.token_urlsafe(24))

    routes = (
        Route("/register", ("POST",), fields=("phone", "name", "password")),
        Route("/login", ("POST",), fields=("phone", "password")),
    )
    scene = Scene(App(routes=routes), Courier(WsgiTransport(app), mode="active"), HonestRequests(), "canary1")
    assert [one.subject for one in gather(scene, ())[0]] == list(people)


def test_probes_send_an_account_in_the_form_that_let_somebody_in() -> None:
    """Nothing but the log-in itself tells that the member is called "login"."""
    app = Flask("asks for login")

    @app.post("/login")
    def login() -> Any:
        data = request.get_json()
        known = data["login"] == "dave" and data["password"] == "daves-password"
        return jsonify(token=secrets.token_urlsafe(24)) if known else ("no", 401)

    rule = find("login-not-throttled")
    assert rule is not None
    dave = Identity("dave", (), subject="dave", password=Secret("daves-password"))
    assert try_rule(rule, app, identities=[dave]).outcome == "fail"


class JustStarted(WsgiTransport):
    """A server that gives no answer in time to the first log-ins."""

    def __init__(self, app: Flask, silent: int) -> None:
        super().__init__(app)
        self.silent, self.logged_in = silent, 0

    def send(self, request: Request, timeout: float, hold: Hold = at_once) -> Response:
        self.logged_in += request.target == "/user/login"
        if request.target == "/user/login" and self.logged_in <= self.silent:
            return Response(0, error="no whole answer in time", seconds=5.0)
        return super().send(request, timeout, hold)


@pytest.mark.parametrize(("silent", "people"), [(0, 1), (1, 1), (4, 0)])
def test_a_log_in_that_a_server_has_let_wait_once_is_tried_once_more(silent: int, people: int) -> None:
    app = rude([])
    transport = JustStarted(app, silent)
    with app.test_client() as client:
        client.post("/user/register", json={"login": "ann", "password": "Ann-9x!", "role": "user", "is_admin": False})
    model = App(routes=(Route("/user/login", ("POST",), fields=("login", "password")), Route("/all", ("GET",))))
    ann = Identity("ann", (), subject="ann", password=Secret("Ann-9x!"))
    scene = Scene(model, Courier(transport, mode="active"), HonestRequests(), "canary1")
    assert (log_in(scene, ann) is not None) is bool(people)
    assert transport.logged_in <= 2 or not people
