"""A page for a new password whose fields are called ``new`` and ``old``: the kind of a change is told by the page, not by each field."""

from typing import Any

import pytest
from flask import Flask, redirect, request, session
from tests.scan.engine.test_scan import served

from stopper.scan.catalogue import find
from stopper.scan.options import ProbeOptions
from stopper.scan.run import run_scan

FORM = "<form method=post action=%s>%s<button>ok</button></form>"
NAMED = '<input name="username"><input name="password" type="password">'


def club(asks: bool) -> Flask:
    """Pages to join, to log in and for a new password, which *asks* for the old one or not."""
    app, people = Flask("club"), dict[str, str]()
    app.secret_key = "k3c-9f81b7d2e6a4405f8c21"
    fields = ('<input name="old" type="password">' if asks else "") + '<input name="new" type="password">'
    home = f'<a href="/join">join</a> <a href="/login">in</a> {FORM % ("/password", fields)}'
    app.add_url_rule("/", "home", lambda: home if "who" in session else home.partition("<form")[0])
    app.add_url_rule("/join", "join_page", lambda: FORM % ("/join", NAMED))
    app.add_url_rule("/login", "login_page", lambda: FORM % ("/login", NAMED))

    @app.post("/join")
    def join() -> Any:
        people[request.form["username"]] = request.form["password"]
        return redirect("/login")

    @app.post("/login")
    def login() -> Any:
        if people.get(request.form["username"]) != request.form["password"]:
            return "wrong", 401
        session["who"] = request.form["username"]
        return redirect("/")

    @app.post("/password")
    def password() -> Any:
        if "who" not in session or (asks and request.form.get("old") != people[session["who"]]):
            return "no", 403
        people[session["who"]] = request.form["new"]
        return redirect("/")

    return app


@pytest.mark.parametrize("asks", [True, False])
def test_a_new_password_under_a_short_name_is_changed_without_the_old_one(asks: bool) -> None:
    rule = find("password-change-unverified")
    assert rule is not None
    with served(club(asks)) as url:
        found = run_scan(url, ProbeOptions(rules=(rule,), mode="active")).findings
    assert [one.rule.slug for one in found] == ([] if asks else ["password-change-unverified"])
