"""The signing keys of one issuer: made, published, used, retired, on dates that every process can follow.

A new key is published before it signs (at least as long as somebody may cache the JWKS) and verifies after it has
retired (at least as long as a token lives), so a rotation never refuses an honest token.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from stopper.auth.clock import Clock
from stopper.auth.forking import in_each_child
from stopper.auth.signing_key import Algorithm, SigningKey, import_signing_key, new_signing_key
from stopper.auth.verification_key import VerificationKey
from stopper.core.errors import KeyringError, StoreUnavailableError
from stopper.core.secret import Secret

JWKS_MAX_AGE: Final = 300
"""Seconds that clients may keep the JWKS."""
RELOAD_SECONDS: Final = 60.0
"""How often a process looks whether another one made or retired a key."""
COOLDOWN_SECONDS: Final = 5.0
"""Tokens with made-up kids cause at most one reload in this time (CVE-2026-48524)."""


class KeyStore(Protocol):
    """Where signing keys are kept, private parts encrypted."""

    def load(self) -> list[SigningKey]:
        """Every key that has not been deleted, oldest first."""
        ...

    def add_first(self, key: SigningKey) -> bool:
        """Add *key* where there is no key at all; one of several processes that start together wins."""
        ...

    def rotate(self, key: SigningKey, retires_at: float, expires_at: float, after: str | None = None) -> bool:
        """Add *key* and give every key without an end these dates, in one transaction.

        *after*: only while the key of that kid is the newest; False where another one is.
        """
        ...

    def delete(self, kid: str, now: float) -> bool:
        """Delete a key that has expired; False for one that has not, or is not there."""
        ...

    def retire(self, kid: str, retires_at: float, expires_at: float) -> bool:
        """Set the dates of one key; False when there is none of that kid."""
        ...


class Keyring:
    """Keys prepared once and re-read now and then. Safe for threads and across forks."""

    def __init__(
        self,
        store: KeyStore,
        clock: Clock,
        *,
        algorithm: Algorithm = "EdDSA",
        token_lifetime: float = 900.0,
        leeway: float = 30.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """*token_lifetime*: seconds the longest-lived token lives; a retired key verifies that long and *leeway* more."""
        self._store = store
        self._clock = clock
        self._algorithm: Algorithm = algorithm
        self._overlap = token_lifetime + 2 * leeway + RELOAD_SECONDS
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._keys: tuple[SigningKey, ...] = ()
        self._prepared: dict[str, VerificationKey] = {}
        self._ends: dict[str, float] = {}
        self._loaded_at: float | None = None
        self.generation = 0
        """Grows whenever the set of keys has changed: a cache of verified tokens empties itself then."""
        in_each_child(self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()

    def ensure_key(self) -> None:
        """Make the first key where there is none; it signs at once."""
        now = self._clock()
        if not self._store.load():
            self._store.add_first(new_signing_key(self._algorithm, created_at=now, activates_at=now))
        self.reload()

    def signing_key(self) -> SigningKey:
        """The key that signs now: the youngest active one. Raises KeyringError when there is none."""
        self._reload_when_old()
        now = self._clock()
        active = [key for key in self._keys if key.may_sign(now)]
        if not active:
            raise KeyringError("no signing key is active; Keyring.activate() makes one that signs at once")
        return max(active, key=lambda key: (key.activates_at, key.created_at))

    def signing_keys(self) -> tuple[SigningKey, ...]:
        """Every key that is published: active, not yet active, and retired but not yet expired."""
        self._reload_when_old()
        now = self._clock()
        return tuple(key for key in self._keys if key.may_verify(now))

    def verification_keys(self) -> tuple[VerificationKey, ...]:
        """The public halves of every published key, prepared once."""
        return tuple(self._prepared[key.kid] for key in self.signing_keys())

    def find(self, kid: str | None) -> VerificationKey | None:
        """The verification key of that id, always the same object; a token without a kid has none.

        An unknown kid makes it look into the store again, at most once a cooldown. (:class:`stopper.auth.key_set.KeySource`)
        """
        if kid is None:
            return None
        self._reload_when_old()
        if kid not in self._prepared and self._age() >= COOLDOWN_SECONDS:
            self._reload_if_it_answers()
        until = self._ends.get(kid)
        return self._prepared.get(kid) if until is not None and self._clock() < until else None

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public key set (RFC 7517 §5)."""
        return {"keys": [key.public_jwk() for key in self.signing_keys()]}

    def create(self, algorithm: Algorithm | None = None) -> SigningKey:
        """Rotate: publish a new key now; it signs once every cached JWKS has it, and the old ones retire then. Returns it."""
        now = self._clock()
        starts = now + JWKS_MAX_AGE + RELOAD_SECONDS
        key = new_signing_key(algorithm or self._algorithm, created_at=now, activates_at=starts)
        self._store.rotate(key, starts, starts + self._overlap)
        self.reload()
        return key

    def rotate_when_due(self, every: float, algorithm: Algorithm | None = None) -> SigningKey | None:
        """Rotate where the newest key was made *every* seconds ago or earlier; None where it is younger.

        Of several processes that come at once one rotates.
        """
        self.reload()
        newest = max(self._keys, key=lambda key: key.created_at, default=None)
        now = self._clock()
        if newest is not None and now - newest.created_at < every:
            return None
        starts = now + JWKS_MAX_AGE + RELOAD_SECONDS if newest is not None else now
        key = new_signing_key(algorithm or self._algorithm, created_at=now, activates_at=starts)
        after = None if newest is None else newest.kid
        done = self._store.rotate(key, starts, starts + self._overlap, after)
        self.reload()
        return key if done else None

    def destroy(self, kid: str) -> None:
        """Delete a key that verifies nothing any more. Raises KeyringError for one that still does, or is not there."""
        if not self._store.delete(kid, self._clock()):
            raise KeyringError(
                f"{kid} is not a key whose time is over; retire it first, and wait until its tokens have ended"
            )
        self.reload()

    def adopt(self, pem: Secret) -> SigningKey | None:
        """Take in a key that was made elsewhere, as :meth:`create` does with a new one; None where it is here already.

        The first key of all signs at once. Raises KeyringError for what is no key, or too weak.
        """
        self.reload()
        now = self._clock()
        starts = now + JWKS_MAX_AGE + RELOAD_SECONDS if self._keys else now
        key = import_signing_key(pem.reveal_bytes(), created_at=now, activates_at=starts)
        if key.kid in self._prepared:
            return None
        self._store.rotate(key, starts, starts + self._overlap)
        self.reload()
        return key

    def activate(self, algorithm: Algorithm | None = None) -> SigningKey:
        """Publish a new key that signs at once: for a key that leaked. Clients with a cached JWKS fail until they re-read it."""
        now = self._clock()
        key = new_signing_key(algorithm or self._algorithm, created_at=now, activates_at=now)
        self._store.rotate(key, now, now + self._overlap)
        self.reload()
        return key

    def retire(self, kid: str, *, at_once: bool = False) -> None:
        """Stop signing with a key; *at_once* also refuses every token that it signed. Raises KeyringError for an unknown kid."""
        now = self._clock()
        if not self._store.retire(kid, now, now if at_once else now + self._overlap):
            raise KeyringError(f"there is no signing key {kid}")
        self.reload()

    def reload(self) -> None:
        """Read the store now."""
        with self._lock:
            self._load()

    def _age(self) -> float:
        return float("inf") if self._loaded_at is None else self._monotonic() - self._loaded_at

    def _reload_when_old(self) -> None:
        if self._age() < RELOAD_SECONDS:
            return
        if self._loaded_at is None:
            with self._lock:
                if self._loaded_at is None:
                    self._load()
        elif self._lock.acquire(blocking=False):
            self._lock.release()
            self._reload_if_it_answers()

    def _reload_if_it_answers(self) -> None:
        """Keys that are already here stay good while the store is away or damaged; it is asked again after a cooldown."""
        try:
            self.reload()
        except (StoreUnavailableError, KeyringError):
            if self._loaded_at is None:
                raise
            self._loaded_at = self._monotonic() - RELOAD_SECONDS + COOLDOWN_SECONDS

    def _load(self) -> None:
        asked_at = self._monotonic()
        known = {key.kid: key for key in self._keys}
        # A key that is already prepared is kept as it is; only its dates may have changed.
        keys = tuple(
            replace(known[key.kid], retires_at=key.retires_at, expires_at=key.expires_at) if key.kid in known else key
            for key in self._store.load()
        )
        prepared = {key.kid: self._prepared.get(key.kid) or key.verification_key() for key in keys}
        self._ends = {key.kid: float("inf") if key.expires_at is None else key.expires_at for key in keys}
        self._prepared = prepared
        if keys != self._keys:
            self.generation += 1
        self._keys = keys
        self._loaded_at = asked_at
