"""Remembers one fact: these exact bytes were signed by this key and had this structure. Nothing else is ever taken from it."""

from collections.abc import Hashable
from hashlib import sha256
from typing import Final, NamedTuple

from stopper.auth.issuer import Issuer
from stopper.auth.verification_key import VerificationKey
from stopper.core.principal import Principal

SECONDS: Final = 120.0
"""An entry lives at most this long, and never past the token's ``exp``."""


class Verified(NamedTuple):
    """What was established about one token. The times are still compared with the clock on every use."""

    principal: Principal
    issuer: Issuer
    key: VerificationKey
    kid: str | None
    expires: float
    not_before: float
    until: float


class TokenCache:
    """Verified tokens by the SHA-256 of the whole token. It belongs to one verifier, whose rules never change.

    Bounded; what falls out is verified again. ``size`` 0 switches it off. Tokens themselves are not kept.
    """

    __slots__ = ("_entries", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._entries: dict[Hashable, Verified] = {}

    def get(self, token: str) -> Verified | None:
        """What is known of *token*; the caller judges times and key."""
        entries = self._entries
        return entries.get(sha256(token.encode("utf-8", "surrogatepass")).digest()) if entries else None

    def put(self, token: str, verified: Verified) -> None:
        """Remember a token after every check has passed."""
        if not self.size:
            return
        entries = self._entries
        while len(entries) >= self.size:
            try:
                del entries[next(iter(entries))]
            except (StopIteration, KeyError, RuntimeError):  # another thread was faster
                break
        entries[sha256(token.encode("utf-8", "surrogatepass")).digest()] = verified

    def drop(self, token: str) -> None:
        """Forget *token*."""
        self._entries.pop(sha256(token.encode("utf-8", "surrogatepass")).digest(), None)

    def __len__(self) -> int:
        return len(self._entries)
