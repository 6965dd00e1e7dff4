"""The versions of one secret that are valid now, and the one way to compare something shown with them."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final, Literal

from stopper.core.errors import InvalidCredentialError
from stopper.core.secret import Secret

Version = Literal["current", "previous"]
_KEY: Final = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Versions:
    """``current``, and during a rotation ``previous``."""

    current: Secret
    previous: Secret | None = None

    def verify(self, shown: str | bytes | Secret) -> Version:
        """Which version *shown* is. Raises InvalidCredentialError.

        Both are always compared, as digests of one length, so the time tells neither which one came close nor how long it is.
        """
        given = digest(shown)
        shown = ""  # not in clear in this frame, should a traceback show it
        return self.which(given)

    def which(self, given: bytes) -> Version:
        """Which version has that :func:`digest`. Raises InvalidCredentialError."""
        is_current = hmac.compare_digest(given, digest(self.current))
        is_previous = hmac.compare_digest(given, digest(self.previous or self.current)) and self.previous is not None
        if is_current:
            return "current"
        if is_previous:
            return "previous"
        raise InvalidCredentialError("secret-mismatch")


def digest(value: str | bytes | Secret) -> bytes:
    """What is compared instead of a value: keyed, of one length, good in this process and its children only."""
    if isinstance(value, str):
        return _keyed(_raw(value))
    return _keyed(value if isinstance(value, bytes) else value.reveal_bytes())


def _raw(text: str) -> bytes:
    """As Secret does it; halves of surrogate pairs, which no secret has, in a way that does not fail."""
    return text.encode("utf-8", "surrogateescape" if _is_encodable(text) else "surrogatepass")


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" and not "\udc80" <= letter <= "\udcff" for letter in text)


def _keyed(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, key=_KEY, digest_size=32).digest()
