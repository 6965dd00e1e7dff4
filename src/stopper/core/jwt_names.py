"""How Python's token libraries call the same things: one table for the rules that look at tokens in source.

PyJWT 2, python-jose, Authlib and joserfc; positions count from 0 with ``self`` left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Constant, Mapping, Value, options


@dataclass(frozen=True, slots=True)
class Decoding:
    """Where a decoding call takes its key, its allowed algorithms and its options; None where it has no such argument."""

    key: int = 1
    algorithms: int | None = None
    options: int | None = None


@dataclass(frozen=True, slots=True)
class Encoding:
    """Where an encoding call takes its claims and its key."""

    claims: int
    key: int


_PYJWT: Final = Decoding(1, 2, 3)
DECODING: Final[dict[str, Decoding]] = {
    **{f"{owner}.{word}": _PYJWT for owner in ("jwt", "jwt.api_jwt", "jwt.PyJWT", "jwt.api_jwt.PyJWT") for word in ("decode", "decode_complete")},
    "jose.jwt.decode": Decoding(1, 2, 3),
    "jose.jws.verify": Decoding(1, 2, None),
    "joserfc.jwt.decode": Decoding(1, 2, None),
    "authlib.jose.jwt.decode": Decoding(),
    "authlib.jose.JsonWebToken.decode": Decoding(),
}  # fmt: skip
ENCODING: Final[dict[str, Encoding]] = {
    **{f"{owner}.encode": Encoding(0, 1) for owner in ("jwt", "jwt.api_jwt", "jwt.PyJWT", "jwt.api_jwt.PyJWT", "jose.jwt")},
    "jose.jws.sign": Encoding(0, 1),
    "joserfc.jwt.encode": Encoding(1, 2),
    "authlib.jose.jwt.encode": Encoding(1, 2),
    "authlib.jose.JsonWebToken.encode": Encoding(1, 2),
}  # fmt: skip
HEADER_READERS: Final = frozenset(
    {
        "jwt.get_unverified_header",
        "jwt.api_jws.get_unverified_header",
        "jose.jwt.get_unverified_header",
        "jose.jwt.get_unverified_headers",
        "jose.jws.get_unverified_header",
        "jose.jws.get_unverified_headers",
        "joserfc.jws.extract_compact",
    }
)
"""Calls that read a token's header without verifying anything."""

OTHER_VERIFIERS: Final = frozenset(
    {
        "flask_jwt_extended.decode_token",
        "flask_jwt_extended.verify_jwt_in_request",
        "google.oauth2.id_token.verify_oauth2_token",
        "google.oauth2.id_token.verify_token",
        "firebase_admin.auth.verify_id_token",
    }
)
"""Calls that verify a token and take no options that could turn it off."""


def decodings(facts: SourceFacts) -> Iterator[tuple[Call, Decoding]]:
    """Every call that decodes a token, tests left out."""
    for callee, shape in DECODING.items():
        for call in facts.calls(callee):
            yield call, shape


def encodings(facts: SourceFacts) -> Iterator[tuple[Call, Encoding]]:
    """Every call that signs a token, tests left out."""
    for callee, shape in ENCODING.items():
        for call in facts.calls(callee):
            yield call, shape


def switched_off(call: Call, shape: Decoding) -> Value | None:
    """The literal that turns the signature check of this call off, or None where it is on or cannot be told."""
    if call.callee == "jose.jws.verify":
        said = call.argument(3, "verify")
        return said if said is not None and _is_off(said) else None
    for option in options(call.argument(shape.options, "options") if shape.options is not None else None):
        if isinstance(option, Mapping) and _is_off(option.get("verify_signature")):
            return option
    return None


def _is_off(value: Value | None) -> bool:
    return isinstance(value, Constant) and (value.value is None or value.value is False or value.value == 0)


def verifies(call: Call) -> bool:
    """That this call checks a token's signature, as far as its literals say."""
    shape = DECODING.get(call.callee)
    if shape is None:
        return call.callee in OTHER_VERIFIERS
    return switched_off(call, shape) is None
