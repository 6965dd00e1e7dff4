"""Pages that lead each person to the own account by its id: somebody else opens it, changes it, and a new password needs no old one."""

import itertools
import secrets
from typing import Any

import pytest
from flask import Flask, abort, redirect, request, session
from tests.rules.from_outside import RULES

from stopper.core.app import App, Reader, Route
from stopper.scan.engine import run_probe
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.form_doors import FormDoors
from stopper.scan.wire.wsgi import WsgiTransport

WIRE: frozenset[Reader] = frozenset({"wire"})
FIELDS = ("email", "nickname", "password")
FORM = '<form method="post"><input name="email"><input name="nickname"><input type="password" name="password"></form>'


def shop(*, asks: bool, old: bool, tokens: bool = False) -> Flask:
    """Accounts at ``/profile/edit/<number>``; *asks* whose it is, and for the *old* password. Forms may have *tokens* of the session."""
    app, numbers, people = Flask("shop"), itertools.count(11), dict[int, dict[str, str]]()
    app.secret_key = "k3c-9f81b7d2e6a4405f8c21"

    def form() -> str:
        held = session.setdefault("held", secrets.token_hex(8)) if tokens else ""
        return FORM.replace("<input", f'<input type="hidden" name="csrf_token" value="{held}"><input', 1)

    @app.before_request
    def own_page() -> Any:
        forged = request.method == "POST" and request.form.get("csrf_token") != session.get("held")
        return ("<p>The CSRF token is missing.</p>", 400) if tokens and forged else None

    @app.route("/register", methods=["GET", "POST"])
    def register() -> Any:
        if request.method == "GET":
            return form()
        people[next(numbers)] = request.form.to_dict()
        return redirect("/login")

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        given = {name: request.form.get(name) for name in ("email", "password")}
        found = [n for n, one in people.items() if given == {name: one[name] for name in given}]
        if not found:
            return form(), 401 if request.method == "POST" else 200
        session["me"] = found[0]
        return redirect("/")

    @app.before_request
    def known() -> Any:
        return None if request.path in ("/login", "/register") or session.get("me") in people else redirect("/login")

    app.add_url_rule("/", "start", lambda: '<p>Welcome</p><a href="/profile">Profile</a>')
    app.add_url_rule(
        "/profile", "profile", lambda: shown(session["me"]) + f'<a href="profile/edit/{session["me"]}">Edit</a>'
    )

    def shown(number: int) -> str:
        return f"<p>{people[number]['email']} {people[number]['nickname']}</p>"

    @app.route("/profile/edit/<int:number>", methods=["GET", "POST"])
    def edit(number: int) -> Any:
        if number not in people or (asks and number != session["me"]):
            abort(404)
        if request.method == "GET":
            return shown(number) + form()
        sent = {name: value for name, value in request.form.items() if value and name in FIELDS}
        if old and "password" in sent and request.form.get("old_password") != people[number]["password"]:
            sent.pop("password")
        people[number].update(sent)
        return redirect("/profile")

    return app


@pytest.mark.parametrize(
    ("asks", "old", "tokens"), [(False, False, False), (True, False, False), (True, True, False), (False, False, True)]
)
def test_the_own_account_at_the_end_of_a_link(asks: bool, old: bool, tokens: bool) -> None:
    app = shop(asks=asks, old=old, tokens=tokens)
    courier = Courier(WsgiTransport(app), mode="active", max_requests=2000)
    forms = [
        Route(path, ("GET", "POST"), fields=FIELDS, takes_form=True, readers=WIRE) for path in ("/login", "/register")
    ]
    edit = Route(
        "/profile/edit/{id}", ("GET", "POST"), parameters=(("id", "int"),), fields=FIELDS, takes_form=True, readers=WIRE
    )
    pages = [Route(path, ("GET",), readers=WIRE) for path in ("/", "/profile")]
    courier.forms = FormDoors.of((*forms, edit))
    target = prepare(App(routes=(*forms, edit, *pages), readers=WIRE), courier, (), "active", "standard").target
    found = run_probe(RULES["cross-user-object-access"], target, courier).verdict
    told = {str(ref) for ref in found.routes}
    assert ("POST /profile/edit/{id}" in told) is not asks, found.message
    found = run_probe(RULES["password-change-unverified"], target, courier).verdict
    assert (found.outcome == "fail") is not old, found.message
