"""A server that looks at no signature is told once: by the rule for signatures, where the scan holds a token of its own."""

from typing import Any

import jwt
import pytest
from flask import Flask, jsonify, request

from stopper.core.finding import Verdict
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

pytestmark = pytest.mark.filterwarnings("ignore:The HMAC key")  # weak on purpose
RULES = {rule.slug: rule for rule in load()}
KEY = "k" * 40
ALICE = Identity(
    "alice",
    (("Authorization", Secret("Bearer " + jwt.encode({"sub": "alice"}, KEY))),),
    Secret(jwt.encode({"sub": "alice"}, KEY)),
)
BOB = Identity("bob", (), subject="bob", password=Secret("bobs-password"))


def reads_unsigned() -> Flask:
    """An API that decodes tokens and looks at no signature."""
    app = Flask("unsigned")

    @app.get("/notes")
    def notes() -> Any:
        try:
            jwt.decode(
                request.headers.get("Authorization", "").removeprefix("Bearer "), options={"verify_signature": False}
            )
        except jwt.PyJWTError:
            return jsonify(error="no"), 401
        return jsonify(notes=["milk"])

    return app


def judged(slug: str, *people: Identity) -> Verdict:
    return try_rule(RULES[slug], reads_unsigned(), identities=people)


def test_with_a_token_of_its_own_the_rule_for_signatures_tells_it_alone() -> None:
    assert judged("jwt-broken-signature-accepted", ALICE).outcome == "fail"
    assert judged("any-bearer-token-accepted", ALICE).outcome == "not-applicable"


def test_without_one_an_invented_token_is_the_proof() -> None:
    assert judged("any-bearer-token-accepted").outcome == "fail"


def administrators(*, verified: bool) -> Flask:
    """An API whose only reading route is for administrators, by a claim of the token."""
    app = Flask("administrators")

    @app.get("/all")
    def everybody() -> Any:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        said = jwt.decode(token, KEY, algorithms=["HS256"], options={"verify_signature": verified})
        if said["role"] != "admin":
            return jsonify(error="not for you"), 403
        return jsonify(people=["ann"])

    return app


@pytest.mark.parametrize(("verified", "outcome"), [(False, "fail"), (True, "open")])
def test_where_a_person_may_enter_nowhere_a_better_right_is_forged(verified: bool, outcome: str) -> None:
    token = jwt.encode({"sub": "alice", "role": "user"}, KEY)
    alice = Identity("alice", (("Authorization", Secret(f"Bearer {token}")),), Secret(token))
    found = try_rule(RULES["jwt-broken-signature-accepted"], administrators(verified=verified), identities=[alice])
    assert found.outcome == outcome, found.message


def writers_only(key: str, **claims: Any) -> Flask:
    """An API whose log-in gives tokens, and where nothing can be read."""
    app = Flask("writers")

    @app.post("/login")
    def login() -> Any:
        return jsonify(token=jwt.encode({"sub": request.get_json()["username"], **claims}, key))

    return app


@pytest.mark.parametrize(("key", "outcome"), [("secret", "fail"), ("q" * 40 + "-5f1d7a84db00", "open")])
def test_a_secret_that_is_a_word_is_told_by_the_token_alone(key: str, outcome: str) -> None:
    found = try_rule(RULES["jwt-secret-guessable"], writers_only(key), identities=[BOB])
    assert found.outcome == outcome, found.message
    assert outcome == "open" or [str(ref) for ref in found.routes] == ["POST /login"]


@pytest.mark.parametrize(("claims", "outcome"), [({}, "fail"), ({"exp": 4_000_000_000}, "pass")])
def test_a_token_without_an_end_is_told_by_the_log_in_alone(claims: dict[str, int], outcome: str) -> None:
    found = try_rule(RULES["jwt-issued-without-expiry"], writers_only("secret", **claims), identities=[BOB])
    assert found.outcome == outcome, found.message
