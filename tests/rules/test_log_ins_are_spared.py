"""A log-in costs the target a slow hash: probes read the one that the scan began with, and vary it, instead of logging in again."""

import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.test_engine import rule
from tests.scan.engine.test_scan import served

from stopper.core.exchange import Request
from stopper.core.finding import Verdict
from stopper.core.probe import Identity, Steps, Target, passed, send
from stopper.core.probe_login import basic, retyped
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


def scanned(app: Flask, *slugs: str) -> dict[str, str]:
    rules = tuple(rule for slug in slugs if (rule := find(slug)) is not None)
    assert len(rules) == len(slugs)
    with served(app) as url:
        report = run_scan(url, ProbeOptions(rules=rules, identities=GIVEN))
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
    told = scanned(api(seen, most), "login-not-throttled")
    assert told == {"login-not-throttled": outcome}
    assert seen.count(False) <= 12
    assert outcome == "pass" or seen.count(False) == wrong
    assert seen.count(True) == 3 if outcome == "fail" else 2


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
