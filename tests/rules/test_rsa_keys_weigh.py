"""A published RSA key of 2048 bits is no hurry; a shorter one is."""

import base64

import pytest
from flask import Flask, jsonify

from stopper.rules.jwt.rsa_key_too_small import RULE
from stopper.scan.trial import try_rule


@pytest.mark.parametrize(("bits", "severity"), [(1024, None), (2048, "low")])
def test_what_a_short_key_weighs(bits: int, severity: str | None) -> None:
    modulus = base64.urlsafe_b64encode((1 << (bits - 1) | 1).to_bytes(bits // 8, "big")).rstrip(b"=").decode()
    app = Flask("keys")
    key = {"kty": "RSA", "kid": "a", "use": "sig", "alg": "RS256", "n": modulus, "e": "AQAB"}
    app.add_url_rule("/.well-known/jwks.json", "keys", lambda: jsonify(keys=[key]))
    verdict = try_rule(RULE, app)
    assert (verdict.outcome, verdict.severity) == ("fail", severity)
