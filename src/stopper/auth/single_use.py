"""Things that may be redeemed once: links, codes, challenges, token ids. Typed by purpose and tenant."""

import hashlib
from typing import Protocol

from stopper.auth.clock import Clock


class SingleUseStore(Protocol):
    """Where used things are remembered. Raises StoreUnavailableError rather than guess."""

    def use(self, purpose: str, tenant: str, digest: bytes, until: float, now: float) -> bool:
        """Remember *digest* until *until*; True for the first caller only. One conditional insert decides."""
        ...


class SingleUse:
    """Redeems each value at most once for its purpose and tenant."""

    def __init__(self, store: SingleUseStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def redeem(self, purpose: str, value: str, *, valid_for: float, tenant: str = "") -> bool:
        """True the first time, False ever after while the value could still be valid (*valid_for* seconds).

        The value itself is not stored, only its SHA-256. The same value under another purpose or tenant is another thing.
        """
        now = self._clock()
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()
        return self._store.use(purpose, tenant, digest, now + valid_for, now)
