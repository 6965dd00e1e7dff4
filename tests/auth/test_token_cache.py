"""A verified token may be remembered only under ten conditions (each is a test): what goes wrong without them happened to others."""

import dataclasses
import gc
import os
from typing import Any

import pytest
from tests.auth.token_smith import AUDIENCE, ISSUER, NOW, SECRET, claims, header, hs256

from stopper.auth import token_cache
from stopper.auth.clock import SetClock
from stopper.auth.issuer import Issuer
from stopper.auth.verification_key import VerificationKey
from stopper.auth.verifier import Verifier
from stopper.core.errors import InvalidCredentialError
from stopper.core.secret import Secret


class Keys:
    """Keys that can be taken away, and that count verifications."""

    def __init__(self) -> None:
        self.key: VerificationKey | None = VerificationKey.from_secret("k", "HS256", Secret(SECRET))

    def find(self, kid: str | None) -> VerificationKey | None:
        return self.key


class Counting:
    """A verifier whose signature checks are counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, size: int = 100) -> None:
        self.clock = SetClock(NOW)
        self.keys = Keys()
        self.verified = 0
        self.verifier = Verifier(
            [Issuer(ISSUER, ["HS256"], keys=self.keys, audience=AUDIENCE)], clock=self.clock, cache_size=size
        )
        original = VerificationKey.verify

        def counted(key: VerificationKey, signing_input: bytes, signature: bytes) -> bool:
            self.verified += 1
            return original(key, signing_input, signature)

        monkeypatch.setattr(VerificationKey, "verify", counted)

    def __call__(self, token: str) -> Any:
        return self.verifier.verify(token)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Counting:
    return Counting(monkeypatch)


TOKEN = hs256()


def test_a_token_seen_before_costs_no_verification(seen: Counting) -> None:
    assert seen(TOKEN) is seen(TOKEN)
    assert seen.verified == 1


def test_1_the_key_is_the_digest_of_the_whole_token(seen: Counting) -> None:
    """LiteLLM CVE-2026-35030 keyed on the first characters; a tail that differs must not hit."""
    seen(TOKEN)
    head, payload, signature = TOKEN.split(".")
    other = hs256(payload=claims(sub="bob"))
    for forged in (f"{head}.{payload}.{'A' + signature[1:]}", f"{head}.{other.split('.')[1]}.{signature}"):
        with pytest.raises(InvalidCredentialError):
            seen(forged)


def test_2_the_rules_belong_to_the_cache(seen: Counting) -> None:
    """A verifier for another audience does not profit from what this one has seen."""
    seen(TOKEN)
    other = Verifier([Issuer(ISSUER, ["HS256"], keys=seen.keys, audience="https://other.example")], clock=seen.clock)
    with pytest.raises(InvalidCredentialError, match="audience"):
        other.verify(TOKEN)
    with pytest.raises((AttributeError, dataclasses.FrozenInstanceError)):
        next(iter(seen.verifier._issuers.values()))[0].audience = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    "token",
    [
        hs256(payload=claims(aud="x")),
        hs256(payload=claims(exp=NOW - 60)),
        hs256(header(typ="JWT")),
        hs256(key=b"x" * 32),
        "a.b.c",
    ],
)
def test_3_only_successes_enter(seen: Counting, token: str) -> None:
    with pytest.raises(InvalidCredentialError):
        seen(token)
    assert len(seen.verifier._cache) == 0
    assert not seen.verifier._headers


def test_4_times_are_compared_on_every_hit(seen: Counting) -> None:
    token = hs256(payload=claims(exp=NOW + 50, nbf=NOW))
    seen(token)
    seen.clock.forward(79)
    assert seen(token)
    assert seen.verified == 1
    seen.clock.forward(1)
    with pytest.raises(InvalidCredentialError, match="expired"):
        seen(token)
    seen.clock.now = NOW - 3600
    with pytest.raises(InvalidCredentialError, match="not-yet-valid"):
        seen(token)


def test_5_revocation_is_asked_outside_on_every_hit() -> None:
    """Nothing about revocation is in the entry; tests/extension/test_gate.py shows that the gate asks each time."""
    assert set(token_cache.Verified._fields) == {
        "principal", "issuer", "key", "kid", "expires", "not_before", "until",
    }  # fmt: skip


def test_6_an_entry_lives_two_minutes_at_most(seen: Counting) -> None:
    seen(TOKEN)
    seen.clock.forward(token_cache.SECONDS + 1)
    seen(TOKEN)
    assert seen.verified == 2


def test_6_a_removed_key_empties_it(seen: Counting) -> None:
    seen(TOKEN)
    seen.keys.key = None
    with pytest.raises(InvalidCredentialError, match="unknown-key"):
        seen(TOKEN)
    seen.keys.key = VerificationKey.from_secret("k", "HS256", Secret(bytes(reversed(SECRET))))
    with pytest.raises(InvalidCredentialError, match="signature"):
        seen(TOKEN)


def test_7_claims_cannot_be_edited_for_the_next_request(seen: Counting) -> None:
    token = hs256(payload=claims(extra={"list": [1, {"a": 1}]}))
    found = seen(token)
    with pytest.raises(TypeError):
        found.claims["extra"]["list"][1]["a"] = 2
    with pytest.raises(AttributeError):
        found.claims["extra"]["list"].append(1)
    with pytest.raises(AttributeError):
        found.scopes.add("admin")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.subject = "mallory"
    assert seen(token).claims["extra"] == {"list": (1, {"a": 1})}


def test_8_it_is_bounded_and_forgetting_only_means_verifying_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Counting(monkeypatch, size=5)
    tokens = [hs256(payload=claims(jti=f"id-{number}")) for number in range(20)]
    for token in tokens:
        seen(token)
        assert len(seen.verifier._cache) <= 5
    for token in tokens:
        assert seen(token).subject == "alice"


def test_8_it_keeps_no_token(seen: Counting) -> None:
    token = hs256(payload=claims(jti="a-very-special-id"))
    seen(token)
    held = [item for item in gc.get_referrers(token) if isinstance(item, (dict, list, tuple)) and item is not globals()]
    assert not any(token in item for item in held if isinstance(item, dict) and item is seen.verifier._cache._entries)
    assert all(isinstance(key, bytes) and len(key) == 32 for key in seen.verifier._cache._entries)


def test_9_nothing_that_belongs_to_a_request_is_in_it() -> None:
    """Required scopes, freshness and step-up are judged by the policy on every request, outside: the verifier knows none."""
    assert not any("scope" in name or "fresh" in name or "require" in name for name in Verifier.__slots__)


def test_10_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Counting(monkeypatch, size=0)
    seen(TOKEN)
    seen(TOKEN)
    assert seen.verified == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="capability missing: fork")
def test_10_it_is_of_one_process(seen: Counting) -> None:
    """What a child learns does not reach the parent."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        seen(TOKEN)
        os.write(writer, bytes([len(seen.verifier._cache)]))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 1) == b"\x01"
    assert len(seen.verifier._cache) == 0
    os.close(reader)
    os.close(writer)
