"""Reads one token offline, believing nothing in it, and says what a verifier must refuse. Nothing is sent anywhere."""

import base64
import binascii
import json
import re
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from stopper.core.naming import sensitive
from stopper.core.personal import is_personal
from stopper.core.rule import Severity
from stopper.core.tokens.flask_cookie import is_signed

Kind = Literal["jwt", "encrypted-jwt", "flask-session"]
LARGEST: Final = 1_048_576
"""Letters that are read at all."""
LONG: Final = 8_192
HOUR: Final = 3_600
_HMAC: Final = frozenset({"HS256", "HS384", "HS512"})
_SIGNATURES: Final[Mapping[str, int]] = {
    "HS256": 32, "HS384": 48, "HS512": 64, "ES256": 64, "ES384": 96, "ES512": 132, "EdDSA": 64, "Ed25519": 64,
}  # fmt: skip
"""Bytes (RFC 7518 §3.1, RFC 8037 §3.1)."""
_KNOWN: Final = frozenset({*_SIGNATURES, "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "Ed448"})
_PATH: Final = re.compile(r"[/\\]|\.\.|[\0-\x1f]")
_STATEMENT: Final = re.compile(r"(?i)'|\"|;|--|\b(?:union|select|or)\b\s")
_INFLATED: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know about a token. ``id`` is stable; ``severity`` None: only information."""

    id: str
    severity: Severity | None
    text: str


@dataclass(frozen=True, slots=True)
class TokenRead:
    """One token, taken apart. ``header`` and ``claims`` are as they stand there; whoever shows them masks them."""

    kind: Kind
    header: Mapping[str, object]
    claims: Mapping[str, object]
    notes: tuple[Note, ...]


class NoTokenError(ValueError):
    """The text is no token of a kind that is known; the message says why, without any of it."""


def read_token(text: str, now: float | None = None) -> TokenRead:
    """Take *text* apart. *now*: seconds since the epoch. Raises NoTokenError."""
    if len(text) > LARGEST:
        raise NoTokenError("is longer than any token")
    moment = time.time() if now is None else now
    parts = text.split(".")
    if is_signed(text) and "alg" not in (_object(parts[0]) or {}):
        return _session(text, moment)
    if len(parts) == 5 and (header := _object(parts[0])) is not None:
        return TokenRead("encrypted-jwt", header, {}, tuple(_encrypted(header)))
    if len(parts) == 3 and (header := _object(parts[0])) is not None:
        return _jwt(text, parts, header, moment)
    raise NoTokenError("is no JWT (three parts of base64url with a JSON header) and no session cookie of Flask")


def is_guessable(read: TokenRead) -> bool:
    """Whether a secret stands behind it that a word list may know."""
    return read.kind == "flask-session" or read.header.get("alg") in _HMAC


def _jwt(text: str, parts: list[str], header: Mapping[str, object], now: float) -> TokenRead:
    claims = _object(parts[1])
    notes = [*_form(text, parts), *_header(header), *_signature(header, parts[2])]
    if claims is None:
        notes.append(
            Note("payload-not-json", "high", "the payload is no JSON object, so it has no claims that could be checked")
        )
        return TokenRead("jwt", header, {}, tuple(notes))
    notes += [
        *_times(claims, now),
        *_claims(header, claims),
        *_contents(claims, "the payload is signed, not encrypted"),
    ]
    return TokenRead("jwt", header, claims, tuple(notes))


def _form(text: str, parts: list[str]) -> Iterator[Note]:
    if len(text) > LONG:
        yield Note(
            "too-long",
            "low",
            f"{len(text):,} letters: servers and proxies cut headers at 8 KiB, and so should a verifier",
        )
    for name, part in zip(("header", "payload", "signature"), parts, strict=True):
        if _raw(part) is None or "=" in part or not re.fullmatch(r"[A-Za-z0-9_-]*", part):
            yield Note(
                "not-base64url",
                "medium",
                f"the {name} is not plain base64url; a strict verifier refuses it (RFC 7515 §2)",
            )
        elif part != base64.urlsafe_b64encode(cast("bytes", _raw(part))).rstrip(b"=").decode():
            yield Note(
                "not-canonical",
                "medium",
                f"the {name} has another spelling with the same bytes, so one token has two names",
            )
    for name, part in zip(("header", "payload"), parts, strict=False):
        if _repeats(_raw(part) or b""):
            yield Note(
                "member-twice",
                "high",
                f"a member of the {name} is there twice; readers disagree about which one counts (RFC 8725 §2.6)",
            )


def _header(header: Mapping[str, object]) -> Iterator[Note]:
    algorithm = header.get("alg")
    if isinstance(algorithm, str) and algorithm.lower() == "none":
        yield Note(
            "alg-none", "critical", "alg is none: nothing is signed, anybody can write it; a verifier must refuse it"
        )
    elif algorithm not in _KNOWN:
        yield Note("alg-unknown", "high", "alg is missing, or no signature algorithm that is registered")
    elif algorithm in _HMAC:
        yield Note(
            "alg-hmac", None, "signed with a secret that both sides share, so whoever can verify it can also make one"
        )
    elif str(algorithm).startswith("RS"):
        yield Note(
            "alg-rsa",
            None,
            "a verifier must pin this algorithm, or the public key passes for an HMAC secret (RFC 8725 §2.1)",
        )
    for member in ("jwk", "jku", "x5u", "x5c"):
        if member in header:
            yield Note(
                "key-in-header",
                "medium",
                f"{member}: it brings its own key, or says where one lies; a verifier must not use it (RFC 8725 §3.10)",
            )
    for member in ("crit", "zip", "b64", "enc", "p2c"):
        if member in header:
            yield Note(
                "extension",
                "low",
                f"{member}: an extension that a verifier must refuse unless it knows it (RFC 7515 §4.1.11)",
            )
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        yield Note("kid-form", "medium", "kid is no text")
    elif kid is not None and (_PATH.search(kid) or _STATEMENT.search(kid)):
        yield Note(
            "kid-form",
            "high",
            "kid looks like a path or a statement: it is the attacker's input wherever it is used for more than a look-up",
        )
    typ = header.get("typ")
    if typ is None or str(typ).lower() in ("jwt", "application/jwt"):
        yield Note(
            "typ-general",
            "low",
            "typ does not say which kind of token it is, so one kind can pass for another; access tokens say at+jwt (RFC 9068)",
        )


def _signature(header: Mapping[str, object], part: str) -> Iterator[Note]:
    algorithm = header.get("alg")
    raw = _raw(part)
    if not part and str(algorithm).lower() != "none":
        yield Note("signature-empty", "critical", "the signature is empty; a verifier must refuse it")
        return
    wanted = _SIGNATURES.get(str(algorithm))
    if part and wanted is not None and raw is not None and len(raw) != wanted:
        yield Note(
            "signature-length",
            "high",
            f"the signature has {len(raw)} bytes, {algorithm} has {wanted}; it cannot be right",
        )


def _times(claims: Mapping[str, object], now: float) -> Iterator[Note]:
    exp, iat, nbf = (_number(claims.get(name)) for name in ("exp", "iat", "nbf"))
    for name in ("exp", "iat", "nbf"):
        if name in claims and _number(claims[name]) is None:
            yield Note(
                "time-form", "high", f"{name} is no number of seconds (RFC 7519 §2); lenient verifiers pass over it"
            )
    if "exp" not in claims:
        yield Note("exp-missing", "high", "no exp: whoever has it once has it for ever")
    elif exp is not None and exp <= now:
        yield Note("expired", None, f"it expired {_span(now - exp)} ago; a verifier must refuse it")
    if exp is not None and iat is not None and exp - iat > 24 * HOUR:
        yield Note(
            "life-long",
            "medium",
            f"it lives {_span(exp - iat)}; access tokens live for minutes, sessions are renewed by refresh tokens",
        )
    if iat is None and "iat" not in claims:
        yield Note("iat-missing", "low", 'no iat: it cannot be ended by "everything before" (a new password, a leak)')
    if (iat is not None and iat > now + 300) or (nbf is not None and nbf > now + 300):
        yield Note("not-yet-valid", "low", "iat or nbf lies in the future; a verifier must refuse it until then")


def _claims(header: Mapping[str, object], claims: Mapping[str, object]) -> Iterator[Note]:
    for name, why in (
        ("iss", "a verifier cannot tell whose token it is, and which keys may have signed it"),
        ("aud", "it opens every API that trusts the issuer"),
        ("sub", "nobody is named in it"),
    ):
        if name not in claims:
            yield Note(f"{name}-missing", "medium", f"no {name}: {why}")
    if "jti" not in claims:
        yield Note("jti-missing", "low", "no jti: it cannot be revoked or told apart by itself")
    if any(name in claims for name in ("nonce", "at_hash", "c_hash")) or claims.get("token_use") == "id":
        yield Note(
            "id-token",
            "medium",
            "it is an ID token: it tells an application who logged in, and no API must take it for a right",
        )
    if any(str(claims.get(name, "")).lower() == "refresh" for name in ("typ", "type", "token_use", "token_type")):
        yield Note("refresh-token", "low", "it is a refresh token: only the route that refreshes must take it")
    if str(header.get("typ", "")).lower() == "dpop+jwt":
        yield Note("dpop-proof", None, "it is a DPoP proof: it accompanies one request and opens nothing alone")


def _contents(claims: Mapping[str, object], why: str) -> Iterator[Note]:
    named = sorted({name for name in _names(claims) if sensitive(name)} - {"at_hash", "token_use", "token_type"})
    personal = sorted({name for name in _names(claims) if is_personal(name)} - set(named))
    if named:
        yield Note(
            "secret-inside",
            "high",
            f"{why}, so everybody on its way can read what is called {', '.join(named[:5])}",
        )
    if personal:
        yield Note(
            "person-inside",
            "low",
            f"{why}, so {', '.join(personal[:5])} can be read in every log that it passes",
        )


def _encrypted(header: Mapping[str, object]) -> Iterator[Note]:
    yield Note(
        "encrypted",
        None,
        "it is encrypted (JWE): its claims cannot be read here, and that it decrypts does not say who wrote it (RFC 8725 §3.3)",
    )
    if str(header.get("alg", "")).startswith("PBES2") and (_number(header.get("p2c")) or 0) > 1_200_000:
        yield Note(
            "p2c",
            "high",
            "p2c asks for so much work that reading it is an attack; a verifier must refuse it (RFC 8725bis §3.13)",
        )
    if header.get("alg") == "RSA1_5":
        yield Note("rsa1-5", "high", "RSA1_5 is open to Bleichenbacher's attack; a verifier must refuse it")
    if "zip" in header:
        yield Note(
            "zip",
            "medium",
            "zip: compressed before it was encrypted, so its length tells of its content, and a small one may grow large",
        )


def _session(text: str, now: float) -> TokenRead:
    body, _, rest = text.removeprefix(".").partition(".")
    raw = _raw(body)
    if raw is not None and text.startswith("."):
        raw = _inflated(raw)
    claims = _parsed(raw) if raw is not None else None
    stamp = _raw(rest.partition(".")[0])
    age = None if stamp is None else now - int.from_bytes(stamp, "big")
    notes = [
        Note(
            "flask-session", None, "a session cookie of Flask: signed with SECRET_KEY, readable by everybody who has it"
        )
    ]
    if claims is None:
        notes.append(Note("payload-not-json", "low", "its payload cannot be read as JSON"))
    else:
        notes += _contents(claims, "the cookie is signed, not encrypted")
    if age is not None and age > 31 * 24 * HOUR:
        notes.append(Note("old", None, f"it was signed {_span(age)} ago; Flask takes a permanent session for 31 days"))
    return TokenRead("flask-session", {}, claims or {}, tuple(notes))


def _object(part: str) -> Mapping[str, object] | None:
    raw = _raw(part)
    return None if raw is None else _parsed(raw)


def _parsed(raw: bytes) -> Mapping[str, object] | None:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else None


def _raw(part: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return None


def _inflated(raw: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(raw, _INFLATED)
    except zlib.error:
        return None


def _repeats(raw: bytes) -> bool:
    repeated: list[str] = []

    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        made = dict(found)
        if len(made) < len(found):
            repeated.append("")
        return made

    try:
        json.loads(raw, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return False
    return bool(repeated)


def _names(value: object, depth: int = 4) -> Iterator[str]:
    if depth and isinstance(value, Mapping):
        for name, inner in cast("Mapping[str, object]", value).items():
            yield name
            yield from _names(inner, depth - 1)


def _number(value: object) -> float | None:
    return (
        float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15 else None
    )


def _span(seconds: float) -> str:
    for size, word in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {word}"
    return f"{seconds:,.0f} seconds"
