"""A form that asks for an account is a log-in wherever it is sent, and where it sends somebody on is read as that person."""

from collections import Counter
from typing import Any

from flask import Flask, redirect, request, session
from tests.scan.engine.test_scan import served

from stopper.core.app import Route
from stopper.core.probing.accounts.login import is_log_in_form
from stopper.scan.catalogue import find
from stopper.scan.options import ProbeOptions
from stopper.scan.report import Report
from stopper.scan.run import run_scan

FORM = '<form method="post"><input name="username"><input type="password" name="password"></form>'
KNOWN = {"admin": "admin"}


def _app() -> Flask:
    app = Flask("start")
    app.secret_key = "a-key-of-this-test-and-of-nobody-else-1"

    @app.route("/", methods=["GET", "POST"])
    def start() -> Any:
        if request.method == "POST" and KNOWN.get(request.form["username"]) == request.form["password"]:
            session["user"] = request.form["username"]
            return redirect("/inner-board")
        return FORM

    @app.get("/inner-board")
    def board() -> Any:
        if "user" not in session:
            return redirect("/?login")
        return '<a href="/inner-board/of-mine">mine</a>'

    @app.get("/inner-board/of-mine")
    def mine() -> Any:
        return {"mine": session["user"]}

    return app


def _scan(slug: str) -> Report:
    rule = find(slug)
    assert rule is not None
    with served(_app()) as url:
        return run_scan(url, ProbeOptions(rules=(rule,), mode="active"))


def test_a_default_account_at_the_start_page_is_found() -> None:
    report = _scan("default-account-enabled")
    assert [str(place.route) for one in report.findings for place in one.places] == ["POST /"]


def test_where_a_log_in_sends_somebody_is_read_as_that_person() -> None:
    report = _scan("default-account-enabled")
    assert {"/inner-board", "/inner-board/of-mine"} <= {row.ref.path for row in report.reached}


def test_forms_that_open_or_change_an_account_are_no_log_ins() -> None:
    def form(path: str, *fields: str) -> Route:
        return Route(path, ("POST",), fields=fields, takes_form=True, readers=frozenset({"wire"}))

    assert is_log_in_form(form("/", "username", "password"))
    assert is_log_in_form(form("/enter", "email", "password", "remember"))
    assert not is_log_in_form(form("/register", "username", "password"))
    for path in ("/pass", "/recover", "/employees", "/members/", "/invite", "/restore-access"):
        assert not is_log_in_form(form(path, "username", "password")), path
    assert not is_log_in_form(form("/", "username", "new_password"))
    assert not is_log_in_form(form("/enter", "name", "password", "confirm"))
    assert not is_log_in_form(form("/", "username", "password", "confirm_password"))
    assert not is_log_in_form(form("/profile", "username", "password"))
    assert not is_log_in_form(Route("/", ("POST",), fields=("username", "password"), readers=frozenset({"spec"})))


def test_a_token_that_only_writes_ask_for_is_proven_on_a_write() -> None:
    """No route that reads refuses anybody, and the token is shown without a scheme."""
    app = Flask("writes")
    token = "t-" + "0123456789abcdef" * 2

    @app.post("/login")
    def login() -> Any:
        told = request.get_json()
        return ({"token": token}, 200) if KNOWN.get(told["username"]) == told["password"] else ({"error": "wrong"}, 401)

    @app.post("/search")
    def search() -> Any:
        if request.headers.get("Authorization") != token:
            return {"error": "who are you"}, 403
        return {"error": "nothing to look for"}, 400

    app.add_url_rule("/", "start", lambda: '<a href="/login">in</a><a href="/search">search</a>')
    rule = find("default-account-enabled")
    assert rule is not None
    with served(app) as url:
        report = run_scan(url, ProbeOptions(rules=(rule,), mode="active"))
    cells = {row.ref.path: row for row in report.reached}
    assert cells["/search"].state("default") == "other"


def _club(takes: bool) -> tuple[Flask, list[str]]:
    app = Flask("club")
    app.secret_key = "a-key-of-this-test-and-of-nobody-else-1"
    members: dict[str, str] = {}
    asked: list[str] = []

    def answer() -> Any:
        told = request.form
        if request.path == "/user/create":
            asked.append(told["username"])
        if request.path == "/user/create" and takes:
            members[told["username"]] = told["password"]
        if request.path == "/user/login" and members.get(told["username"], "") == told["password"]:
            session["user"] = told["username"]
            return redirect("/inner")
        return redirect("/user/login")

    for path in ("/user/create", "/user/login"):
        app.add_url_rule(path, f"page{path}", lambda: FORM)
        app.add_url_rule(path, f"take{path}", answer, methods=["POST"])
    app.add_url_rule("/", "start", lambda: '<a href="/user/create">join</a><a href="/user/login">in</a>')
    app.add_url_rule("/inner", "inner", lambda: session["user"] if "user" in session else redirect("/user/login"))
    return app, asked


def _people(app: Flask) -> set[str]:
    rule = find("default-account-enabled")
    assert rule is not None
    with served(app) as url:
        report = run_scan(url, ProbeOptions(rules=(rule,), mode="active"))
    return {cell.who for row in report.reached for cell in row.cells}


def test_a_form_that_makes_a_user_registers() -> None:
    app, _ = _club(True)
    assert {"alice", "bob"} <= _people(app)


def test_a_form_that_takes_nobody_is_not_sent_in_every_way() -> None:
    app, asked = _club(False)
    assert "alice" not in _people(app)
    assert asked
    assert max(Counter(asked).values()) <= 3, "the same person, in every way there is"
    assert len(set(asked)) <= 5, "two people, each again by a plainer name, and the newcomer of a question"
