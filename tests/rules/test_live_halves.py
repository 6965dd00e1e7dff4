"""Probes beside detectors that stood alone: what they accuse, and what looks the same and is sound."""

import base64
import hashlib
import itertools
import secrets
import uuid
from typing import Any, cast

import jwt
import pytest
from flask import Flask, jsonify, request, session

from stopper.core.finding import Verdict
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULES = {rule.slug: rule for rule in load()}


def verdict(slug: str, app: Flask, **given: Any) -> Verdict:
    return try_rule(RULES[slug], app, **given)


# --- password-change-unverified -----------------------------------------------------------------------------------------------


def accounts(change: Any, path: str = "/users/<name>/password", method: str = "PUT") -> Flask:
    """An API with accounts; *change* gets the person's stored account and the body."""
    app, people, tokens = Flask("accounts"), dict[str, dict[str, Any]](), dict[str, str]()
    app.config["PEOPLE"] = people

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
        (believes, "/me", "PATCH", "fail"),
        (checks, "/me", "PUT", "pass"),
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


def guarded(lets_in: Any, path: str = "/report") -> Flask:
    app = Flask("guarded")
    app.add_url_rule(path, "report", lambda: jsonify(all=True) if lets_in() else (jsonify(error="no"), 403))
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


def test_a_cookie_that_says_one_opens_a_page_of_administrators() -> None:
    found = verdict("role-from-request", guarded(lambda: request.cookies.get("is_admin") == "1", "/admin"))
    assert (found.outcome, "the cookie is_admin" in found.message) == ("fail", True), found.message


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


# --- a reset without a proof -----------------------------------------------------------------------------------------------------


def forgetful(proof: str) -> Flask:
    """People who may reset their passwords: by their names alone, by a strong token that the answer hands out, or by one that is mailed."""
    app, mailed = accounts(believes), dict[str, str]()
    people = cast("dict[str, dict[str, str]]", app.config["PEOPLE"])

    @app.post("/forgot-password")
    def forgot() -> Any:
        token = secrets.token_urlsafe(24)
        mailed[token] = request.get_json()["username"]
        return jsonify(reset_token=token) if proof == "shown" else jsonify(sent=True)

    @app.post("/reset-password")
    def reset() -> Any:
        sent = request.get_json()
        name = sent["username"] if proof == "none" else mailed.get(str(sent.get("token")))
        if name not in people:
            return jsonify(error="no"), 403
        people[name]["password"] = sent["new_password"]
        return jsonify(ok=True)

    return app


@pytest.mark.parametrize(("proof", "outcome"), [("none", "fail"), ("shown", "fail"), ("mailed", "open")])
def test_a_password_that_is_reset_without_a_proof_is_told_by_the_log_in(proof: str, outcome: str) -> None:
    assert verdict("reset-token-weak", forgetful(proof)).outcome == outcome


# --- reset-token-weak, reset-link-from-host-header ------------------------------------------------------------------------------


def resetting(made: Any, path: str = "/forgot-password") -> Flask:
    """An API whose answer to a request for a reset is what *made* makes of the address."""
    app = Flask("resetting")
    app.add_url_rule(path, "forgot", lambda: jsonify(made(request.get_json()["email"])), methods=["POST"])
    return app


@pytest.mark.parametrize("path", ["/users/otp", "/auth/send-otp", "/request_code"])
def test_a_code_that_the_answer_hands_out(path: str) -> None:
    app = resetting(lambda _: {"otp": str(secrets.randbelow(9000) + 1000)}, path)
    assert verdict("reset-token-weak", app).outcome == "fail"


COUNT = itertools.count(0x5EED_0000_0000_0000_0000)
KEY = secrets.token_hex(32)


