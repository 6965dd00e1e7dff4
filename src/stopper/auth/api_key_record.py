"""What is kept of an API key, and what a store of them must be able to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from stopper.core.secret import Secret


@dataclass(frozen=True, slots=True)
class ApiKeyRecord:
    """One key as it is kept. ``digest`` is the keyed hash of the whole key; times are seconds since the epoch, None: never.

    ``addresses``: the networks from which it may be used; none: from everywhere. ``rate_limit``: how often, as in ``100/minute``.
    ``replaced_by``: the id of the key that a rotation put in its place.
    """

    id: str
    digest: bytes = field(repr=False)
    subject: str
    name: str
    created_at: float
    scopes: tuple[str, ...] = ()
    tenant: str | None = None
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None
    addresses: tuple[str, ...] = ()
    rate_limit: str | None = None
    replaced_by: str | None = None
    reminded_at: float | None = None

    def living(self, now: float) -> bool:
        """Whether it opens anything at *now*."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class ApiKeyStore(Protocol):
    """Where API keys are kept. Every method raises StoreUnavailableError when the store does not answer."""

    def find(self, key_id: str) -> ApiKeyRecord | None:
        """The record of that id."""
        ...

    def insert(self, record: ApiKeyRecord) -> bool:
        """Keep a new record; False where its id is taken."""
        ...

    def replace(self, key_id: str, record: ApiKeyRecord, until: float, now: float) -> bool:
        """Keep *record* in the place of the living key *key_id*, which ends at *until* at the latest.

        Where *until* is not after *now*, the journal is told as by :meth:`revoke`; where a token that the old key gave out could outlive it,
        the journal voids those. False, and nothing happens, when that key does not live or was replaced before: of many who ask, one does it.
        """
        ...

    def revoke(self, key_id: str, now: float) -> bool:
        """Mark as revoked, and write ``family_of(key_id)`` into the journal of revocations, where one is followed, in the same transaction.

        False when there is no such key or it was revoked before.
        """
        ...

    def list(self, subject: str) -> Sequence[ApiKeyRecord]:
        """Every key of one subject, the newest first, revoked ones too."""
        ...

    def touch(self, key_id: str, now: float) -> None:
        """Note the time of last use."""
        ...

    def expiring(self, now: float, until: float) -> Sequence[ApiKeyRecord]:
        """Living keys that nothing has replaced and that end after *now* and no later than *until*, the soonest first."""
        ...

    def remind(self, key_id: str, before: float | None, now: float | None) -> bool:
        """Set the time of the reminder from *before* to *now*; False where it is not *before* any more."""
        ...


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key at the only moment when it can be read."""

    key: Secret
    record: ApiKeyRecord
