"""Tokens made and taken apart: compact JWS by Stopper's own strict code, claims as Flask-JWT-Extended names them."""

import json
import time
import uuid
from calendar import timegm
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Any, Final, cast

from stopper.auth import base64url, jws
from stopper.auth.algorithm import canonical_name
from stopper.auth.strict_json import NotStrictError, read_object
from stopper.auth.verification_key import VerificationKey
from stopper.compat.flask_jwt_extended import exceptions as wrong
from stopper.compat.flask_jwt_extended.exceptions import InvalidTokenError, JWTSettingError, Members, raised_as
from stopper.compat.flask_jwt_extended.keys import Sign
from stopper.core.errors import InvalidCredentialError

_TYPES: Final = frozenset({"jwt", "application/jwt", "at+jwt", "application/at+jwt"})
"""The `typ` of tokens that may open something; a log-out token, a DPoP proof or a security event may not (RFC 8725 §3.11)."""
_JUDGED: Final = frozenset({"alg", "kid", "typ", "cty", "x5t", "x5t#S256", "jku", "x5u", "jwk", "x5c", "crit", "b64", "zip", "enc"})  # fmt: skip
_LATEST: Final = 2**53
"""Beyond this a JSON number is not exact everywhere (RFC 7493 §2.2)."""


@dataclass(frozen=True, slots=True)
class Making:
    """What a new token says. ``lifetime``: what can be added to a datetime; False: it never ends."""

    identity: Any
    identity_claim: str
    kind: str
    fresh: Any
    lifetime: Any
    issuer: str
    audience: Any
    csrf: bool
    nbf: bool
    claims: Mapping[str, Any]
    headers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say. ``required_*``: whether a token that says nothing is refused."""

    issuers: tuple[str, ...]
    audiences: tuple[str, ...]
    required_issuer: bool
    required_audience: bool
    identity_claim: str
    verify_sub: bool
    leeway: float


def encode(making: Making, algorithm: str, sign: Sign, encoder: type[json.JSONEncoder], *, may_last: bool) -> str:
    """One token. Raises JWTSettingError for one that would never end, unless it *may_last*."""
    now = datetime.now(UTC)
    claims: Members = {
        "fresh": (now + making.fresh).timestamp() if isinstance(making.fresh, timedelta) else making.fresh,
        "iat": now,
        "jti": str(uuid.uuid4()),
        "type": making.kind,
        making.identity_claim: making.identity,
        "iss": making.issuer,
        "aud": making.audience,
    }
    if making.nbf:
        claims["nbf"] = now
    if making.csrf:
        claims["csrf"] = token_urlsafe(32)
    if making.lifetime is not False:
        claims["exp"] = now + making.lifetime
    claims.update(making.claims)
    if claims.get("exp") is None and not may_last:
        raise JWTSettingError(
            "a token that never expires is not made: set JWT_ACCESS_TOKEN_EXPIRES and JWT_REFRESH_TOKEN_EXPIRES, or give"
            " expires_delta a timedelta",
            rule="jwt-issued-without-expiry",
        )
    for name in ("exp", "iat", "nbf"):
        if isinstance(claims.get(name), datetime):
            claims[name] = timegm(claims[name].utctimetuple())
    header: Members = {"typ": "JWT", **making.headers, "alg": algorithm}
    message = f"{_segment(header, encoder)}.{_segment(claims, encoder)}"
    return f"{message}.{base64url.encode(sign(message.encode('ascii')))}"


def _segment(value: Members, encoder: type[json.JSONEncoder]) -> str:
    return base64url.encode(json.dumps(value, separators=(",", ":"), cls=encoder).encode("utf-8"))


def read_header(token: str) -> Members:
    """The header of *token*, of which nothing is verified. Raises DecodeError."""
    return _read(token)[1]


def decode(
    token: str,
    algorithms: list[str],
    find: Callable[[str, Members, Members], VerificationKey],
    expected: Expected,
    *,
    allow_expired: bool = False,
) -> tuple[Members, Members]:
    """Header and claims of *token*, verified. *find* gives the key for an algorithm, from header and claims that are not.

    Raises InvalidTokenError and its kinds, and JWTDecodeError for a token without an identity.
    """
    parts, header, claims = _read(token)
    named = canonical_name(str(header["alg"]))
    if named not in {canonical_name(name) for name in algorithms}:
        raise raised_as(wrong.InvalidAlgorithmError)("The specified alg value is not allowed")
    if not find(named, dict(header), dict(claims)).verify(parts.signing_input, parts.signature):
        raise raised_as(wrong.InvalidSignatureError)("Signature verification failed")
    _judge_claims(header, claims, expected)
    _judge_expiry(header, claims, expected.leeway, allow_expired=allow_expired)
    return header, claims


def _read(token: str) -> tuple[jws.Compact, Members, Members]:
    if not isinstance(token, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise raised_as(wrong.DecodeError)("Invalid token type. Token must be a text")
    try:
        parts = jws.split(token)
        header = read_object(base64url.decode(parts.header_segment))
        known = {name: value for name, value in header.items() if name in _JUDGED}
        # Members of the application's own are handed on; those that mean something are judged as everywhere.
        segment = parts.header_segment if len(known) == len(header) else base64url.encode(_plain(known)).encode()
        typ = jws.read_header(segment).typ
        if typ is not None and typ.lower() not in _TYPES:
            raise InvalidCredentialError("type")
        return parts, header, read_object(parts.payload)
    except (InvalidCredentialError, NotStrictError, ValueError) as refused:
        said = _said(token, refused)
    # Raised outside the handler: what was caught may hold a part of the token.
    raise raised_as(wrong.DecodeError)(said)


def _plain(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("utf-8")


def _said(token: str, refused: Exception) -> str:
    segments = token.split(".")
    if len(segments) != 3:
        return "Not enough segments" if len(segments) < 3 else "Too many segments"
    for name, segment in zip(("header", "payload", "crypto"), segments, strict=True):
        try:
            base64url.decode(segment.encode("ascii"))
        except ValueError:
            return f"Invalid {name} padding"
    return "Invalid token type" if str(refused) == "type" else f"Invalid token ({refused})"


def _judge_claims(header: Members, claims: Members, expected: Expected) -> None:
    now = time.time()
    for name in ("iat", "nbf"):
        if name in claims and _time(claims, name) > now + expected.leeway:
            raise raised_as(wrong.ImmatureSignatureError)(f"The token is not yet valid ({name})")
    _judge_issuer(claims, expected)
    _judge_audience(claims, expected)
    if "cnf" in claims:  # nobody here asks for the proof; whoever stole it would pass
        raise raised_as(wrong.InvalidTokenError)("The token is bound to a key (cnf)")
    if expected.verify_sub and not isinstance(claims.get("sub", ""), str):
        raise raised_as(wrong.InvalidSubjectError)("Subject must be a string")
    if not isinstance(claims.get("jti", ""), str):
        raise raised_as(wrong.InvalidJTIError)("JWT ID must be a string")
    if expected.identity_claim not in claims:
        raise wrong.JWTDecodeError(f"Missing claim: {expected.identity_claim}")


def _judge_expiry(header: Members, claims: Members, leeway: float, *, allow_expired: bool) -> None:
    if "exp" not in claims:
        return
    if _time(claims, "exp") <= time.time() - leeway and not allow_expired:
        expired = raised_as(wrong.ExpiredSignatureError)("Signature has expired")
        expired.jwt_header, expired.jwt_data = header, claims  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        raise expired


def _time(claims: Members, name: str) -> float:
    value = claims[name]
    if type(value) not in (int, float) or not 0 <= value < _LATEST:
        kind: type[InvalidTokenError] = wrong.DecodeError
        raise raised_as(kind)(f"The claim {name} is not a time")
    return float(value)


def _judge_issuer(claims: Members, expected: Expected) -> None:
    if "iss" not in claims:
        if expected.required_issuer:
            raise raised_as(wrong.MissingRequiredClaimError)("iss")
    elif not isinstance(claims["iss"], str) or claims["iss"] not in expected.issuers:
        raise raised_as(wrong.InvalidIssuerError)("Invalid issuer")


def _judge_audience(claims: Members, expected: Expected) -> None:
    if "aud" not in claims:
        if expected.required_audience:
            raise raised_as(wrong.MissingRequiredClaimError)("aud")
        return
    said = claims["aud"]
    names = cast("list[object]", said) if isinstance(said, list) else [said]
    if not all(isinstance(name, str) for name in names) or not set(names) & set(expected.audiences):
        raise raised_as(wrong.InvalidAudienceError)("Audience doesn't match")


def judge_csrf(claims: Members, shown: str) -> None:
    """Raises CSRFError unless *shown* is the CSRF token in *claims*, JWTDecodeError where they have none."""
    held = claims.get("csrf")
    if not isinstance(held, str):
        raise wrong.JWTDecodeError("Missing claim: csrf")
    # As bytes: of two texts, one that is not ASCII would be an error and not a refusal.
    if not compare_digest(held.encode("utf-8", "surrogatepass"), shown.encode("utf-8", "surrogatepass")):
        raise wrong.CSRFError("CSRF double submit tokens do not match")