@pytest.mark.parametrize(
    ("made", "outcome", "words"),
    [
        (lambda _: {"reset_token": str(secrets.randbelow(900_000) + 100_000)}, "fail", "fewer than 64 bits"),
        (lambda _: {"data": {"token": secrets.token_hex(4)}}, "fail", "fewer than 64 bits"),
        (lambda _: {"debug": {"pin": str(secrets.randbelow(900) + 100)}}, "fail", "fewer than 64 bits"),
        (lambda _: {"reset_token": format(next(COUNT), "x")}, "fail", "counts up"),
        (lambda mail: {"token": hashlib.md5(mail.encode()).hexdigest()}, "fail", "worked out"),
        (lambda mail: {"token": base64.urlsafe_b64encode(mail.encode()).decode()}, "fail", "worked out"),
        (lambda _: {"reset_token": str(uuid.uuid1())}, "fail", "the time and the machine"),
        (lambda _: {"reset_token": jwt.encode({"sub": "a", "jti": secrets.token_hex(8)}, KEY)}, "fail", "never ends"),
        (lambda _: {"reset_token": jwt.encode({"sub": "a", "exp": 4_000_000_000}, KEY)}, "pass", ""),
        (lambda _: {"link": f"https://shop.example/reset/{secrets.token_hex(16)}"}, "pass", ""),
        (lambda _: {"link": f"https://shop.example/reset/{uuid.uuid4().hex}"}, "pass", ""),
        (lambda _: {"message": "a mail is on its way", "help": "https://shop.example/help"}, "open", ""),
        (lambda _: {"message": "a mail is on its way"}, "open", ""),
    ],
)
def test_a_reset_token_is_judged_where_it_is_shown(made: Any, outcome: str, words: str) -> None:
    found = verdict("reset-token-weak", resetting(made))
    assert found.outcome == outcome, found.message
    assert words in found.message


def test_a_mail_is_asked_for_in_active_mode_only() -> None:
    app = resetting(lambda _: {"reset_token": "1234"})
    for slug in ("reset-token-weak", "reset-link-from-host-header"):
        assert verdict(slug, app, mode="default").outcome == "open"


@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host"])
def test_a_link_to_the_callers_host_is_told_by_where_it_leads(name: str) -> None:
    found = verdict(
        "reset-link-from-host-header",
        resetting(
            lambda _: {"link": f"https://{request.headers.get(name, 'shop.example')}/r?token={secrets.token_hex(16)}"}
        ),
    )
    assert (found.outcome, name in found.message) == ("fail", True)


def test_a_host_that_is_only_repeated_elsewhere_is_no_link() -> None:
    app = resetting(
        lambda _: {
            "link": "https://shop.example/r",
            "note": f"asked at {request.host}",
            "q": f"https://shop.example/?h={request.host}",
        }
    )
    assert verdict("reset-link-from-host-header", app).outcome == "pass"


# --- jwt-issued-without-expiry --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "outcome"),
    [
        (lambda who, opaque: {"token": opaque}, "open"),
        (lambda who, opaque: {"sub": who}, "fail"),
        (lambda who, opaque: {"sub": str(uuid.uuid4())}, "fail"),
        (lambda who, opaque: {"token": opaque, "user_id": 7}, "fail"),
    ],
)
def test_a_token_that_only_points_to_what_the_server_keeps_is_no_proof(claims: Any, outcome: str) -> None:
    app, tokens = Flask("pointing"), set[str]()

    @app.post("/login")
    def login() -> Any:
        data = request.get_json()
        if data.get("password") != "carols-password":
            return jsonify(error="no"), 401
        tokens.add(token := jwt.encode(claims(data["username"], secrets.token_urlsafe(32)), KEY))
        return jsonify(access_token=token)

    @app.get("/me")
    def me() -> Any:
        mine = request.headers.get("Authorization", "").removeprefix("Bearer ") in tokens
        return jsonify(name="carol") if mine else (jsonify(error="no"), 401)

    carol = Identity("carol", (), subject="carol", password=Secret("carols-password"))
    assert verdict("jwt-issued-without-expiry", app, identities=[carol]).outcome == outcome


@pytest.mark.parametrize(("held", "outcome"), [({"pw": "daves-password"}, "fail"), ({"csrf_token": "a" * 40}, "pass")])
def test_what_a_log_in_puts_into_the_session_cookie_is_read_inside_too(held: dict[str, str], outcome: str) -> None:
    app = Flask("holds more than it needs")
    app.secret_key = secrets.token_hex(16)

    @app.post("/login")
    def login() -> Any:
        if request.get_json() != {"username": "dave", "password": "daves-password"}:
            return jsonify(error="no"), 401
        session["user"] = {"id": 1, **held}
        return jsonify(ok=True)

    @app.get("/me")
    def me() -> Any:
        return (jsonify(id=session["user"]["id"]), 200) if "user" in session else (jsonify(error="no"), 401)

    dave = Identity("dave", (), subject="dave", password=Secret("daves-password"))
    assert verdict("sensitive-data-in-session-cookie", app, identities=[dave]).outcome == outcome
