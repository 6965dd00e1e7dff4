"""A DPoP proof (RFC 9449 §4.2), read strictly: a JWS whose header brings its own public key. Nothing is decided here."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, cast

from stopper.auth import base64url
from stopper.auth.algorithm import ALGORITHMS
from stopper.auth.jws import Compact, read_header, split
from stopper.auth.strict_json import NotStrictError, read_object
from stopper.auth.verification_key import VerificationKey
from stopper.core.errors import InvalidCredentialError, KeyringError

MAX_PROOF: Final = 4096
MAX_JTI: Final = 256
MAX_URL: Final = 2048
_TIME_END: Final = 2**53
_HEADER: Final = frozenset({"typ", "alg", "jwk"})
_CONTROL: Final = re.compile("[\0-\x1f\x7f-\x9f]")
# RFC 7638 §3.2 and RFC 8037 §2: what a thumbprint is made of. Every other member of a key that says something secret is refused.
_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
_LONGEST_N: Final = 1366
"""8192 bits in base64url: longer keys cost a stranger nothing and us a lot."""
_LONGEST_E: Final = 6


class Proof(NamedTuple):
    """What a proof says, its signature verified with the key that it brings. ``key`` is the RFC 7638 thumbprint of that key."""

    key: str
    jti: str
    method: str
    url: str
    issued: float
    token_hash: str | None
    nonce: str | None
    expires: float | None = None
    not_before: float | None = None


def read_proof(shown: str, algorithms: Collection[str]) -> Proof:
    """The proof in *shown*, made with one of *algorithms*. Raises InvalidCredentialError; no part of the proof is in it."""
    if len(shown) > MAX_PROOF:
        raise InvalidCredentialError("dpop-too-long")
    parts = split(shown)
    header = read_header(parts.header_segment)
    if header.typ is None or header.typ.lower() != "dpop+jwt":
        raise InvalidCredentialError("dpop-type")
    algorithm = header.algorithm
    if algorithm not in algorithms or algorithm not in ALGORITHMS or ALGORITHMS[algorithm].symmetric:
        raise InvalidCredentialError("dpop-algorithm")
    members = read_object(base64url.decode(parts.header_segment))  # read before, so it can be read
    if not members.keys() <= _HEADER:
        raise InvalidCredentialError("dpop-header")
    jwk = _public_jwk(members.get("jwk"))
    key, thumbprint = _key(jwk, algorithm), thumbprint_of(jwk)
    if key is None or not key.verify(parts.signing_input, parts.signature):
        raise InvalidCredentialError("dpop-signature" if key is not None else "dpop-key")
    return _proof(thumbprint, _claims(parts))


def thumbprint_of(jwk: Mapping[str, object]) -> str:
    """The RFC 7638 SHA-256 thumbprint of a public key."""
    required = {name: jwk.get(name) for name in _REQUIRED[cast("str", jwk["kty"])]}
    text = json.dumps(required, separators=(",", ":"), sort_keys=True)
    return base64url.encode(hashlib.sha256(text.encode("utf-8")).digest())


def _public_jwk(said: object) -> Mapping[str, object]:
    if not isinstance(said, dict):
        raise InvalidCredentialError("dpop-key")
    jwk = cast("dict[str, object]", said)
    kty = jwk.get("kty")
    if not isinstance(kty, str) or kty not in _REQUIRED or _PRIVATE & jwk.keys():
        raise InvalidCredentialError("dpop-key")
    n, e = jwk.get("n", ""), jwk.get("e", "")
    if kty == "RSA" and not (_is_number(n, _LONGEST_N) and _is_number(e, _LONGEST_E)):
        raise InvalidCredentialError("dpop-key")
    return jwk


def _is_number(said: object, longest: int) -> bool:
    """Whether it is one spelling of one number: no zero bytes in front (RFC 7518 §2), or one key would have many thumbprints."""
    if not isinstance(said, str) or not 2 <= len(said) <= longest or not said.isascii():
        return False
    try:
        return base64url.decode(said.encode("ascii"))[0] != 0
    except ValueError:
        return False


def _key(jwk: Mapping[str, object], algorithm: str) -> VerificationKey | None:
    try:
        return VerificationKey.from_jwk(jwk, algorithm=algorithm)
    except KeyringError:
        return None


def _claims(parts: Compact) -> dict[str, object]:
    try:
        return read_object(parts.payload)
    except NotStrictError as wrong:
        reason = f"dpop-{wrong}"
    raise InvalidCredentialError(reason)


def _proof(thumbprint: str, claims: Mapping[str, object]) -> Proof:
    issued = _time(claims, "iat")
    if issued is None:
        raise InvalidCredentialError("dpop-iat")
    return Proof(
        thumbprint,
        _text(claims, "jti", MAX_JTI),
        _text(claims, "htm", 32),
        _text(claims, "htu", MAX_URL),
        issued,
        _text(claims, "ath", 64) if "ath" in claims else None,
        _text(claims, "nonce", MAX_JTI) if "nonce" in claims else None,
        _time(claims, "exp"),
        _time(claims, "nbf"),
    )


def _text(claims: Mapping[str, object], name: str, longest: int) -> str:
    said = claims.get(name)
    if not isinstance(said, str) or not 0 < len(said) <= longest or _CONTROL.search(said):
        raise InvalidCredentialError(f"dpop-{name}")
    return said


def _time(claims: Mapping[str, object], name: str) -> float | None:
    if name not in claims:
        return None
    said = claims[name]
    if (type(said) is not int and type(said) is not float) or not 0 <= said < _TIME_END:
        raise InvalidCredentialError(f"dpop-{name}")
    return float(said)
