"""Pages with forms and bodies with objects inside: the scan sends what a browser or a well-meaning client would."""

import secrets
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify, redirect, request, session
from hypothesis import given
from hypothesis import strategies as st

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.probe import Identity, Send, Steps, Target
from stopper.core.probing.accounts.login import filled, log_in
from stopper.core.secret import Secret
from stopper.scan.people.doors import accounts_bodies
from stopper.scan.people.entry_page import entry_request
from stopper.scan.people.identities import Scene, gather
from stopper.scan.running.read import read_running
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.tokens.forge import TokenForge
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

CAROL = Identity("carol", (), subject="carol@example.com", password=Secret("carols-password"))


def become(app: Flask, *given: Identity) -> tuple[tuple[Identity, ...], tuple[str, ...], Courier]:
    courier = Courier(WsgiTransport(app), mode="default" if given else "active")
    scene = Scene(read_running(app, Path()), courier, HonestRequests(canary="stpcanary1"), "stpcanary1")
    return *gather(scene, given), courier


def finished(courier: Courier, steps: Steps[Any]) -> Any:
    try:
        step = next(steps)
        while isinstance(step, Send):
            step = steps.send(courier.carry(step.request))
    except StopIteration as ended:
        return ended.value
    raise AssertionError(step)


def whoami(courier: Courier, identity: Identity) -> Any:
    return courier.carry(identity.on(Request("GET", "/profile"))).response.json()


def bearer() -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


PAGE = """<form method="get"><input name="q"></form>
<form method="post" action=""><input type="hidden" name="csrf" value="{}"><input name="user"><input type="email" name="mail">
<input type="password" name="pw"><input type="password" name="pw_again"><input type="submit" name="go" value="Go"></form>"""


def with_pages() -> Flask:
    """An application with pages: its forms are taken with the CSRF token of the session that came with the page only."""
    app = Flask("pages")
    app.secret_key = secrets.token_hex(16)
    people: dict[str, str] = {}

    def page() -> str:
        session["csrf"] = secrets.token_hex(8)
        return PAGE.format(session["csrf"])

    def wrong() -> bool:
        return not session.get("csrf") or request.form.get("csrf") != session["csrf"]

    @app.route("/join/register", methods=["GET", "POST"])
    def register() -> Any:
        if request.method == "GET":
            return page()
        if wrong() or request.form["pw"] != request.form["pw_again"]:
            return "no", 400
        people[request.form["mail"]] = request.form["pw"]
        return redirect("/join/login")

    @app.route("/join/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.method == "GET" or wrong() or people.get(request.form["mail"]) != request.form["pw"]:
            return page()
        session["who"] = request.form["mail"]
        return redirect("/profile")

    @app.get("/profile")
    def profile() -> Any:
        return jsonify(who=session["who"]) if "who" in session else redirect("/join/login")

    return app


def test_forms_of_pages_are_sent_with_their_token_and_session() -> None:
    people, notes, courier = become(with_pages())
    assert [one.name for one in people] == ["alice", "bob"]
    assert notes == ()
    assert whoami(courier, people[0])["who"].startswith("alice")


def test_a_page_that_shows_its_form_again_lets_nobody_in() -> None:
    assert become(with_pages(), CAROL)[:2] == (
        (),
        ("carol could not log in: no login route took the account",),
    )


@pytest.mark.parametrize("action", ["https://elsewhere.example/login", "//elsewhere.example/login"])
def test_a_form_to_another_host_is_left_alone(action: str) -> None:
    page = f'<form method="post" action="{action}"><input name="user"><input type="password" name="pw"></form>'
    exchange = Exchange(Request("GET", "/login"), Response(200, body=page.encode()))
    assert entry_request(exchange, "login", "m", "u", "p") is None


@given(st.binary(max_size=300))
def test_any_page_is_read_without_a_fault(page: bytes) -> None:
    shown = Exchange(Request("GET", "/login"), Response(200, body=b"<form method=post>" + page))
    sent = entry_request(shown, "login", "m", "u", "p")
    assert sent is None or sent.target.startswith("/"), "the account is sent to the host that was named alone"


def test_an_account_inside_an_object_is_sent() -> None:
    app = Flask("nested")
    people: dict[str, str] = {}

    @app.post("/register")
    def register() -> Any:
        user = request.get_json()["user"]
        people[user["email"]] = user["password"]
        return "", 201

    @app.post("/login")
    def login() -> Any:
        user = request.get_json()["user"]
        if people.get(user["email"]) != user["password"]:
            return jsonify(error="no"), 401
        return jsonify(user={"token": f"made-for-{user['email']}"})

    @app.get("/profile")
    def profile() -> Any:
        said = bearer()
        return jsonify(who=said) if said.startswith("made-for-") else ("", 401)

    people_, notes, courier = become(app)
    assert [one.name for one in people_] == ["alice", "bob"]
    assert notes == ()
    assert "alice" in whoami(courier, people_[0])["who"]


def test_an_object_that_the_spec_describes_is_filled_by_its_own_names() -> None:
    account = {"type": "object", "properties": {"mail": {"type": "string"}, "passphrase": {"type": "string"}}}
    described = Route("/login", ("POST",), request_schema={"type": "object", "properties": {"entry": account}})
    assert next(accounts_bodies(described, "carol", "hers")) == {"entry": {"mail": "carol", "passphrase": "hers"}}
    flat = Route("/login", ("POST",), fields=("otp", "email", "password"))
    assert list(accounts_bodies(flat, "carol", "hers")) == [{"email": "carol", "password": "hers"}]
    shown = {"user_id": {"type": "integer", "readOnly": True}, "username": {"type": "string"}, "password": {}}
    shared = Route("/login", ("POST",), request_schema={"type": "object", "properties": shown})
    assert list(accounts_bodies(shared, "carol", "hers")) == [{"username": "carol", "password": "hers"}]


def test_probes_send_the_form_where_json_gets_a_401_and_fill_objects() -> None:
    app = Flask("form only")
    app.add_url_rule(
        "/login",
        view_func=lambda: jsonify(token="t" * 12) if request.form.get("username") == "carol@example.com" else ("", 401),
        methods=["POST"],
    )
    courier = Courier(WsgiTransport(app))
    model, honest = read_running(app, Path()), HonestRequests()
    route, exchange = finished(
        courier, log_in(Target(model, "wsgi", "", "default", "standard", TokenForge(), honest, (), "x"), CAROL)
    )
    assert (route.path, exchange.response.json()) == ("/login", {"token": "t" * 12})
    assert filled({"user": {"email": "", "password": "", "keep": 1}}, "carol", "hers") == {
        "user": {"email": "carol", "password": "hers", "keep": 1}
    }
    assert filled({"title": "x"}, "carol", "hers") is None
