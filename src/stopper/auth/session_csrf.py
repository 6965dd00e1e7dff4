"""CSRF tokens: random bytes and an HMAC over them and the session, as OWASP's signed double-submit cookie has it.

A token holds for the one session id it was made for, so a renewed session needs a new one, and a token that somebody else was given, or
that was planted from a subdomain, holds nowhere.
"""

import base64
import binascii
import hmac
import re
import secrets
from typing import Final

from stopper.auth.session import derived
from stopper.core.secret import Secret

_RANDOM: Final = 16
"""Bytes. Each token is another one, so that a compressed page does not give it away (BREACH)."""
_FORM: Final = re.compile(r"([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})")
_BEFORE_LOGIN: Final = b""
"""What a token is bound to where there is no session yet; it then holds only beside the cookie that carries the same token."""


class CsrfTokens:
    """Makes and judges tokens under one key."""

    def __init__(self, root: Secret) -> None:
        """*root*: what the key is derived from, the same on every node."""
        self._key = derived(root, "csrf token")

    def issue(self, session: bytes) -> str:
        """A token for the session with this digest."""
        return self._signed(session, secrets.token_bytes(_RANDOM))

    def holds(self, session: bytes, shown: str) -> bool:
        """Whether *shown* was made for the session with this digest."""
        found = _FORM.fullmatch(shown)
        random = None if found is None else _decoded(found[1])
        return random is not None and hmac.compare_digest(self._signed(session, random), shown)

    def issue_before_login(self) -> str:
        """A token for a browser that has no session, for a cookie and the same again in a form."""
        return self.issue(_BEFORE_LOGIN)

    def holds_before_login(self, cookie: str, shown: str) -> bool:
        """Whether *shown* is what the cookie says, and was made here."""
        return hmac.compare_digest(cookie.encode(), shown.encode()) and self.holds(_BEFORE_LOGIN, shown)

    def _signed(self, session: bytes, random: bytes) -> str:
        # Both lengths stand before the parts, so that no other two parts give the same message.
        message = b"%d!%b!%d!%b" % (len(session), session, len(random), random)
        return f"{_encoded(random)}.{_encoded(hmac.digest(self._key, message, 'sha256'))}"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decoded(text: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text + "==")
    except (binascii.Error, ValueError):
        return None
