"""Every given JOSE vector, with algorithms pinned and not pinned, through the verifier's own parts."""

import json
from pathlib import Path
from typing import Any

import pytest

from stopper.auth.algorithm import ALGORITHMS
from stopper.auth.issuer import Issuer
from stopper.auth.jws import read_header, split
from stopper.auth.key_set import KeySet
from stopper.auth.verifier import Verifier
from stopper.core.errors import InvalidCredentialError, StopperError

VECTORS = Path(__file__).parents[1] / "vectors"


def _load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text("utf-8"))


def _cases(name: str) -> list[Any]:
    return [
        pytest.param(group.get("public") or group["private"], test, id=f"{test['tcId']}-{test['comment']}")
        for group in _load(name)["testGroups"]
        for test in group["tests"]
    ]


def _opens(keys: Any, token: Any, algorithms: tuple[str, ...]) -> bytes | None:
    """The payload when the token's signature holds under *keys*, None when anything refuses."""
    document = keys if "keys" in keys else {"keys": [keys]}
    try:
        found = KeySet.from_jwks(document, algorithms=algorithms, allow_rsa_2048=True)
        parts = split(token if isinstance(token, str) else json.dumps(token))
        head = read_header(parts.header_segment)
        key = found.find(head.kid)
    except StopperError:
        return None
    if key is None or key.algorithm != head.algorithm or not key.verify(parts.signing_input, parts.signature):
        return None
    return parts.payload


@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "all-algorithms"])
@pytest.mark.parametrize(("keys", "test"), _cases("wycheproof_jws.json"))
def test_wycheproof_jws(keys: Any, test: Any, pinned: bool) -> None:
    algorithms = (keys["alg"],) if pinned and keys.get("alg") in ALGORITHMS else tuple(ALGORITHMS)
    assert (_opens(keys, test["jws"], algorithms) is not None) == (test["result"] == "valid")


@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "all-algorithms"])
@pytest.mark.parametrize(("keys", "test"), _cases("wycheproof_jwk.json"))
def test_wycheproof_jwk(keys: Any, test: Any, pinned: bool) -> None:
    named = tuple(key["alg"] for key in keys["keys"] if key.get("alg") in ALGORITHMS)
    algorithms = named if pinned and named else tuple(ALGORITHMS)
    assert (_opens(keys, test["jws"], algorithms) is not None) == (test["result"] == "valid")


def test_no_vector_was_lost() -> None:
    for name in ("wycheproof_jws.json", "wycheproof_jwk.json"):
        data = _load(name)
        assert sum(len(group["tests"]) for group in data["testGroups"]) == data["numberOfTests"]


@pytest.mark.parametrize("name", ["rfc7520-4.1", "rfc7520-4.3"])
def test_the_cookbook_examples_open(name: str) -> None:
    example = _load("rfc7520_jws.json")[name]
    # Both keys carry one kid and the tokens name it; RSA with 2048 bits needs the switch that _opens sets.
    found = _opens(example["jwk"], example["token"], (example["alg"],))
    assert found is not None
    assert found.decode() == example["payload"]


@pytest.mark.parametrize("name", ["rfc7515-A.1-HS256", "rfc7515-A.3-ES256", "rfc8037-A.4-EdDSA"])
def test_the_examples_of_the_specifications_open_and_are_no_access_tokens(name: str) -> None:
    example = _load("rfc_jose.json")[name]
    assert _opens(example["jwk"], example["token"], (example["alg"],)) is not None
    issuer = Issuer("joe", [example["alg"]], "jwt", keys={"keys": [example["jwk"]]}, audience="x")
    with pytest.raises(InvalidCredentialError):
        Verifier([issuer]).verify(example["token"])


def test_alg_none_of_the_specification_is_refused() -> None:
    example = _load("rfc_jose.json")["rfc7515-A.5-none"]
    with pytest.raises(InvalidCredentialError, match=r"^token-form$"):
        split(example["token"])
