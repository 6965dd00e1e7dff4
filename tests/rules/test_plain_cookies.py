"""Cookies and links that say in plain words who somebody is, and those that look alike and are sound."""

import base64
import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import pytest
from flask import Flask, abort, make_response, redirect, request, session
from tests.rules.from_outside import verdict
from tests.rules.toy_people import ToyPeople

from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule

FORM = '<form method="post"><input name="username"><input type="password" name="password"><button>go</button></form>'


def plain(text: str) -> str:
    return text


def packed(text: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"user_id": int(text)}).encode()).decode()


def unpacked(text: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(text))["user_id"])


def shop(
    write: Callable[[str], str] = plain,
    read: Callable[[str], str] = plain,
    *,
    by_name: bool = False,
    kept: str = "cookie",
    link: str = "",
) -> Flask:
    """Pages for customers, who are kept in a cookie by number or name, in the signed session, or by a number that the view only counts with."""
    app = Flask("shop")
    app.secret_key = secrets.token_hex(16)
    people: dict[str, list[str]] = {"1": ["owner", secrets.token_hex(9)], "2": ["mia", secrets.token_hex(9)]}
    opened: dict[str, str] = {}

    def give(answer: Any, number: str) -> Any:
        if kept == "session":
            session["who"] = number
        elif kept == "random":
            key = str(secrets.randbelow(10**9))
            opened[key] = number
            answer.set_cookie("basket", key)
        else:
            answer.set_cookie("customer", write(people[number][0] if by_name else number))
        return answer

    def caller() -> str | None:
        if kept == "session":
            return session.get("who")
        if kept == "random":
            return opened.get(request.cookies.get("basket", ""))
        try:
            said = read(request.cookies.get("customer", ""))
        except (ValueError, KeyError):
            return None
        if by_name:
            return next((number for number, one in people.items() if one[0] == said), None)
        return said if said in people else None

    def join() -> Any:
        if request.method == "POST":
            people[str(len(people) + 1)] = [request.form["username"], request.form["password"]]
            return redirect("/signin")
        return FORM

    def signin() -> Any:
        if request.method == "GET":
            return FORM
        wanted = [request.form["username"], request.form["password"]]
        number = next((one for one, account in people.items() if account == wanted), None)
        return give(redirect("/account"), number) if number else (FORM, 401)

    def account() -> Any:
        number = caller()
        if number is None:
            return redirect("/signin")
        more = (
            f'<a href="{link}{number if link == "/quick-login/" else secrets.token_hex(8)}">enter</a>' if link else ""
        )
        return f"<h1>Hello {people[number][0]}</h1>{more}"

    def enter(key: str) -> Any:
        return give(make_response(redirect("/account")), key) if key in people else abort(404)

    app.add_url_rule("/", "start", lambda: '<a href="/signin">in</a> <a href="/join">join</a>')
    app.add_url_rule("/join", "join", join, methods=["GET", "POST"])
    app.add_url_rule("/signin", "signin", signin, methods=["GET", "POST"])
    app.add_url_rule("/account", "account", account)
    if link == "/quick-login/":
        app.add_url_rule("/quick-login/<key>", "enter", enter)
    elif link:
        app.add_url_rule(f"{link}<key>", "enter", lambda key: abort(404))
    return app


COOKIES: list[tuple[dict[str, Any], str]] = [
    ({}, "fail"),
    ({"write": packed, "read": unpacked}, "fail"),
    ({"by_name": True}, "fail"),
    ({"by_name": True, "write": quote, "read": unquote}, "fail"),
    ({"kept": "session"}, "other"),
    ({"kept": "random"}, "other"),
]


@pytest.mark.parametrize(("given", "outcome"), COOKIES)
def test_a_cookie_that_names_somebody_in_plain(given: dict[str, Any], outcome: str) -> None:
    told = verdict("principal-from-client-header", shop(**given))
    assert (told.outcome == "fail") is (outcome == "fail"), told.message
    assert outcome != "fail" or str(told.routes[0]) == "GET /account"


def test_a_link_that_lets_in_as_whoever_its_number_names() -> None:
    told = verdict("reset-token-weak", shop(kept="session", link="/quick-login/"))
    assert told.outcome == "fail", told.message
    assert str(told.routes[0]) == "GET /quick-login/{id}"


def test_a_link_with_a_random_word_lets_nobody_in_by_a_number() -> None:
    assert verdict("reset-token-weak", shop(kept="session", link="/magic-login/")).outcome != "fail"


TOKENS: dict[str, Callable[[str], str]] = {
    "base64": lambda name: base64.b64encode(json.dumps({"user": name}).encode()).decode(),
    "words": lambda name: base64.b64encode(f"{name}:1767225600".encode()).decode(),
    "random": lambda _: secrets.token_urlsafe(24),
}


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_that_nobody_signed_and_that_says_who_somebody_is(kind: str) -> None:
    """One that is drawn and kept says nothing."""
    people = ToyPeople("club")
    people.passwords["admin"] = secrets.token_hex(9)
    known = dict[str, str]()

    def caller() -> str | None:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        named = (name for name in people.passwords if kind != "random" and TOKENS[kind](name) == shown)
        return known.get(shown) or next(named, None)

    def login() -> Any:
        sent = request.get_json()
        if people.passwords.get(sent["username"]) != sent["password"]:
            abort(401)
        token = TOKENS[kind](sent["username"])
        known[token] = sent["username"]
        return {"token": token}

    people.app.view_functions["login"] = login
    people.app.add_url_rule("/me", "me", lambda: {"name": caller() or abort(401)})
    rule = find("jwt-broken-signature-accepted")
    assert rule is not None
    assert (try_rule(rule, people.app).outcome == "fail") is (kind != "random")
