"""Says why a text must not serve as an HMAC secret: too short, known to everybody, or a public key in disguise."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from cryptography.x509 import load_der_x509_certificate

from stopper.core.secret import Secret

_PEM_MARK: Final = b"-----BEGIN"
_SSH_MARKS: Final = (b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-")
_JWK_MARK: Final = re.compile(rb"""["']?(?:kty|keys|x5c)["']?\s*:""")
_DISTINCT: Final = 8
"""Fewer different bytes than this in 32 random ones has a chance below 2^-128."""

# Words that tutorials and templates make their secrets of. What is left of a secret without them must still be long.
_WORDS: Final = re.compile(
    "change|replace|secret|password|passwd|default|development|production|develop|testing|test|example|sample|insecure|"
    "unsafe|dummy|please|super|random|string|your|this|that|long|very|some|flask|django|python|jwt|key|hmac|token|sign|"
    "auth|api|app|with|value|here|must|never|use|for|the|and|not|only|dev|prod|todo|fixme|foobar|foo|bar|baz|hello|world|"
    "qwerty|admin|stopper|0123456789|1234567890|123456789|12345678|1234567|123456|12345|1234|123|abcdefghijklmnopqrstuvwxyz|"
    "abcdefghij|abcdefgh|abcdef|abcd|abc|me|my|is|in|it|to"
)
_LEFT: Final = 16
_SHORT: Final = 3
_PASSPHRASE: Final = re.compile(rb"[A-Z]?[a-z]+(?:[ _.,-]+[A-Z]?[a-z]+){2,}[ _.,-]*[0-9!?.]{0,4}")
"""Of random characters in base64url, fewer than one text in a million looks like this."""


def weakness(secret: Secret, least_bytes: int, *, typed: bool = True) -> str | None:
    """What is wrong with *secret* as a key of at least *least_bytes* bytes, in a few words; None when nothing is.

    *typed*: a person may have typed it, so it is also judged by its characters.
    """
    raw = secret.reveal_bytes()
    if not raw.strip():
        return "is empty"
    if looks_like_public_key(raw):
        return "is a public key, a certificate or a JWK, which everybody may read"
    if len(raw) < least_bytes:
        return f"is shorter than {least_bytes} bytes"
    if not typed:
        return None
    if len(set(raw)) < _DISTINCT:
        return "repeats a few characters"
    if _is_known_default(raw):
        return "is made of words that every template uses"
    if raw in (raw + raw)[1:-1]:
        return "repeats one piece"
    if _PASSPHRASE.fullmatch(raw):
        return "is a phrase of words, which are fewer than random bytes of that length (RFC 8725 §3.5)"
    return None


def _is_known_default(raw: bytes) -> bool:
    if not all(0x20 <= byte < 0x7F for byte in raw):
        return False
    squeezed = re.sub(r"[^a-z0-9]", "", raw.decode("ascii").lower())
    left = _WORDS.sub("", squeezed)
    if len(left) >= _LEFT or len(left) >= len(squeezed) - 6:
        return False
    # Words of two and three letters stand in random text too: they must be nearly all of it.
    return len(left) < len(squeezed) // 3 or any(len(word) > _SHORT for word in _WORDS.findall(squeezed))


def looks_like_public_key(raw: bytes) -> bool:
    """Whether *raw* is, or encodes, a key in PEM, DER, SSH, JWK, JWKS or raw point form."""
    return any(_is_key_form(form) for form in _readings(raw))


def _readings(raw: bytes) -> Iterator[bytes]:
    """*raw* as it is, and what it encodes as JSON text, base64, base64url or hex."""
    plain = raw.removeprefix(b"\xef\xbb\xbf").strip()
    yield raw
    yield plain
    squeezed = b"".join(plain.split())
    for decoded in (_from_hex(squeezed), _from_base64(squeezed), _from_json_text(plain)):
        if decoded:
            yield decoded


def _is_key_form(raw: bytes) -> bool:
    if _PEM_MARK in raw or raw.lstrip(b"\"' \t\r\n").startswith(_SSH_MARKS):
        return True
    if any(b" " + mark in raw for mark in _SSH_MARKS):
        return True
    if _JWK_MARK.search(raw):
        return True
    return _is_der_key(raw) or _is_curve_point(raw)


def _is_der_key(raw: bytes) -> bool:
    return raw[:1] == b"\x30" and any(_loads(load, raw) for load in _DER_LOADERS)


def _loads(load: Callable[[bytes], object], raw: bytes) -> bool:
    try:
        load(raw)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _load_private(raw: bytes) -> object:
    return load_der_private_key(raw, None)


_DER_LOADERS: Final[tuple[Callable[[bytes], object], ...]] = (
    load_der_public_key,
    load_der_x509_certificate,
    _load_private,
)


def _is_curve_point(raw: bytes) -> bool:
    curves: dict[int, ec.EllipticCurve] = {65: ec.SECP256R1(), 97: ec.SECP384R1(), 133: ec.SECP521R1()}
    curve = curves.get(len(raw))
    if curve is None or raw[0] != 4:
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(curve, raw)
    except ValueError:
        return False
    return True


def _from_hex(raw: bytes) -> bytes | None:
    try:
        return binascii.unhexlify(raw)
    except ValueError:
        return None


def _from_base64(raw: bytes) -> bytes | None:
    try:
        return base64.b64decode(raw.translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(raw) % 4), validate=True)
    except ValueError:
        return None


def _from_json_text(raw: bytes) -> bytes | None:
    try:
        found: object = json.loads(raw) if raw[:1] == b'"' else None
    except ValueError:
        return None
    return found.encode() if isinstance(found, str) else None
