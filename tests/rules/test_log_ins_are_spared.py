"""A log-in costs the target a slow hash: probes read the one that the scan began with, and vary it, instead of logging in again."""

import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.test_engine import rule
from tests.scan.engine.test_scan import served

from stopper.core.exchange import Request
from stopper.core.finding import Verdict
from stopper.core.probe import Identity, Mode, Steps, Target, passed, send
from stopper.core.probing.accounts.login import basic, retyped
from stopper.core.secret import Secret
from stopper.rules.account import login_not_throttled
from stopper.scan.catalogue import find
from stopper.scan.options import ProbeOptions
from stopper.scan.run import run_scan

PEOPLE = {"ann@example.com": "Ann-pass-9x!", "ben@example.com": "Ben-pass-9x!"}
READERS = ("token-response-cacheable", "cookie-flags-missing", "token-in-redirect-url", "jwt-issued-without-expiry")
GIVEN = tuple(Identity(mail[:3], (), subject=mail, password=Secret(text)) for mail, text in PEOPLE.items())


def api(seen: list[bool], most: int = 10_000, telling: bool = False) -> Flask:
    """Takes an account as an object inside the body, as its document does not say; counts who was let in and who was not."""
    app = Flask("spared")
    tokens: dict[str, str] = {}

    @app.post("/login")
    def login() -> Any:
        said = request.get_json()["account"]
        right = PEOPLE.get(said["mail"]) == said["secret_password"]
        seen.append(right)
        if seen.count(False) > most:
            return jsonify(error="too many"), 429
        if telling and said["mail"] not in PEOPLE:
            return jsonify(error="no such account"), 401
        if not right:
            return jsonify(error="wrong"), 401
        token = secrets.token_hex(16)
        tokens[token] = said["mail"]
        return jsonify(token=token)

    @app.get("/me")
    def me() -> Any:
        mail = tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return jsonify(mail=mail) if mail else (jsonify(error="who?"), 401)

    @app.get("/openapi.json")
    def document() -> Any:
        inner = {"mail": {"type": "string"}, "secret_password": {"type": "string"}}
        schema = {"type": "object", "properties": {"account": {"type": "object", "properties": inner}}}
        body = {"content": {"application/json": {"schema": schema}}}
        paths = {"/login": {"post": {"requestBody": body}}, "/me": {"get": {}}}
        return jsonify(openapi="3.0.0", info={}, paths=paths)

    return app


def scanned(app: Flask, *slugs: str, mode: Mode = "default") -> dict[str, str]:
    rules = tuple(rule for slug in slugs if (rule := find(slug)) is not None)
    assert len(rules) == len(slugs)
    with served(app) as url:
        report = run_scan(url, ProbeOptions(rules=rules, identities=GIVEN, mode=mode))
    return {one.slug: one.outcome for one in report.outcomes}


def test_probes_that_read_a_log_in_share_the_first_one() -> None:
    seen: list[bool] = []
    told = scanned(api(seen), *READERS)
    assert told["token-response-cacheable"] == "fail"
    assert seen == [True, True], "one log-in for each person and none besides"


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize(("most", "outcome", "wrong"), [(10_000, "fail", 12), (5, "pass", 8)])
def test_wrong_passwords_go_side_by_side_where_a_log_in_is_slow(
    monkeypatch: pytest.MonkeyPatch, at_once: bool, most: int, outcome: str, wrong: int
) -> None:
    monkeypatch.setattr(login_not_throttled, "SLOW", -1.0 if at_once else 60.0)
    seen: list[bool] = []
    told = scanned(api(seen, most), "login-not-throttled", mode="active")
    assert told == {"login-not-throttled": outcome}
    assert seen.count(False) <= 12
    assert outcome == "pass" or seen.count(False) == wrong
    assert seen.count(True) == 3 if outcome == "fail" else 2


def test_nobody_who_was_given_is_locked_out_by_a_scan_that_registers_nobody() -> None:
    """Wrong passwords are sent for an account that nobody has; that one which is there may be locked weighs into what is told."""
    asked: list[str] = []
    app = api([])
    app.before_request(
        lambda: asked.append(request.get_json()["account"]["mail"]) if request.method == "POST" else None
    )
    assert scanned(app, "login-not-throttled") == {"login-not-throttled": "fail"}
    assert len([mail for mail in asked if mail in PEOPLE]) <= 2 * len(PEOPLE)
    assert len([mail for mail in asked if mail not in PEOPLE]) >= 12


@pytest.mark.parametrize(("telling", "outcome"), [(True, "fail"), (False, "pass")])
def test_the_request_that_let_somebody_in_is_varied(telling: bool, outcome: str) -> None:
    seen: list[bool] = []
    assert scanned(api(seen, telling=telling), "user-enumeration") == {"user-enumeration": outcome}
    assert seen.count(True) == 2


