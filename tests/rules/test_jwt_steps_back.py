"""One root cause is one finding: where any signature is let in, the rules that forge in weaker ways step back."""

import base64
import json
import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import survey
from stopper.scan.tokens.forge import TokenForge, sign_hmac
from stopper.scan.trial import try_rule

RULES = {rule.slug: rule for rule in survey()[0]}


def _claims(token: str) -> Any:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@pytest.fixture
def careless() -> Flask:
    """Reads tokens and looks at no signature."""
    app = Flask(__name__)

    @app.get("/me")
    def me() -> Any:
        try:
            return jsonify(user=_claims(request.headers.get("Authorization", "").removeprefix("Bearer "))["sub"])
        except (ValueError, IndexError, KeyError):
            return jsonify(error="bad token"), 401

    return app


def _alice() -> Identity:
    token = sign_hmac({"alg": "HS256", "typ": "JWT"}, {"sub": "alice", "exp": 4102444800}, secrets.token_bytes(32))
    return Identity("alice", (("Authorization", Secret(f"Bearer {token}")),), Secret(token))


def test_the_cause_itself_is_told(careless: Flask) -> None:
    assert try_rule(RULES["jwt-broken-signature-accepted"], careless, identities=[_alice()]).outcome == "fail"


@pytest.mark.parametrize(
    "slug", ["jwt-none-algorithm-accepted", "jwt-empty-signature-accepted", "jwt-key-from-token", "jwt-error-oracle"]
)
def test_what_follows_from_it_steps_back(careless: Flask, slug: str) -> None:
    verdict = try_rule(RULES[slug], careless, identities=[_alice()])
    assert verdict.outcome == "not-applicable", verdict.message


def test_the_forge_signs_with_an_empty_secret_and_keeps_changed_header_members() -> None:
    forge = TokenForge()
    token = forge.garbage()
    made = forge.headed(token, b"", {"kid": "/dev/null"})
    assert forge.header(made)["kid"] == "/dev/null"
    assert forge.claims(made) == forge.claims(token)
    assert forge.stripped(token).endswith(".")


def test_a_public_key_comes_in_every_spelling() -> None:
    """SubjectPublicKeyInfo and PKCS#1, each with and without the last line end, from PEM and from a key set alike."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    spki = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    pkcs1 = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
    numbers = key.public_numbers()

    def text(number: int) -> str:
        raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    jwks = json.dumps({"keys": [{"kty": "RSA", "n": text(numbers.n), "e": text(numbers.e)}]})
    for said in (spki.decode(), jwks):
        forms = TokenForge().public_forms(said)
        assert {spki, spki.rstrip(b"\n"), pkcs1, pkcs1.rstrip(b"\n")} <= set(forms)


@pytest.mark.parametrize("member", ["jwk", "x5c", "jku", "x5u"])
def test_a_token_brings_its_key_along(member: str) -> None:
    forge = TokenForge()
    made = forge.own_key(forge.garbage(), member, "http://127.0.0.1:1")
    assert forge.header(made)["alg"] == "RS256"
    assert member in forge.header(made)
