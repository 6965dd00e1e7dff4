"""Finds the record of a shown API key: by its keyed hash, from memory where the journal of revocations is followed."""

import contextlib
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Final

from stopper.auth.address_list import is_within
from stopper.auth.api_key_form import may_be_foreign, parts_of
from stopper.auth.api_key_record import ApiKeyRecord, ApiKeyStore
from stopper.auth.clock import Clock
from stopper.auth.revocation import Revocations
from stopper.core.errors import InvalidCredentialError, StoreUnavailableError

TOUCH_SECONDS: Final = 60.0
"""The time of last use is written at most this often."""
REMEMBER_SECONDS: Final = 30.0
"""A key that was found is remembered for so long, where the journal of revocations is followed."""
_MOST_REMEMBERED: Final = 10_000
_NOBODY: Final = bytes(32)


def client_of(key_id: str) -> str:
    """The ``client_id`` of the tokens that a key gave out."""
    return f"api-key:{key_id}"


def family_of(key_id: str) -> str:
    """The ``sid`` of the tokens that a key gave out, and its name in the journal of revocations."""
    return f"key:{key_id}"


class ApiKeyReader:
    """Says which kept key a text is. *foreign*: whether keys of other systems are looked for too. Safe for threads."""

    def __init__(
        self,
        store: ApiKeyStore,
        pepper: bytes,
        environment: str,
        clock: Clock,
        *,
        revocations: Revocations | None = None,
        foreign: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._pepper = pepper
        self._environment = environment
        self._clock = clock
        self._revocations = revocations
        self._foreign = foreign
        self._monotonic = monotonic
        self._touched: dict[str, float] = {}
        self._found: dict[bytes, tuple[ApiKeyRecord, float]] = {}

    def usable(self, shown: str, address: str | None, *, anew: bool = False) -> ApiKeyRecord:
        """The record of the key *shown*, if it may be used now and from *address*; *anew*: as it stands in the store now.

        Raises InvalidCredentialError.
        """
        key_id, digest = self._read(shown)
        record = (None if anew else self._remembered(digest)) or self._look_up(key_id, digest)
        now = self._clock()
        if record.revoked_at is not None:
            raise InvalidCredentialError("key-revoked")
        if record.expires_at is not None and now >= record.expires_at:
            raise InvalidCredentialError("key-expired")
        if record.addresses and not is_within(address, record.addresses):
            raise InvalidCredentialError("key-address")
        self._touch(record.id, now)
        return record

    def _read(self, shown: str) -> tuple[str, bytes]:
        """The id and the digest of the key *shown*, by its text alone."""
        parts = parts_of(shown)
        if parts is not None and parts["env"] == self._environment:
            return parts["id"], self.digest(shown)
        if not self._foreign or not may_be_foreign(shown):
            raise InvalidCredentialError("key-form")
        inner = hashlib.sha256(shown.encode("ascii")).digest()
        return self.foreign(inner)

    def held(self, shown: str) -> ApiKeyRecord:
        """The record of the key *shown*, whether or not it may be used; from the store. Raises InvalidCredentialError."""
        return self._look_up(*self._read(shown))

    def _look_up(self, key_id: str, digest: bytes) -> ApiKeyRecord:
        record = self._store.find(key_id)
        right = hmac.compare_digest(digest, _NOBODY if record is None else record.digest)
        if record is None or not right:
            raise InvalidCredentialError("key-unknown")
        if self._revocations is not None and record.revoked_at is None:
            if len(self._found) >= _MOST_REMEMBERED:
                self._found = {}
            self._found[digest] = record, self._monotonic() + REMEMBER_SECONDS
        return record

    def _remembered(self, digest: bytes) -> ApiKeyRecord | None:
        # By the keyed hash of the whole key, never by its id: a wrong secret costs the same look-up as an unknown id.
        found = self._found.get(digest)
        if found is None or self._revocations is None:
            return None
        record, until = found
        claims = {"sid": family_of(record.id), "iat": self._clock()}
        if self._monotonic() < until and not self._revocations.is_revoked(claims):
            return record
        self._found.pop(digest, None)
        return None

    def void(self, key_id: str) -> None:
        """Forget the key here, and read what its end has left in the journal."""
        # Of a copy, which is made in one step: another thread may remember a key meanwhile.
        self._found = {digest: kept for digest, kept in self._found.copy().items() if kept[0].id != key_id}
        if self._revocations is not None:
            self._revocations.refresh()

    def digest(self, key: str) -> bytes:
        """The keyed hash under which a key of ours is kept."""
        return hmac.digest(self._pepper, key.encode("ascii"), "sha256")

    def foreign(self, inner: bytes) -> tuple[str, bytes]:
        """The id and the keyed hash of another system's key whose SHA-256 is *inner*."""
        key_id = hmac.digest(self._pepper, b"id of a foreign key\n" + inner, "sha256").hex()[:32]
        return f"f{key_id}", hmac.digest(self._pepper, b"foreign key\n" + inner, "sha256")

    def _touch(self, key_id: str, now: float) -> None:
        if now - self._touched.get(key_id, float("-inf")) < TOUCH_SECONDS:
            return
        if len(self._touched) > _MOST_REMEMBERED:
            self._touched = {}
        self._touched[key_id] = now
        with contextlib.suppress(StoreUnavailableError):  # a note for people, not a part of the decision
            self._store.touch(key_id, now)
