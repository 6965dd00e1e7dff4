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
        shown = Secret(shown)  # not in clear in this frame, should a traceback show it
        given = _digest(shown)
        is_current = hmac.compare_digest(given, _digest(self.current))
        is_previous = hmac.compare_digest(given, _digest(self.previous or self.current)) and self.previous is not None
        if is_current:
            return "current"
        if is_previous:
            return "previous"
        raise InvalidCredentialError("secret-mismatch")


def _digest(value: Secret) -> bytes:
    return hashlib.blake2b(value.reveal_bytes(), key=_KEY, digest_size=32).digest()
