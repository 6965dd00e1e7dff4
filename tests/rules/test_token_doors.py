"""An API that reads its tokens in several places, and badly in one: every place is asked, also by a right that the good token has not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask import Flask, jsonify, request

from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

pytestmark = pytest.mark.filterwarnings("ignore:The HMAC key")  # weak on purpose
RULES = {rule.slug: rule for rule in load()}
KEY, OLD_KEY = "k" * 40, "old-shop-key-of-2019-that-nobody-guesses"
Reader = Callable[[str], dict[str, Any]]


def well(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, KEY, algorithms=["HS256"]))


def none_taken(token: str) -> dict[str, Any]:
    checked = jwt.get_unverified_header(token)["alg"] != "none"
    return dict(jwt.decode(token, KEY, algorithms=["HS256"], options={"verify_signature": checked}))


def unsigned(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def by_kid(token: str) -> dict[str, Any]:
    kid = jwt.get_unverified_header(token).get("kid", "main")
    return dict(jwt.decode(token, {"main": KEY}.get(kid) or Path(f"/etc/{kid}").read_text(), algorithms=["HS256"]))


def shop(read: Reader, *, role: str | None, log_in_key: str = KEY) -> Flask:
    """Orders are guarded well; the reports of a second part are guarded by *read* and, where *role* is given, are for that role."""
    app = Flask("shop")

    def asked(reader: Reader, wanted: str | None) -> Any:
        try:
            claims = reader(request.headers.get("Authorization", "").removeprefix("Bearer "))
        except (jwt.PyJWTError, OSError, KeyError):
            return jsonify(error="no good token"), 401
        if wanted is not None and claims.get("role") != wanted:
            return jsonify(error="not for you"), 403
        return jsonify(lines=["milk", "tea"])

    @app.get("/me")
    def orders() -> Any:
        return asked(well, None)

    @app.get("/v1/reports")
    def reports() -> Any:
        return asked(read, role)

    @app.post("/v1/login")
    @app.post("/login")
    def log_in() -> Any:
        said = request.get_json()
        if (said.get("username"), said.get("password")) != ("alice", "alices-password"):
            return jsonify(error="wrong"), 401
        key = KEY if request.path == "/login" else log_in_key
        return jsonify(token=jwt.encode({"sub": "alice", "role": "user"}, key, headers={"kid": "main"}))

    return app


def alice() -> Identity:
    token = jwt.encode({"sub": "alice", "role": "user"}, KEY, headers={"kid": "main"})
    shown = (("Authorization", Secret(f"Bearer {token}")),)
    return Identity("alice", shown, Secret(token), subject="alice", password=Secret("alices-password"))


@pytest.mark.parametrize("role", [None, "admin"])
@pytest.mark.parametrize(
    ("slug", "read"),
    [
        ("jwt-none-algorithm-accepted", none_taken),
        ("jwt-broken-signature-accepted", unsigned),
        ("jwt-kid-injection", by_kid),
    ],
)
def test_a_second_place_that_reads_tokens_badly_is_told(slug: str, read: Reader, role: str | None) -> None:
    found = try_rule(RULES[slug], shop(read, role=role), identities=[alice()])
    assert found.outcome == "fail", found.message
    assert [str(place) for place in found.routes] == ["GET /v1/reports"]


@pytest.mark.parametrize("role", [None, "admin"])
@pytest.mark.parametrize("slug", ["jwt-none-algorithm-accepted", "jwt-broken-signature-accepted", "jwt-kid-injection"])
def test_a_second_place_that_reads_them_well_is_not(slug: str, role: str | None) -> None:
    assert try_rule(RULES[slug], shop(well, role=role), identities=[alice()]).outcome == "pass"


def test_what_any_signature_opens_is_not_told_again_by_finer_forgeries() -> None:
    assert (
        try_rule(RULES["jwt-none-algorithm-accepted"], shop(unsigned, role="admin"), identities=[alice()]).outcome
        == "pass"
    )


@pytest.mark.parametrize(("key", "outcome"), [("secret", "fail"), (OLD_KEY, "pass")])
def test_the_secret_of_a_second_log_in_is_guessed_too(key: str, outcome: str) -> None:
    def old(token: str) -> dict[str, Any]:
        return dict(jwt.decode(token, key, algorithms=["HS256"]))

    found = try_rule(RULES["jwt-secret-guessable"], shop(old, role="admin", log_in_key=key), identities=[alice()])
    assert found.outcome == outcome, found.message
