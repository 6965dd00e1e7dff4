"""Flask's session cookie: how its signature is made (itsdangerous, HMAC-SHA1 under a key derived from key and salt)."""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterable
from typing import Final, cast

from stopper.core.app import App
from stopper.core.secret import Secret

SALT: Final = b"cookie-session"
"""Flask's salt for the session cookie (``flask.sessions.SecureCookieSessionInterface``)."""
MOST: Final = 65_536
"""Bytes of a session that are read."""
_SIGNED: Final = re.compile(r"\.?[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{4,12}\.[A-Za-z0-9_-]{27}")


def session_cookie_name(app: App) -> str:
    """What the session cookie of *app* is called."""
    fact = app.config.get("SESSION_COOKIE_NAME")
    return fact.value if fact is not None and isinstance(fact.value, str) else "session"


def is_signed(value: str) -> bool:
    """That *value* has the form of a signed session: payload, time, signature."""
    return bool(_SIGNED.fullmatch(value))


def signature(key: Secret, value: str) -> bytes:
    """The signature of *value* under *key*."""
    return _signature(key.reveal_bytes(), value)


def _signature(key: bytes, value: str) -> bytes:
    import hmac  # it brings up OpenSSL, and rules that read source ask only for names

    derived = hmac.digest(key, SALT, "sha1")
    return hmac.digest(derived, value.encode("utf-8", "surrogatepass"), "sha1")


def signs_cookie(key: Secret, cookie: str) -> bool:
    """That *key* made the signature of a Flask session cookie."""
    from hmac import compare_digest

    value, shown = _split(cookie)
    return bool(value) and compare_digest(_signature(key.reveal_bytes(), value), shown)


def signing_word(words: Iterable[str], cookie: str) -> str | None:
    """The first of *words* that made the signature of a Flask session cookie.

    Words and no secrets: a list has tens of thousands, and each secret is known to the redactor from its first moment.
    """
    from hmac import compare_digest

    value, shown = _split(cookie)
    if not value:
        return None
    fits = (
        word for word in words if word and compare_digest(_signature(word.encode("utf-8", "replace"), value), shown)
    )
    return next(fits, None)


def payload(value: str) -> dict[str, object]:
    """What a session cookie holds, unverified; empty where it is none."""
    if not is_signed(value):
        return {}
    text = value.lstrip(".").partition(".")[0]
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found: object = json.loads(zlib.decompressobj().decompress(data, MOST) if value.startswith(".") else data)
    except (binascii.Error, ValueError, zlib.error, RecursionError):
        return {}
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def _split(cookie: str) -> tuple[str, bytes]:
    """What was signed, and the signature; ``""`` where it is none."""
    value, _, said = cookie.rpartition(".")
    try:
        return value, base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))
    except (binascii.Error, ValueError):
        return "", b""


def signed_sample(key: Secret) -> str:
    """An empty session as *key* signs it, for asking a word list about a key that is at hand."""
    value = "e30.aAAAAA"
    return f"{value}.{base64.urlsafe_b64encode(signature(key, value)).rstrip(b'=').decode()}"
