"""A form that took nothing is shown again with 200: that is no request that was taken."""

import secrets
from typing import Any

import pytest
from flask import Flask, redirect, request, session

from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import find
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
