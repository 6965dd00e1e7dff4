"""Targets that answer nobody without the cookie of a first visit, words in links that any word may stand for, and forms that log in by GET."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort, make_response, redirect, request
from tests.rules.from_outside import RULES, reached, verdict
from tests.scan.engine.test_scan import served

from stopper.core.exchange import Request, Response
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.engine import run_probe
from stopper.scan.options import ProbeOptions
from stopper.scan.run import run_scan
from stopper.scan.wire.first_visit import FirstVisit, given_to, is_wanted


def test_what_a_request_shows_itself_stays() -> None:
    visit = FirstVisit(Secret("score=1; lang=en"))
    assert visit.dressed(Request("GET", "/")).header("Cookie") == "score=1; lang=en"
    own = Request("GET", "/", (("Cookie", "session=a; score=7"), ("Accept", "*/*")))
    assert visit.dressed(own).header("Cookie") == "session=a; score=7; lang=en"
    assert FirstVisit().dressed(own) is own
    assert visit.dressed(own.with_headers(("Cookie", "session=b"))).header("Cookie") == "session=b; score=7; lang=en"


@pytest.mark.parametrize(
    ("bare", "kept", "wanted"),
    [(200, 404, True), (302, 404, True), (404, 404, False), (200, 200, False), (500, 404, False)],
)
def test_only_what_is_told_to_visitors_alone_asks_for_the_cookie(bare: int, kept: int, wanted: bool) -> None:
    assert is_wanted(Response(bare), Response(kept)) is wanted
    assert given_to(Response(bare, (("Set-Cookie", "score=1; Path=/; HttpOnly"),))).cookies.reveal() == "score=1"


@pytest.mark.parametrize("wall", [True, False])
def test_behind_the_first_visit_lies_the_rest(wall: bool) -> None:
    """Whoever shows no cookie sees the start, whatever was asked for."""
    app = Flask("game")

    @app.before_request
    def visit() -> Any:
        if wall and "score" not in request.cookies:
            start = make_response("<a href='/report?file=a.txt'>Report</a>")
            start.set_cookie("score", "0")
            return start
        return None

    app.add_url_rule("/", "start", lambda: "<a href='/report?file=a.txt'>Report</a>")

    @app.get("/report")
    def report() -> Any:
        try:
            return Path(request.args.get("file", "")).read_text(encoding="utf-8")
        except OSError:
            abort(404)

    with served(app) as url:
        found = run_scan(url, ProbeOptions(mode="active", rules=(RULES["sensitive-file-served"],)))
    assert [one.rule.slug for one in found.findings] == ["sensitive-file-served"]
    evidence = next(one for one in found.findings[0].evidence if one.exchange is not None)
    assert evidence.exchange is not None
    assert ("score=0" in (evidence.exchange.request.header("Cookie") or "")) is wall


@pytest.mark.parametrize("keeps", [True, False])
def test_nobody_else_shows_the_cookie_under_which_somebody_logged_in(keeps: bool) -> None:
    """A server that keeps the session of before knows by the cookie of the first visit who came: strangers of the scan are strangers still."""
    app, sessions, drawn = Flask("desk"), dict[str, str](), iter(f"{number:032x}" for number in range(10_000))

    @app.before_request
    def visit() -> Any:
        if request.cookies.get("sid") in sessions:
            return None
        start, sid = make_response("<a href='/people'>People</a><a href='/login'>Log in</a>"), next(drawn)
        sessions[sid] = ""
        start.set_cookie("sid", sid)
        return start

    app.add_url_rule("/", "start", lambda: "<a href='/people'>People</a><a href='/login'>Log in</a>")

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.method == "GET":
            return "<form method=post><input name=username><input name=password type=password></form>"
        if request.form.get("password") != "Anna-has-1-long-word":
            abort(401)
        sid = request.cookies["sid"] if keeps else next(drawn)
        sessions[sid] = request.form["username"]
        answer = redirect("/people")
        answer.set_cookie("sid", sid)
        return answer

    @app.get("/people")
    def people() -> Any:
        if not sessions[request.cookies["sid"]]:
            abort(401)
        return {"people": [{"id": 1, "username": "anna", "email": "anna@example.org"}]}

    anna = Identity("anna", (), subject="anna", password=Secret("Anna-has-1-long-word"))
    rules = (RULES["route-without-authentication"], RULES["api-key-presence-only"], RULES["weak-password-accepted"])
    with served(app) as url:
        found = run_scan(url, ProbeOptions(mode="active", rules=rules, identities=(anna,)))
    assert not found.findings
    people_shown = next(one for one in found.reached if one.ref.path == "/people")
    assert (people_shown.state(""), people_shown.state("anna")) == ("refused", "in")


@pytest.mark.parametrize(("text", "any_word"), [("Hello {word}!", True), ("{word} is one of our two rooms", False)])
def test_a_word_in_a_link_may_stand_for_any(text: str, any_word: bool) -> None:
    app = Flask("hello")
    app.add_url_rule("/", "start", lambda: "<a href='/hello/Guest'>Hello</a>")

    def hello(word: str) -> str:
        return text.format(word=word) if any_word or word in ("Guest", "Blue") else abort(404)

    app.add_url_rule("/hello/<word>", "hello", hello)
    routes = {route.path for route in reached(app)[0].app.routes}
    assert ("/hello/{id}" in routes) is any_word
    assert ("/hello/Guest" in routes) is not any_word


@pytest.mark.parametrize("judges", [True, False])
def test_a_form_that_sends_an_account_by_get_is_a_log_in(judges: bool) -> None:
    """The form stays on the page, and what is wrong is said beside it; a page that says nothing of it judges no account."""
    app = Flask("gate")
    form = "<form><input name='username'><input name='password' type='password'></form>"
    app.add_url_rule("/", "start", lambda: "<a href='/gate'>Gate</a>")

    @app.get("/gate")
    def gate() -> str:
        return form + ("<p>Incorrect credentials</p>" if judges and request.args.get("password") else "")

    assert (verdict("credentials-in-query-string", app).outcome == "fail") is judges
    assert (run_probe(RULES["login-not-throttled"], *reached(app)).verdict.outcome == "fail") is judges


@pytest.mark.parametrize(
    ("path", "fields", "asked"),
    [
        ("/gate", "username password", True),
        ("/signup", "username password", False),
        ("/account/quit", "username password", False),
        ("/people/drop-out", "username admin_password", False),
        ("/profile", "username old_password new_password", False),
    ],
)
def test_what_else_is_done_with_an_account_by_get_is_no_log_in(path: str, fields: str, asked: bool) -> None:
    """A form that registers or ends an account, or gives it another password, is sent with nobody's name by no rule of log-ins."""
    app, told = Flask("gate"), list[str]()
    inputs = "".join(f"<input name='{name}'>" for name in fields.split())
    app.add_url_rule("/", "start", lambda: f"<a href='{path}'>Gate</a>")

    @app.get(path)
    def gate() -> str:
        told.extend(request.args.getlist("username"))
        return f"<form>{inputs}</form>" + ("<p>Incorrect credentials</p>" if "username" in request.args else "")

    verdict("credentials-in-query-string", app)
    assert bool(told) is asked
