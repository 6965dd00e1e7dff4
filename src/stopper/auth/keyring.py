"""The signing keys of one issuer: made, published, used, retired, on dates that every process can follow.

A new key is published before it signs (at least as long as somebody may cache the JWKS) and verifies after it has
retired (at least as long as a token lives), so a rotation never refuses an honest token.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from stopper.auth.clock import Clock
from stopper.auth.forking import in_each_child
from stopper.auth.remote_key import FindKey, FoundKey
from stopper.auth.signing_key import Algorithm, SigningKey, found_signing_key, import_signing_key, new_signing_key
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

    one_algorithm_each: Final = True
    """A kid leads to one key and a key to one algorithm, so an issuer may name HS256 beside public-key algorithms."""

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
        self._find: FindKey | None = None
        self._looked_at = 0.0
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
        """The public key set (RFC 7517 §5). A secret (HS256) is never in it."""
        return {"keys": [key.public_jwk() for key in self.signing_keys() if not key.symmetric]}

    def create(self, algorithm: Algorithm | None = None, *, leave_place: bool = False) -> SigningKey:
        """Rotate: publish a new key now; it signs once every cached JWKS has it, and the old ones retire then. Returns it.

        Raises KeyringError where the newest key lives elsewhere: it is rotated there. *leave_place*: make one here all the same.
        """
        self._stay_at_place(leave_place)
        now = self._clock()
        starts = now + JWKS_MAX_AGE + RELOAD_SECONDS
        key = new_signing_key(algorithm or self._algorithm, created_at=now, activates_at=starts)
        self._store.rotate(key, starts, starts + self._overlap)
        self.reload()
        return key

    def rotate_when_due(
        self, every: float, algorithm: Algorithm | None = None, *, leave_place: bool = False
    ) -> SigningKey | None:
        """Rotate where the newest key was made *every* seconds ago or earlier; None where it is younger.

        Of several processes that come at once one rotates. Raises KeyringError as :meth:`create` does.
        """
        self._stay_at_place(leave_place)
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

    def adopt(
        self, material: Secret, algorithm: Algorithm | None = None, *, at_once: bool = False
    ) -> SigningKey | None:
        """Take in a key that was made elsewhere, as :meth:`create` does with a new one; None where it is here already.

        The first key of all signs at once, and with *at_once* any. *algorithm*: refuse a key for another one. Raises KeyringError for what is no key,
        or too weak.
        """
        starts = self._next_start(at_once=at_once)
        key = import_signing_key(
            material, created_at=self._clock(), activates_at=starts, preferred=algorithm or self._algorithm
        )
        if algorithm is not None and key.algorithm != algorithm:
            raise KeyringError(f"that key signs under {key.algorithm}, not under {algorithm}")
        return self._take_in(key)

    def adopt_found(self, found: FoundKey, *, at_once: bool = False) -> SigningKey | None:
        """Take in a key that lives elsewhere, as :meth:`adopt` does; its private half stays there. Raises KeyringError."""
        starts = self._next_start(at_once=at_once)
        return self._take_in(found_signing_key(found, created_at=self._clock(), activates_at=starts))

    def follow(self, place: str, find: FindKey) -> None:
        """Sign with the newest key of *place*, and ask there for a newer one from now on (:meth:`look`).

        Raises StoreUnavailableError where the place does not answer and no key of it is here yet, KeyringError for a key that is too weak.
        """
        try:
            self.adopt_found(find())
        except StoreUnavailableError:
            # A restart while the place is away: what is here verifies and is published, and signs when the place is back.
            if not any(key.place == place for key in self.signing_keys()):
                raise
        self._find, self._looked_at = find, self._monotonic()

    def look(self) -> None:
        """Ask the place that is followed for its newest key, at most every RELOAD_SECONDS; a new one is published at once and
        signs when every cached JWKS has it. Never raises: keys that are here serve while the place is away.

        Not from within a transaction of the store: it writes there.
        """
        find = self._find
        if find is None or self._monotonic() - self._looked_at < RELOAD_SECONDS:
            return
        with self._lock:
            if self._monotonic() - self._looked_at < RELOAD_SECONDS:
                return
            self._looked_at = self._monotonic()
        with contextlib.suppress(StoreUnavailableError, KeyringError):
            self.adopt_found(find())

    def _stay_at_place(self, leave_place: bool) -> None:
        """A schedule must not put a key of the store in the place of one that was to live in a hardware module."""
        self.reload()
        newest = max(self._keys, key=lambda key: (key.activates_at, key.created_at), default=None)
        if newest is not None and newest.place and not leave_place:
            raise KeyringError(
                f"the newest signing key lives at {newest.place}; rotate it there, or leave that place with --leave-place"
            )

    def _next_start(self, *, at_once: bool) -> float:
        self.reload()
        now = self._clock()
        return now if at_once or not self._keys else now + JWKS_MAX_AGE + RELOAD_SECONDS

    def _take_in(self, key: SigningKey) -> SigningKey | None:
        if any(known.kid == key.kid for known in self._keys):
            return None
        newest = max(self._keys, key=lambda known: (known.created_at, known.kid), default=None)
        # Of several nodes that see the same new key at once, one takes it in.
        done = self._store.rotate(
            key, key.activates_at, key.activates_at + self._overlap, None if newest is None else newest.kid
        )
        self.reload()
        return key if done else None

    def activate(self, algorithm: Algorithm | None = None, *, leave_place: bool = False) -> SigningKey:
        """Publish a new key that signs at once: for a key that leaked. Clients with a cached JWKS fail until they re-read it.

        Raises KeyringError as :meth:`create` does.
        """
        self._stay_at_place(leave_place)
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
        prepared = {key.kid: self._prepared.get(key.kid) or key.verification_key() for key in keys if key.verifiable}
        self._ends = {key.kid: float("inf") if key.expires_at is None else key.expires_at for key in keys}
        self._prepared = prepared
        if keys != self._keys:
            self.generation += 1
        self._keys = keys
        self._loaded_at = asked_at
