"""Log-ins and registrations that are pages: where they send on to, and what the scan's own registration takes."""

import sqlite3
import urllib.request
from contextlib import closing
from typing import Any

import pytest
from flask import Flask, make_response, redirect, request, session
from tests.rules.from_outside import reached, verdict

FORM = '<form method="post"><input name="username"><input type="password" name="password"><button>go</button></form>'


def people(app: Flask) -> list[str]:
    return [one.name for one in reached(app)[0].identities]


def club(shortest: int = 0, stays: bool = False) -> Flask:
    """Pages to join and to log in; the log-in sends on to what its link says, or to a page of its own where it *stays*."""
    app, people = Flask("club"), dict[str, str]()
    app.secret_key = "s" * 32
    app.add_url_rule("/", "start", lambda: '<a href="/signin?next=/home">in</a> <a href="/join">join</a>')

    def join() -> Any:
        if request.method == "GET":
            return FORM
        if len(request.form["password"]) < shortest or "password" in request.form["password"]:
            return f"<p>Too short</p>{FORM}" if shortest else redirect("/join")
        people[request.form["username"]] = request.form["password"]
        return redirect("/signin")

    def signin() -> Any:
        if request.method == "GET":
            return FORM
        if people.get(request.form["username"]) != request.form["password"]:
            return FORM, 401
        session["who"] = request.form["username"]
        return redirect("/home" if stays else request.args.get("next", "/home"))

    def home() -> Any:
        return make_response("<p>Hello</p>") if "who" in session else redirect("/signin")

    for path, view in (("/join", join), ("/signin", signin)):
        app.add_url_rule(path, view.__name__, view, methods=["GET", "POST"])
    app.add_url_rule("/home", "home", home)
    return app


@pytest.mark.parametrize(("stays", "outcome"), [(False, "fail"), (True, "pass")])
def test_a_log_in_that_sends_on_where_its_link_says(stays: bool, outcome: str) -> None:
    assert verdict("open-redirect", club(stays=stays)).outcome == outcome


def test_the_page_by_which_the_scan_joined_takes_the_commonest_password() -> None:
    app = club(shortest=12)
    assert verdict("weak-password-accepted", app).outcome == "pass"


def staff(query: str) -> Flask:
    """A log-in of people whom nobody can join, and which sends them on without a word of who they are."""
    app = Flask("staff")

    def signin() -> Any:
        if request.method == "GET":
            return FORM
        with closing(sqlite3.connect(":memory:")) as store:
            store.execute("create table staff(id integer, name text, word text)")
            store.execute("insert into staff values(7, 'ann', 'Quiet-river-9')")
            given = (request.form["username"], request.form["password"])
            found = store.execute(query.format(*given), () if "{" in query else given).fetchone()
        return redirect(f"/profile/{found[0]}") if found else ("<p>Wrong</p>", 401)

    app.add_url_rule("/", "start", lambda: '<a href="/login">in</a>')
    app.add_url_rule("/login", "signin", signin, methods=["GET", "POST"])
    return app


def test_the_query_of_a_log_in_that_knows_nobody_of_the_scan() -> None:
    told = verdict("sql-injection", staff("select id from staff where name = '{}' and word = '{}'"))
    assert told.outcome == "fail", told.message
    assert str(told.routes[0]) == "POST /login"
    assert verdict("sql-injection", staff("select id from staff where name = ? and word = ?")).outcome != "fail"


def test_a_name_that_is_a_word_of_the_page_is_no_difference() -> None:
    app = Flask("hints")
    app.secret_key = "s" * 32

    def signin() -> Any:
        if request.method == "POST" and (request.form["username"], request.form["password"]) == ("admin", "admin"):
            session["who"] = "admin"
            return redirect("/home")
        return f"<p>Wrong name or password. Are you the admin?</p>{FORM}" if request.method == "POST" else FORM

    app.add_url_rule("/", "start", lambda: '<a href="/login">in</a>')
    app.add_url_rule("/login", "signin", signin, methods=["GET", "POST"])
    app.add_url_rule("/home", "home", lambda: "hello" if "who" in session else redirect("/login"))
    assert verdict("user-enumeration", app).outcome != "fail"


@pytest.mark.parametrize(("checks", "outcome"), [(False, "fail"), (True, "pass")])
def test_a_log_in_that_gives_a_token_to_whoever_asks(checks: bool, outcome: str) -> None:
    app = Flask("open")

    @app.post("/login")
    def login() -> Any:
        said = request.get_json(silent=True) or {}
        if checks and said.get("password") != "Quiet-river-9":
            return {"error": "no"}, 401
        return {"token": f"token-of-{said.get('username')}"}

    assert verdict("default-account-enabled", app).outcome == outcome
    assert bool(people(app)) is not checks


def test_a_guest_session_is_no_log_in() -> None:
    app = Flask("guests")
    app.add_url_rule("/api/sessions", "session", lambda: {"token": "guest-token-0001"}, methods=["POST"])
    assert verdict("default-account-enabled", app).outcome != "fail"


def test_what_scripts_behind_a_log_in_ask_is_known() -> None:
    """A page of somebody who is logged in sends its reader to an address that is made in a script, and asks for nothing to be taken away."""
    app, asked = club(), list[str]()
    script = """
      async function save(number) { const told = await fetch('/save-note/' + number, {method: 'POST'});
        window.location.href = '/pdf?url=' + told.url; }
      async function drop(number) { await fetch('/delete-note/' + number, {method: 'POST'}); }
    """
    app.before_request(lambda: asked.append(f"{request.method} {request.path}"))
    app.view_functions["home"] = lambda: f"<script>{script}</script>" if "who" in session else redirect("/signin")

    @app.get("/pdf")
    def pdf() -> Any:
        if "who" not in session:
            return redirect("/signin")
        with urllib.request.urlopen(request.args.get("url", ""), timeout=2) as answer:
            return str(answer.status)

    told = verdict("server-side-request-forgery", app)
    assert told.outcome == "fail", told.message
    assert not any("delete-note" in one for one in asked)
