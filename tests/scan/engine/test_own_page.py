"""Applications that stand on cookies and a token against forged requests: the scan logs in and changes things as their own pages do."""

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify, request, session
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    get_jwt_identity,
    jwt_required,
    set_access_cookies,
    set_refresh_cookies,
)
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf, validate_csrf
from werkzeug.serving import WSGIRequestHandler, make_server

from stopper import Stopper, browser_session, current_principal, public
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.people.identities import Scene, gather
from stopper.scan.running.read import read_running
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.http import HttpTransport
from stopper.scan.wire.own_page import OwnPage, PageToken, Visit
from stopper.scan.wire.page_tokens import page_token
from stopper.scan.wire.wsgi import WsgiTransport

JSON = (("Content-Type", "application/json"),)


def _accounts(app: Flask, *, enter: Callable[[str], Any], who: Callable[[], str | None]) -> Flask:
    """Registration, log-in, and one thing that only a known person changes."""
    people: dict[str, str] = {}

    def register() -> Any:
        people[request.get_json()["email"]] = request.get_json()["password"]
        return "", 201

    def login() -> Any:
        said = request.get_json()
        return enter(said["email"]) if people.get(said["email"]) == said["password"] else ("", 401)

    def notes() -> Any:
        name = who()
        return (jsonify(by=name), 201 if request.method == "POST" else 200) if name else ("", 401)

    app.add_url_rule("/register", view_func=register, methods=["POST"])
    app.add_url_rule("/login", view_func=login, methods=["POST"])
    app.add_url_rule("/notes", view_func=notes, methods=["GET", "POST"])
    return app


def stopper_sessions(tmp_path: Path) -> Flask:
    app = Flask("own")
    app.config.update(STOPPER_MODE="dev", STOPPER_DATABASE_URL=f"sqlite:///{tmp_path / 'own.db'}")
    return _on_stopper(app)


def stopper_elsewhere(tmp_path: Path) -> Flask:
    """It knows its own origin, which is not the address that the scan was given."""
    app = Flask("elsewhere")
    issuer = "https://app.example.com"
    app.config.update(STOPPER_ISSUER=issuer, STOPPER_AUDIENCE=issuer, STOPPER_SESSION_SECRET=secrets.token_hex(32))
    app.config.update(
        STOPPER_DATABASE_URL=f"sqlite:///{tmp_path / 'else.db'}", STOPPER_API_KEY_PEPPER=secrets.token_hex(32)
    )
    return _on_stopper(app)


def _on_stopper(app: Flask) -> Flask:
    stopper = Stopper(app)

    def enter(name: str) -> Any:
        stopper.sessions.begin(name)
        return jsonify(name=name)

    _accounts(app, enter=enter, who=lambda: current_principal.subject)
    for name in ("register", "login"):
        app.view_functions[name] = public(app.view_functions[name])
    app.view_functions["notes"] = browser_session(app.view_functions["notes"])
    return app


def _flask_session(app: Flask) -> Flask:
    app.secret_key = secrets.token_hex(24)

    def enter(name: str) -> Any:
        session["who"] = name
        return jsonify(name=name)

    return _accounts(app, enter=enter, who=lambda: session.get("who"))


def flask_wtf_json(tmp_path: Path) -> Flask:
    """Its single-page application asks a route for the token."""
    app = _flask_session(Flask("wtf"))
    CSRFProtect(app)
    app.add_url_rule("/api/csrf", view_func=lambda: jsonify(csrf_token=generate_csrf()))
    return app


def flask_wtf_meta(tmp_path: Path) -> Flask:
    """Its single-page application reads a meta tag of its entry page; a log-in begins the session anew."""
    app = Flask("meta")
    app.secret_key = secrets.token_hex(24)
    CSRFProtect(app)

    def enter(name: str) -> Any:
        session.clear()
        session["who"] = name
        return jsonify(name=name)

    _accounts(app, enter=enter, who=lambda: session.get("who"))
    app.add_url_rule("/", view_func=lambda: f'<meta name="csrf-token" content="{generate_csrf()}">')
    return app


