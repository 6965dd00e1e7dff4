"""What one request may cost, counted: a number that creeps up is found here and not in a benchmark."""

import json
from collections import Counter
from typing import Any

import pytest
from tests.auth.token_smith import claims, hs256
from tests.extension.made import Made, bearer_header

from stopper import api_key, bearer, scope
from stopper.auth import base64url, strict_json
from stopper.auth.verification_key import VerificationKey


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each step ran since the fixture was set up."""
    found: Counter[str] = Counter()

    def count(owner: Any, name: str, word: str) -> None:
        original = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            found[word] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)

    count(base64url, "decode", "decodes")
    count(VerificationKey, "verify", "verifications")
    count(VerificationKey, "from_jwk", "key parses")
    count(VerificationKey, "from_public_key", "key parses")
    count(strict_json, "_decode", "parses")
    return found


@pytest.fixture
def made() -> Made:
    made = Made()
    made.route("/bearer", bearer & scope("a"), "bearer")
    made.route("/key", api_key, "key")
    made.stopper.seal()
    return made


def test_a_new_token(made: Made, work: Counter[str]) -> None:
    assert made.get("/bearer", bearer_header(scope="a")).status_code == 200
    assert work == {"decodes": 3, "verifications": 1, "parses": 2}


def test_a_token_seen_before(made: Made, work: Counter[str]) -> None:
    shown = bearer_header(scope="a")
    made.get("/bearer", shown)
    work.clear()
    assert made.get("/bearer", shown).status_code == 200
    assert work == {}


def test_another_token_with_a_header_seen_before(made: Made, work: Counter[str]) -> None:
    made.get("/bearer", bearer_header(scope="a"))
    work.clear()
    made.get("/bearer", bearer_header(scope="a", jti="id-2"))
    assert work == {"decodes": 2, "verifications": 1, "parses": 1}


@pytest.mark.parametrize("size", [8193, 20_000, 1_000_000])
def test_a_token_over_the_cap(made: Made, work: Counter[str], size: int) -> None:
    assert made.get("/bearer", bearer_header("a" * size)).status_code in (400, 401)
    assert work == {}


@pytest.mark.parametrize("token", ["x", "a.b", "....", "é"])
def test_what_is_no_token(made: Made, work: Counter[str], token: str) -> None:
    made.get("/bearer", environ_overrides={"HTTP_AUTHORIZATION": f"Bearer {token}"})
    assert work["verifications"] == work["parses"] == 0


def test_a_token_of_nobody_is_not_verified(made: Made, work: Counter[str]) -> None:
    made.get("/bearer", bearer_header(hs256(payload=claims(iss="https://evil.example"))))
    assert work["verifications"] == 0


def test_an_api_key_is_one_look_up(made: Made, work: Counter[str]) -> None:
    key = made.keys.issue("alice", name="x").key.reveal()
    made.get("/key", ("X-API-Key", key))
    made.store.calls.clear()
    assert made.get("/key", ("X-API-Key", key)).status_code == 200
    assert made.store.calls == ["find"]
    assert work == {}


def test_one_hook_and_no_more(made: Made) -> None:
    assert [len(hooks) for hooks in made.app.before_request_funcs.values()] == [1]
    assert not made.app.after_request_funcs
    assert not made.app.teardown_request_funcs


def test_a_public_route_costs_nothing_of_it(work: Counter[str]) -> None:
    from stopper import public

    made = Made()
    made.route("/public", public)
    work.clear()
    made.get("/public", bearer_header())
    assert work == {}
    assert json.dumps(made.ran)
