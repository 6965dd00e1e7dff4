"""A form that took nothing is shown again with 200: that is no request that was taken."""

import secrets
from typing import Any

import pytest
from flask import Flask, redirect, request, session
from tests.scan.engine.test_scan import served

from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import find
from stopper.scan.options import ProbeOptions
from stopper.scan.run import run_scan
from stopper.scan.trial import try_rule

ANN = Identity("ann", (), subject="ann", password=Secret("Ann-pass-9x!"))


def blog(checks: bool, token_in_form: bool) -> Flask:
    """Posts by a form on the start page, which is shown again where nothing was taken; kept by Flask's session."""
    app = Flask("blog")
    app.secret_key = secrets.token_hex(32)
    posts: list[str] = []

    def page(wrong: str = "") -> str:
        hidden = f'<input type="hidden" name="csrf_token" value="{session["token"]}">' if token_in_form else ""
        listed = "".join(f"<li>{one}" for one in posts)
        return f"<title>Blog</title>{wrong}<form method='post'>{hidden}<input name='post'></form><ul>{listed}</ul>"

    @app.get("/login")
    def form() -> str:
        return '<form method="post"><input name="user"><input type="password" name="password"></form>'

    @app.post("/login")
    def login() -> Any:
        if (request.form.get("user"), request.form.get("password")) != ("ann", "Ann-pass-9x!"):
            return form()
        session["user"], session["token"] = "ann", secrets.token_hex(16)
        return redirect("/")

    @app.route("/", methods=["GET", "POST"])
    def start() -> Any:
        if "user" not in session:
            return redirect("/login")
        if request.method == "POST" and (not checks or request.form.get("csrf_token") == session["token"]):
            posts.append(request.form.get("post", "nothing"))
            return {"posted": True}
        return page("<div>The token is missing</div>" * 3 if request.method == "POST" else "")

    return app


@pytest.mark.parametrize(
    ("checks", "token_in_form", "outcomes"),
    [(True, True, {"open", "pass"}), (False, True, {"fail"}), (False, False, {"fail"})],
    ids=["checked", "shown and not checked", "no token"],
)
def test_it_is_judged_by_what_was_taken(checks: bool, token_in_form: bool, outcomes: set[str]) -> None:
    rule = find("csrf-protection-missing")
    assert rule is not None
    verdict = try_rule(rule, blog(checks, token_in_form), surface="http", identities=(ANN,))
    assert verdict.outcome in outcomes, verdict.message


def diary(checks: bool) -> Flask:
    """The same, where what was written is followed by a redirect, as most applications do."""
    app = Flask("diary")
    app.secret_key = secrets.token_hex(32)
    posts: list[str] = []

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if (request.form.get("user"), request.form.get("password")) == ("ann", "Ann-pass-9x!"):
            session["user"], session["token"] = "ann", secrets.token_hex(16)
            return redirect("/")
        return '<form method="post"><input name="user"><input type="password" name="password"></form>'

    @app.get("/")
    def start() -> Any:
        if "user" not in session:
            return '<a href="/login">in</a>'
        return f'<a href="/write">write</a>{"".join(posts)}'

    @app.route("/write", methods=["GET", "POST"])
    def write() -> Any:
        if "user" not in session:
            return redirect("/login")
        if request.method == "GET":
            hidden = f'<input type="hidden" name="csrf_token" value="{session["token"]}">' if checks else ""
            return f'<form method="post">{hidden}<input name="title"><textarea name="story"></textarea></form>'
        if not checks or request.form.get("csrf_token") == session["token"]:
            posts.append(f"<h2>{request.form['title']}</h2>{request.form['story']}")
        return redirect("/")

    return app


@pytest.mark.parametrize("checks", [False, True])
def test_pages_behind_a_log_in_are_found_and_their_forms_judged_by_what_is_there_afterwards(checks: bool) -> None:
    rule = find("csrf-protection-missing")
    assert rule is not None
    with served(diary(checks)) as url:
        report = run_scan(url, ProbeOptions(rules=(rule,), mode="active", identities=(ANN,)))
    places = [str(place.route) for one in report.findings for place in one.places]
    assert places == ([] if checks else ["POST /write"])
    assert report.coverage.total >= 4


def test_a_cookie_that_was_given_and_that_nobody_has_seen_set_weighs_less() -> None:
    rule = find("csrf-protection-missing")
    assert rule is not None
    app = blog(checks=False, token_in_form=False)
    signed = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    given = Identity("ann", (("Cookie", Secret(f"session={signed.dumps({'user': 'ann', 'token': 'x'})}")),))
    verdict = try_rule(rule, app, surface="http", identities=(given,))
    assert (verdict.outcome, verdict.severity) == ("fail", "medium")
    verdict = try_rule(rule, blog(checks=False, token_in_form=False), surface="http", identities=(ANN,))
    assert (verdict.outcome, verdict.severity) == ("fail", None)


@pytest.mark.parametrize(("asked", "plain", "told"), [(False, False, False), (True, False, True), (False, True, True)])
def test_what_a_browser_asks_for_first_is_told_where_the_server_lets_it(asked: bool, plain: bool, told: bool) -> None:
    """An API that reads JSON alone is safe from forms; not where it lets pages of other sites send JSON, or takes it under another name."""
    app = Flask("json")
    app.secret_key = secrets.token_hex(32)
    app.config.update(SESSION_COOKIE_SAMESITE="None")
    notes: list[str] = []

    @app.post("/login")
    def login() -> Any:
        sent = request.get_json()
        if (sent.get("username"), sent.get("password")) != ("ann", "Ann-pass-9x!"):
            return {"error": "no"}, 401
        session["user"] = "ann"
        return {"ok": True}

    @app.route("/notes", methods=["GET", "POST"])
    def kept() -> Any:
        if "user" not in session:
            return {"error": "log in"}, 401
        if request.method == "POST":
            notes.append(request.get_json(force=plain)["text"])
        return {"kept": len(notes) > 0}

    @app.after_request
    def lets(response: Any) -> Any:
        if asked and "Origin" in request.headers:
            response.headers.update(
                {"Access-Control-Allow-Origin": request.headers["Origin"], "Access-Control-Allow-Credentials": "true"}
            )
            response.headers.update(
                {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "Content-Type"}
            )
        return response

    names = {"type": "object", "properties": {name: {"type": "string"} for name in ("username", "password")}}
    text = {"type": "object", "properties": {"text": {"type": "string"}}}
    paths = {
        path: {"post": {"requestBody": {"content": {"application/json": {"schema": said}}}, "responses": {}}}
        for path, said in (("/login", names), ("/notes", text))
    }
    app.add_url_rule(
        "/openapi.json",
        "document",
        lambda: {"openapi": "3.0.3", "info": {"title": "json", "version": "1"}, "paths": paths},
    )
    rule = find("csrf-protection-missing")
    assert rule is not None
    assert (try_rule(rule, app, surface="http", identities=(ANN,)).outcome == "fail") is told