def flask_wtf_cookie(tmp_path: Path) -> Flask:
    """Its single-page application reads a cookie that every answer sets."""
    app = _flask_session(Flask("cookie"))
    CSRFProtect(app)
    app.add_url_rule("/", view_func=lambda: "<p>notes</p>")

    @app.after_request
    def give(response: Any) -> Any:
        response.set_cookie("XSRF-TOKEN", generate_csrf())
        return response

    return app


def cookie_that_no_script_reads(tmp_path: Path) -> Flask:
    """Each view takes the token out of a cookie itself, so that a request without that cookie is no more than a bad one."""
    app = _flask_session(Flask("taken"))
    app.config["SECRET_KEY"] = secrets.token_hex(24)
    app.add_url_rule("/", view_func=lambda: "<p>notes</p>")

    @app.before_request
    def check() -> None:
        if request.method == "POST":
            validate_csrf(request.cookies["csrf_token"])

    @app.after_request
    def give(response: Any) -> Any:
        response.set_cookie("csrf_token", generate_csrf(), httponly=True)
        return response

    return app


def jwt_cookies(tmp_path: Path) -> Flask:
    app = Flask("jwt")
    app.config.update(
        JWT_SECRET_KEY=secrets.token_hex(32), JWT_TOKEN_LOCATION=["cookies"], JWT_COOKIE_CSRF_PROTECT=True
    )
    JWTManager(app)

    def enter(name: str) -> Any:
        answer = jsonify(name=name)
        set_access_cookies(answer, create_access_token(name))
        set_refresh_cookies(answer, create_refresh_token(name))
        return answer

    _accounts(app, enter=enter, who=get_jwt_identity)
    app.view_functions["notes"] = jwt_required()(app.view_functions["notes"])
    app.add_url_rule("/refresh", view_func=jwt_required(refresh=True)(lambda: jsonify(ok=1)), methods=["POST"])
    return app


def own_token_in_json(tmp_path: Path) -> Flask:
    """A check of its own making: the token of the session has to stand in the body."""
    app = _flask_session(Flask("body"))
    app.add_url_rule("/csrf", view_func=lambda: jsonify(token=session.setdefault("csrf", secrets.token_hex(16))))

    @app.before_request
    def check() -> Any:
        if request.method == "POST" and request.get_json().get("csrf_token") != session.get("csrf", ""):
            return jsonify(error="CSRF check failed"), 403
        return None

    return app


APPS = (
    stopper_sessions,
    stopper_elsewhere,
    flask_wtf_json,
    flask_wtf_meta,
    flask_wtf_cookie,
    jwt_cookies,
    own_token_in_json,
)


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        pass


@contextmanager
def reached(app: Flask, surface: str) -> Iterator[Courier]:
    if surface == "wsgi":
        yield Courier(WsgiTransport(app), mode="active")
        return
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    transport = HttpTransport(f"http://127.0.0.1:{server.server_port}")
    try:
        yield Courier(transport, mode="active")
    finally:
        transport.close()
        server.shutdown()
        server.server_close()
        thread.join(5)


def become(app: Flask, courier: Courier) -> tuple[Identity, ...]:
    scene = Scene(read_running(app, Path()), courier, HonestRequests(canary="stpcanary1"), "stpcanary1")
    return gather(scene, ())[0]


@pytest.mark.parametrize("surface", ["wsgi", "http"])
@pytest.mark.parametrize("make", [*APPS, cookie_that_no_script_reads], ids=lambda make: make.__name__)
def test_people_log_in_and_change_things_as_the_own_page_does(
    make: Callable[[Path], Flask], surface: str, tmp_path: Path
) -> None:
    app = make(tmp_path)
    with reached(app, surface) as courier:
        people = become(app, courier)
        assert [one.name for one in people] == ["alice", "bob"]
        for person in people:
            answer = courier.carry(person.on(Request("POST", "/notes", JSON, b"{}", "write"))).response
            assert answer.status == 201, answer.text
            assert person.name in answer.text


