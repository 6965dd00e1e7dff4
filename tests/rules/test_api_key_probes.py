"""Rules on API keys on the wire and against a document: odd applications, safe twins, and what is taken back again."""

import base64
import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, jsonify, request

from stopper.core.app import App
from stopper.core.finding import Verdict
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.rules.api_key.api_key_predictable import weakness
from stopper.scan.catalogue import find
from stopper.scan.spec.read import read_spec
from stopper.scan.trial import try_rule

KEY = "a-key-of-this-test-1"


def tried(slug: str, app: Flask, **more: Any) -> Verdict:
    """The verdict of that rule alone."""
    rule = find(slug)
    assert rule is not None
    return try_rule(rule, app, **more)


def client() -> list[Identity]:
    """Somebody with the key that the applications below take."""
    return [Identity("client", (("X-API-Key", Secret(KEY)),))]


# -- keys that are made ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "weak"),
    [
        (["shop-0001", "shop-0002", "shop-0003"], True),
        ([str(uuid.uuid1()) for _ in range(3)], True),
        ([secrets.token_hex(8) for _ in range(3)], True),
        (["same", "same", "same"], False),
        ([str(uuid.uuid4()) for _ in range(3)], False),
        (["sk_" + secrets.token_urlsafe(32) for _ in range(3)], False),
        ([secrets.token_hex(16) for _ in range(3)], False),
    ],
)
def test_keys_are_weak_where_too_little_of_them_differs(keys: list[str], weak: bool) -> None:
    assert (weakness(keys) is not None) is weak


def _shop(made: list[str], gone: list[str]) -> Flask:
    app = Flask("shop")

    @app.post("/api-keys")
    def create() -> tuple[Response, int]:
        made.append(f"key-{len(made):06d}")
        return jsonify(id=len(made), api_key=made[-1]), 201

    @app.delete("/api-keys/<int:number>")
    def delete(number: int) -> tuple[str, int]:
        gone.append(made[number - 1])
        return "", 204

    return app


def test_keys_that_the_scan_had_made_are_deleted_again() -> None:
    made: list[str] = []
    gone: list[str] = []
    assert tried("api-key-predictable", _shop(made, gone)).outcome == "fail"
    assert len(gone) == 3
    assert sorted(gone) == made[-3:]


def test_no_keys_are_made_outside_of_mode_active() -> None:
    made: list[str] = []
    assert tried("api-key-predictable", _shop(made, []), mode="default").outcome == "not-applicable"
    assert made == []


# -- pages -----------------------------------------------------------------------------------------------------------------------


def _pages(script: str, **headers: str) -> Flask:
    app = Flask("pages")

    @app.get("/")
    def index() -> str:
        return "<html><script src='/panel.js'></script></html>"

    @app.get("/panel.js")
    def panel() -> Response:
        return Response(script, mimetype="text/javascript", headers=headers)

    return app


def test_a_credential_in_a_script_of_a_page_is_found_and_not_told() -> None:
    verdict = tried("credential-exposed-in-browser", _pages(f"start('{KEY}')"), identities=client())
    assert verdict.outcome == "fail"
    assert KEY not in verdict.message
    assert all(KEY not in one.text for one in verdict.evidence)


def test_a_page_without_a_credential_is_clean() -> None:
    assert tried("credential-exposed-in-browser", _pages("start('dark')"), identities=client()).outcome == "pass"


# -- documents ----------------------------------------------------------------------------------------------------

DOCUMENT = """
openapi: 3.1.0
info: {title: Orders, version: "1"}
components:
  securitySchemes:
    key: {type: apiKey, in: PLACE, name: X-API-Key}
    token: {type: http, scheme: bearer}
paths:
  /orders:
    get: {security: [{key: []}], responses: {"200": {description: all}}}
    post: {security: SECURITY, responses: {"201": {description: made}}}
"""


def _described(place: str = "header", security: str = "[{key: []}]") -> App:
    spec, routes = read_spec(DOCUMENT.replace("PLACE", place).replace("SECURITY", security), "openapi.yaml")
    return App(routes=routes, spec=spec, readers=frozenset({"spec"}))


