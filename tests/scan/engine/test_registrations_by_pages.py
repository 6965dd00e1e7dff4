"""Registrations whose form is shown again without a word where its token is missing, and those of administrators beside others."""

import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, redirect, request, session

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.scan.people.doors import REGISTER, doors
from stopper.scan.people.identities import Scene, gather
from stopper.scan.people.page_visit import wants_a_token
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


def by_forms() -> tuple[Flask, dict[str, str]]:
    """People register by a form that wants the token of its page, as Flask-WTF's do, and log in by one that does not."""
    app, people = Flask("forms"), dict[str, str]()
    app.secret_key = secrets.token_hex(16)

    @app.route("/register", methods=["GET", "POST"])
    def register() -> Any:
        token = session.setdefault("csrf", secrets.token_hex(16))
        if request.method == "POST" and request.form.get("csrf_token") == token:
            people[request.form["email"]] = request.form["password"]
            return redirect("/login")
        return f'<form method="post"><input type="hidden" name="csrf_token" value="{token}"><input name="email"><input type="password" name="password"></form>'

    @app.post("/login")
    def login() -> Any:
        if people.get(request.form["email"]) != request.form["password"]:
            return "<p>No.</p><form method=post><input name=email><input type=password name=password></form>"
        session["who"] = request.form["email"]
        return redirect("/notes")

    @app.get("/notes")
    def notes() -> Any:
        return jsonify(of=session["who"]) if "who" in session else (jsonify(error="no"), 401)

    return app, people


def test_people_register_by_a_form_that_says_nothing_of_its_token() -> None:
    """The document knows the POST alone, and not the page that gives the token."""
    app, people = by_forms()
    said: dict[str, Any] = {"properties": {"email": {"type": "string"}, "password": {"type": "string"}}}
    routes = [
        Route(path, ("POST",), request_schema=said, takes_form=True, readers=frozenset({"spec"}))
        for path in ("/register", "/login")
    ]
    known = App(routes=(*routes, Route("/notes", ("GET",), readers=frozenset({"spec"}))))
    courier = Courier(WsgiTransport(app), mode="active")
    who, _ = gather(Scene(known, courier, HonestRequests(canary="canary"), "canary"), ())
    assert [one.name for one in who if one.headers] == ["alice", "bob"]
    assert len(people) >= 2


@pytest.mark.parametrize(
    ("sent", "status", "body", "wants"),
    [
        (b"email=a", 200, '<input type=hidden name=csrf_token value="0123456789abcdef">', True),
        (b"email=a&csrf_token=0", 200, '<input type=hidden name=csrf_token value="0123456789abcdef">', False),
        (b"email=a", 200, "<p>Welcome</p>", False),
        (b"email=a", 302, '<input type=hidden name=csrf_token value="0123456789abcdef">', False),
        (b"email=a", 400, "The CSRF token is missing.", True),
    ],
)
def test_what_wants_a_token(sent: bytes, status: int, body: str, wants: bool) -> None:
    answer = Response(status, (("Content-Type", "text/html"),), body.encode())
    assert wants_a_token(Exchange(Request("POST", "/register", body=sent), answer)) is wants


def test_administrators_are_registered_where_nobody_else_is() -> None:
    paths = ("/signup-admin", "/api/users/sign-up-worker/register", "/admin/register")
    found = [one.path for one in doors(App(routes=tuple(Route(path, ("POST",)) for path in paths)), REGISTER)]
    assert found[0] == "/api/users/sign-up-worker/register"
    assert [one.path for one in doors(App(routes=(Route("/admin/register", ("POST",)),)), REGISTER)] == [
        "/admin/register"
    ]
