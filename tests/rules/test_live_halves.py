"""Probes beside detectors that stood alone: what they accuse, and what looks the same and is sound."""

import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.finding import Verdict
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULES = {rule.slug: rule for rule in load()}


def verdict(slug: str, app: Flask, **given: Any) -> Verdict:
    return try_rule(RULES[slug], app, **given)


# --- password-change-unverified -----------------------------------------------------------------------------------------------


def accounts(change: Any, path: str = "/users/<name>/password", method: str = "PUT") -> Flask:
    """An API with accounts; *change* gets the person's stored account and the body."""
    app, people, tokens = Flask("accounts"), dict[str, dict[str, Any]](), dict[str, str]()

    @app.post("/register")
    def register() -> Any:
        data = request.get_json()
        people[data["username"]] = {"password": data["password"]}
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> Any:
        data = request.get_json()
        if people.get(data["username"], {}).get("password") != data["password"]:
            return jsonify(error="no"), 401
        token = secrets.token_urlsafe(24)
        tokens[token] = data["username"]
        return jsonify(token=token)

    def changes(**_: str) -> Any:
        who = tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return change(people[who], request.get_json()) if who else (jsonify(error="no"), 401)

    app.add_url_rule(path, "changes", changes, methods=[method])
    return app


def believes(account: dict[str, Any], data: dict[str, Any]) -> Any:
    account["password"] = data["password"]
    return "", 204


def wants_any_old(account: dict[str, Any], data: dict[str, Any]) -> Any:
    if "old_password" not in data:
        return jsonify(error="old_password"), 400
    return believes(account, data)


def says_yes(account: dict[str, Any], data: dict[str, Any]) -> Any:
    return jsonify(ok=True)


def checks(account: dict[str, Any], data: dict[str, Any]) -> Any:
    if data.get("old_password") != account["password"]:
        return jsonify(error="wrong"), 403
    return believes(account, data)


@pytest.mark.parametrize(
    ("change", "path", "method", "outcome"),
    [
        (believes, "/users/<name>/password", "PUT", "fail"),
        (believes, "/account/password", "POST", "fail"),
        (wants_any_old, "/account/password", "PATCH", "fail"),
        (says_yes, "/account/password", "POST", "pass"),
        (checks, "/account/password", "POST", "pass"),
        (believes, "/notes", "POST", "not-applicable"),
    ],
)
def test_a_changed_password_is_told_by_the_log_in(change: Any, path: str, method: str, outcome: str) -> None:
    """Also where an old password is asked for and any will do; and an answer that says yes and changes nothing is no change."""
    assert verdict("password-change-unverified", accounts(change, path, method)).outcome == outcome


def test_a_password_is_changed_in_active_mode_only() -> None:
    found = verdict("password-change-unverified", accounts(believes), mode="default")
    assert found.outcome == "open"


# --- role-from-request --------------------------------------------------------------------------------------------------------


def guarded(lets_in: Any) -> Flask:
    app = Flask("guarded")
    app.add_url_rule("/report", "report", lambda: jsonify(all=True) if lets_in() else (jsonify(error="no"), 403))
    return app


@pytest.mark.parametrize(
    ("lets_in", "what"),
    [
        (lambda: request.headers.get("X-User-Role") == "admin", "the header X-User-Role"),
        (lambda: request.args.get("is_admin") == "true", "`is_admin` in the query"),
        (lambda: request.cookies.get("role") == "admin", "the cookie role"),
    ],
)
def test_the_one_thing_that_is_believed_is_named(lets_in: Any, what: str) -> None:
    found = verdict("role-from-request", guarded(lets_in))
    assert (found.outcome, what in found.message) == ("fail", True), found.message
    assert len(found.evidence) == 3


def test_a_door_that_opens_by_itself_is_no_proof() -> None:
    """The first two requests are refused, whatever they say; then everybody is let in."""
    asked: list[int] = []

    def after_a_while() -> bool:
        asked.append(1)
        return len(asked) > 3

    assert verdict("role-from-request", guarded(after_a_while)).outcome != "fail"


def test_a_header_of_the_proxy_alone_opens_nothing() -> None:
    assert verdict("role-from-request", guarded(lambda: False)).outcome == "pass"


# --- page-size-unlimited ------------------------------------------------------------------------------------------------------


def listing(total: int, cap: int | None, *, says: bool = False, name: str = "limit") -> Flask:
    app = Flask("listing")

    @app.get("/things")
    def things() -> Any:
        size = request.args.get(name, 20, type=int)
        size = size if cap is None else min(size, cap)
        rows = [{"n": n} for n in range(total)][:size]
        return jsonify(things=rows, meta={name: size}) if says else jsonify(rows)

    return app


@pytest.mark.parametrize(
    ("app", "outcome"),
    [
        (listing(5000, None), "fail"),
        (listing(30, None, says=True), "fail"),
        (listing(30, None, says=True, name="per_page"), "fail"),
        (listing(30, 100, says=True), "pass"),
        (listing(30, None), "open"),
        (listing(5000, 100), "open"),
        (listing(5000, None, name="whatever"), "not-applicable"),
        (listing(1, None), "not-applicable"),
    ],
)
def test_a_page_without_end_is_shown_by_rows_or_said(app: Flask, outcome: str) -> None:
    assert verdict("page-size-unlimited", app).outcome == outcome


def test_a_size_that_is_refused_is_held_down() -> None:
    app = Flask("refuses")

    @app.get("/things")
    def things() -> Any:
        size = request.args.get("limit", 20, type=int)
        return jsonify(list(range(50))[:size]) if size <= 100 else (jsonify(error="at most 100"), 422)

    assert verdict("page-size-unlimited", app).outcome == "pass"