@pytest.mark.parametrize("make", APPS, ids=lambda make: make.__name__)
def test_what_comes_from_another_site_is_sent_without_the_token(make: Callable[[Path], Flask], tmp_path: Path) -> None:
    app = make(tmp_path)
    with reached(app, "wsgi") as courier:
        change = become(app, courier)[0].on(Request("POST", "/notes", JSON, b"{}", "write"))
        for name, text in (("Origin", "https://other.example"), ("Sec-Fetch-Site", "cross-site")):
            exchange = courier.carry(change.with_headers((name, text)))
            assert not exchange.response.succeeded
            assert exchange.request == change.with_headers((name, text))


def test_a_refresh_by_cookie_carries_the_token_of_the_refresh_token(tmp_path: Path) -> None:
    app = jwt_cookies(tmp_path)
    with reached(app, "wsgi") as courier:
        alice = become(app, courier)[0]
        assert courier.carry(alice.on(Request("POST", "/refresh", JSON, b"{}", "login"))).response.succeeded


def test_a_visit_that_let_somebody_in_is_not_shown_for_nobody_again(tmp_path: Path) -> None:
    """Where sessions live in the server, the visitor's cookie is that of whoever logged in with it."""
    app = flask_wtf_json(tmp_path)
    with reached(app, "wsgi") as courier:
        become(app, courier)
        body = b'{"email": "a@example.com", "password": "p"}'
        courier.carry(Request("POST", "/register", JSON, body, "write"))
        first = courier.carry(Request("POST", "/login", JSON, body, "login"))
        second = courier.carry(Request("POST", "/login", JSON, body, "login"))
        assert first.response.succeeded
        assert second.response.succeeded
        assert first.request.header("Cookie") != second.request.header("Cookie")


def test_reads_and_bearers_are_sent_as_they_are() -> None:
    page = OwnPage("http://127.0.0.1:8000/api")
    page.visited(Request("GET", "/csrf"), Visit(Secret("sid=1234567"), PageToken(Secret("token-of-a-page"))))
    read = Request("GET", "/notes")
    bearer = Request("POST", "/notes", (("Authorization", "Bearer x"),), b"", "write")
    assert page.dressed(read) == read
    assert page.dressed(bearer) == bearer
    dressed = page.dressed(replace(bearer, headers=()))
    assert dressed.header("Origin") == "http://127.0.0.1:8000"
    assert dressed.header("Cookie") == "sid=1234567"
    assert dressed.header("x-csrf-token") == "token-of-a-page"


@pytest.mark.parametrize("text", ["token-of\r\nX-Evil: 1", "x" * 5000, "tökentökentöken", "short"])
def test_a_hostile_page_gives_no_token(text: str) -> None:
    page = Request("GET", "/csrf")
    answer = Response(200, (("Content-Type", "application/json"),), json.dumps({"csrf_token": text}).encode())
    assert page_token(Exchange(page, answer)) is None


@pytest.mark.parametrize("value", ["abc%0d%0aX-Evil:1", "%00" * 9, "a" * 5000])
def test_a_hostile_cookie_is_sent_in_no_header(value: str) -> None:
    change = Request("POST", "/notes", (("Cookie", f"sid=1; csrf_token={value}"),), b"", "write")
    assert OwnPage("http://localhost").dressed(change).header("X-CSRF-Token") is None


def test_a_changed_cookie_carries_the_token_of_its_cookie_not_of_another_person() -> None:
    page = OwnPage("http://localhost")
    page.take_up("alice", PageToken(Secret("token-of-alice")))
    change = Request("POST", "/notes", (("Cookie", "sid=1"),), b"", "write", "bob")
    assert page.dressed(change).header("X-CSRF-Token") is None