# -- the document ----------------------------------------------------------------------------------------------------------------


def _told(slug: str, app: App) -> list[str]:
    rule = find(slug)
    assert rule is not None
    assert rule.detect is not None
    hits = list(rule.detect(app))
    assert all(one.reader == "spec" for one in hits)
    return [one.message for one in hits]


def test_a_document_that_puts_the_key_into_the_query_is_told() -> None:
    (message,) = _told("api-key-accepted-in-url", _described("query"))
    assert "query parameter X-API-Key" in message
    assert _told("api-key-accepted-in-url", _described("header")) == []


@pytest.mark.parametrize("security", ["[]", "[{}]"])
def test_a_document_that_leaves_a_change_open_beside_a_closed_method_is_told(security: str) -> None:
    (message,) = _told("api-key-coverage-incomplete", _described(security=security))
    assert message == "POST /orders asks for no key, and another method there does"


@pytest.mark.parametrize("security", ["[{key: []}]", "[{token: []}]"])
def test_a_document_that_closes_every_method_is_not(security: str) -> None:
    assert _told("api-key-coverage-incomplete", _described(security=security)) == []


@pytest.mark.parametrize(("path", "told"), [("/v1/keys-of/rotate", 1), ("/v1/keys-of/leaks", 0)])
def test_a_report_of_a_leaked_key_is_open_by_design(path: str, told: int) -> None:
    document = {
        "openapi": "3.0.3", "info": {"title": "t", "version": "1"},
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}},
        "paths": {"/v1/keys-of/mine": {"get": {"security": [{"key": []}]}}, path: {"post": {"security": []}}},
    }  # fmt: skip
    spec, routes = read_spec(json.dumps(document), "openapi.json")
    rule = find("api-key-coverage-incomplete")
    assert rule is not None
    assert rule.detect is not None
    app = App(name="t", routes=tuple(routes), spec=spec, readers=frozenset({"spec"}))
    assert len(list(rule.detect(app))) == told


@pytest.mark.parametrize("empty", [True, False])
def test_a_row_without_a_key_is_opened_by_an_empty_header(empty: bool) -> None:
    app, agents = Flask("desk"), {"k-5f0c2a91b7d34e68": "lea", **({"": "mail import"} if empty else {})}

    @app.get("/tickets")
    def tickets() -> Any:
        known = agents.get(request.headers.get("X-API-Key", "none"))
        return (jsonify([{"id": 1, "subject": "Printer on fire"}]), 200) if known else (jsonify(error="no"), 401)

    assert (tried("api-key-presence-only", app).outcome == "fail") is empty


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (
            lambda mail, number: hashlib.md5(f"{mail}:{number}".encode()).hexdigest(),
            "md5 of its owner's name and a small number",
        ),
        (
            lambda mail, _: hashlib.sha256(f"{mail}{int(time.time())}".encode()).hexdigest(),
            "sha256 of its owner's name and the time",
        ),
        (lambda mail, number: base64.b64encode(f"{mail}:{number}".encode()).decode(), "another spelling"),
        (lambda *_: secrets.token_hex(16), ""),
    ],
)
def test_a_key_that_is_made_of_its_owner_is_worked_out(made: Callable[[str, int], str], reason: str) -> None:
    app, keys = Flask("desk"), dict[str, str]()

    @app.post("/signup")
    def signup() -> Any:
        mail = request.get_json()["email"]
        keys[made(mail, len(keys) + 1)] = mail
        return jsonify(id=len(keys), api_key=list(keys)[-1]), 201

    @app.get("/me")
    def me() -> Any:
        mail = keys.get(request.headers.get("X-API-Key", ""))
        return (jsonify(email=mail), 200) if mail else (jsonify(error="no"), 401)

    told = tried("api-key-predictable", app)
    assert (told.outcome == "fail") is bool(reason), told.message
    assert reason in told.message
