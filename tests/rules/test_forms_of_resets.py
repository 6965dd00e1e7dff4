"""Pages whose forms have tokens of their own, and pages that speak of a reset: what they say of people, and what they show in place of a mail."""

import secrets
from typing import Any

import pytest
from flask import Flask, redirect, request, session
from tests.rules.from_outside import verdict

START = '<a href="/register">join</a> <a href="/login">in</a> <a href="/forgot-password">forgot</a>'


def club(*, tells: bool, shows: bool = False) -> Flask:
    """Pages to join, to log in and to ask for a reset, which *tells* who has an account and *shows* the link that belongs into a mail."""
    app, people = Flask("club"), dict[str, tuple[str, str]]()
    app.secret_key = "s" * 32
    app.add_url_rule("/", "start", lambda: START)

    def form(*fields: str) -> str:
        session.setdefault("token", secrets.token_hex(8))
        kinds = {"password": "password", "email": "email"}
        asked = "".join(f'<input type="{kinds.get(one, "text")}" name="{one}">' for one in fields)
        return f'<form method="post"><input type="hidden" name="csrf_token" value="{session["token"]}">{asked}</form>'

    def is_ours() -> bool:
        return request.method == "POST" and request.form.get("csrf_token") == session.get("token", "")

    def register() -> Any:
        if not is_ours():
            return form("username", "email", "password")
        people[request.form["username"]] = request.form["password"], request.form["email"]
        return redirect("/login")

    def login() -> Any:
        if not is_ours():
            return form("username", "password")
        if people.get(request.form["username"], ("",))[0] != request.form["password"]:
            return f"<p>wrong</p>{form('username', 'password')}"
        session["who"] = request.form["username"]
        return redirect("/home")

    def forgot() -> Any:
        said = "<p>Look into your mail</p>"
        if request.method == "POST" and any(mail == request.form["email"] for _, mail in people.values()):
            said = f"<p>Your link: /reset-password/{secrets.randbelow(9000) + 1000}</p>" if shows else said
        elif request.method == "POST" and tells:
            said = "<p>There is no such address</p>"
        return f'{said}<form method="post"><input type="email" name="email"></form>'

    for path, view in (("/register", register), ("/login", login), ("/forgot-password", forgot)):
        app.add_url_rule(path, view.__name__, view, methods=["GET", "POST"])
    app.add_url_rule("/home", "home", lambda: "<p>Hello</p>" if "who" in session else redirect("/login"))
    return app


@pytest.mark.parametrize(
    ("slug", "app", "outcome"),
    [
        ("user-enumeration", club(tells=True), "fail"),
        ("user-enumeration", club(tells=False), "pass"),
        ("reset-token-weak", club(tells=False, shows=True), "fail"),
        ("weak-password-accepted", club(tells=False), "fail"),
    ],
    ids=["tells", "tells nobody", "shows its link", "a form with a token"],
)
def test_what_pages_of_accounts_say(slug: str, app: Flask, outcome: str) -> None:
    assert verdict(slug, app).outcome == outcome


@pytest.mark.parametrize("shows", [True, False])
def test_a_link_on_the_page_that_sets_a_password_is_followed(shows: bool) -> None:
    """The link is long and made at random: what is wrong is that whoever asks for it has it."""
    app, people, links = Flask("league"), dict[str, str](), dict[str, str]()
    app.secret_key = "s" * 32
    app.add_url_rule("/", "start", lambda: START)

    def form(*fields: str) -> str:
        asked = "".join(f'<input type="{"password" if one == "password" else "text"}" name="{one}">' for one in fields)
        return f'<form method="post">{asked}</form>'

    def register() -> Any:
        if request.method == "POST":
            people[request.form["username"]] = request.form["password"]
            return redirect("/login")
        return form("username", "password")

    def login() -> Any:
        if request.method == "POST" and people.get(request.form["username"], "") == request.form["password"]:
            session["who"] = request.form["username"]
            return redirect("/home")
        return form("username", "password")

    def forgot() -> Any:
        if request.method == "POST" and request.form["username"] in people:
            token = f"7{secrets.token_hex(20)}"
            links[token] = request.form["username"]
            return f"<a href='/reset?token={token}'>go on</a>" if shows else "<p>Look into your mail</p>"
        return form("username")

    def reset() -> Any:
        if request.args.get("token") not in links:
            return "bad link", 400
        if request.method == "POST":
            people[links.pop(request.args["token"])] = request.form["password"]
            return redirect("/login")
        return form("password")

    for path, view in (("/register", register), ("/login", login), ("/forgot-password", forgot), ("/reset", reset)):
        app.add_url_rule(path, view.__name__, view, methods=["GET", "POST"])
    app.add_url_rule("/home", "home", lambda: "<p>Hello</p>" if "who" in session else redirect("/login"))
    found = verdict("reset-token-weak", app)
    assert (found.outcome == "fail") is shows, found.message