def test_a_log_in_is_typed_anew_in_every_form() -> None:
    ann = Identity("ann", (), subject="ann", password=Secret("old one"))
    json_type, form_type = ("Content-Type", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")
    form = retyped(Request("POST", "/", (form_type,), b"u=ann&p=old+one&csrf=1", "login"), ann, "new&", "ben")
    assert form is not None
    assert form.body == b"u=ben&p=new%26&csrf=1"
    inner = retyped(
        Request("POST", "/", (json_type,), b'{"a": {"u": "ann", "p": "old one"}, "n": 1}', "login"), ann, "x"
    )
    assert inner is not None
    assert inner.body == b'{"a": {"u": "ann", "p": "x"}, "n": 1}'
    shown = retyped(Request("POST", "/", (("Authorization", basic("ann", "old one")),), b"", "login"), ann, "x")
    assert shown is not None
    assert shown.header("Authorization") == basic("ann", "x")
    for body in (b"{}", b"", b"not json", b'{"p": "another"}'):
        assert retyped(Request("POST", "/", (json_type,), body, "login"), ann, "x") is None


def test_a_limit_that_another_probe_has_met_is_one() -> None:
    """The log-in asks to wait longer than a scan does, so this probe cannot send one more wrong password."""
    app, sent = Flask("limited"), list[str]()

    @app.post("/login")
    def login() -> Any:
        sent.append(request.get_json(force=True, silent=True) or "")
        if len(sent) > 3:
            return jsonify(error="too many"), 429, {"Retry-After": "120"}
        return jsonify(error="wrong"), 401

    def uses_up(target: Target) -> Steps[Verdict]:
        for _ in range(5):
            yield from send(Request("POST", "/login", (), b"{}", "login"))
        return passed("used up")

    before = rule("uses-up", probe=uses_up)
    after = find("login-not-throttled")
    assert after is not None
    with served(app) as url:
        report = run_scan(url, ProbeOptions(rules=(before, after), mode="active"))
    (told,) = [one for one in report.outcomes if one.slug == "login-not-throttled"]
    assert (told.outcome, told.message) == ("pass", "POST /login turned this scan away after some log-ins")


def town(asked: list[tuple[str, str]], *, open_to_all: bool = True) -> Flask:
    """Registers whoever comes (*open_to_all*), and tells nobody what is known; keeps whose password was wrong and who forgot it, wherever it is said."""
    app, people, tokens = Flask("town"), dict(PEOPLE), dict[str, str]()

    def said() -> dict[str, str]:
        body: dict[str, str] = request.get_json(silent=True) or {}
        return {**request.args.to_dict(), **body}

    @app.post("/auth/register")
    def register() -> Any:
        if not open_to_all or said()["email"] in people:
            return jsonify(error="no"), 403
        people[said()["email"]] = said()["password"]
        return jsonify(email=said()["email"]), 201

    @app.post("/auth/login")
    def login() -> Any:
        body: dict[str, str] = request.get_json(silent=True) or {}
        if "password" not in body or people.get(body["email"]) != body["password"]:
            asked.append(("wrong", body.get("email", "")))
            return jsonify(error="wrong"), 401
        tokens[token := secrets.token_hex(16)] = body["email"]
        return jsonify(token=token)

    @app.post("/auth/forgot-password")
    def forgot() -> Any:
        asked.append(("forgot", said().get("email", "")))
        return jsonify(message="Look into your mail")

    @app.get("/me")
    def me() -> Any:
        mail = tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return jsonify(email=mail) if mail else (jsonify(error="who?"), 401)

    @app.get("/openapi.json")
    def document() -> Any:
        account = {"email": {"type": "string"}, "password": {"type": "string"}}
        bodies = {
            "/auth/register": account,
            "/auth/login": account,
            "/auth/forgot-password": {"email": account["email"]},
        }
        paths: dict[str, Any] = {
            path: {
                "post": {
                    "requestBody": {
                        "content": {"application/json": {"schema": {"type": "object", "properties": known}}}
                    }
                }
            }
            for path, known in bodies.items()
        }
        return jsonify(openapi="3.0.0", info={}, paths={**paths, "/me": {"get": {}}})

    return app


@pytest.mark.parametrize("open_to_all", [True, False])
def test_who_was_given_is_not_locked_out_where_the_scan_can_register_somebody(open_to_all: bool) -> None:
    asked: list[tuple[str, str]] = []
    slugs = ("login-not-throttled", "user-enumeration", "credentials-in-query-string")
    told = scanned(town(asked, open_to_all=open_to_all), *slugs, mode="active")
    assert told == {"login-not-throttled": "fail", "user-enumeration": "pass", "credentials-in-query-string": "pass"}
    wrong = [mail for what, mail in asked if what == "wrong" and mail in PEOPLE]
    forgot = [mail for what, mail in asked if what == "forgot"]
    assert len(wrong) <= 2 if open_to_all else len(wrong) > 10
    assert any(forgot)
    assert not (open_to_all and PEOPLE.keys() & {*forgot})
