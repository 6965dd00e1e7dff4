"""API keys: ``stp_<env>_<id>_<secret><checksum>``. Shown once, kept only as a keyed hash, refused offline when mistyped."""

import contextlib
import hmac
import re
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from stopper.auth.clock import Clock, system_clock
from stopper.auth.weak_secret import weakness
from stopper.core.errors import InvalidCredentialError, SettingError, StoreUnavailableError
from stopper.core.principal import Principal
from stopper.core.secret import Secret

_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_SIZE: Final = 12
SECRET_SIZE: Final = 43
"""Of 62 letters: 256 bits."""
CHECKSUM_SIZE: Final = 6
"""CRC-32 in base 62. It finds typing errors, never forgeries: anybody can compute it."""
MAX_KEY: Final = 128
TOUCH_SECONDS: Final = 60.0
"""The time of last use is written at most this often."""
_FORM: Final = re.compile(
    rf"stp_(?P<env>[a-z]{{2,12}})_(?P<id>[0-9A-Za-z]{{{ID_SIZE}}})_"
    rf"(?P<secret>[0-9A-Za-z]{{{SECRET_SIZE}}})(?P<checksum>[0-9A-Za-z]{{{CHECKSUM_SIZE}}})"
)
_ENVIRONMENT: Final = re.compile(r"[a-z]{2,12}")
_NOBODY: Final = bytes(32)


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


class ApiKeyStore(Protocol):
    """Where API keys are kept. Every method raises StoreUnavailableError when the store does not answer."""

    def find(self, key_id: str) -> ApiKeyRecord | None:
        """The record of that id."""
        ...

    def insert(self, record: ApiKeyRecord) -> None:
        """Keep a new record."""
        ...

    def revoke(self, key_id: str, now: float) -> bool:
        """Mark as revoked; False when there is no such key or it was revoked before."""
        ...

    def list(self, subject: str) -> Sequence[ApiKeyRecord]:
        """Every key of one subject, the newest first, revoked ones too."""
        ...

    def touch(self, key_id: str, now: float) -> None:
        """Note the time of last use."""
        ...


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key at the only moment when it can be read."""

    key: Secret
    record: ApiKeyRecord


class ApiKeys:
    """Issues, verifies and revokes API keys. Safe for threads."""

    def __init__(
        self, store: ApiKeyStore, pepper: Secret, *, environment: str = "live", clock: Clock = system_clock
    ) -> None:
        """*pepper*: the key of the hash, kept apart from the store. Raises SettingError for a weak one or an odd environment."""
        if (wrong := weakness(pepper, 32)) is not None:
            raise SettingError(f"the API-key pepper {wrong}; use 32 random bytes", rule="api-key-weak-hash")
        if not _ENVIRONMENT.fullmatch(environment):
            raise SettingError("the environment of API keys is 2 to 12 lower-case letters, such as live or test")
        self._store = store
        self._pepper = pepper.reveal_bytes()
        self._environment = environment
        self._clock = clock
        self._touched: dict[str, float] = {}

    def issue(
        self,
        subject: str,
        *,
        name: str,
        scopes: Sequence[str] = (),
        tenant: str | None = None,
        expires_at: float | None = None,
    ) -> NewApiKey:
        """A new key for *subject*. Only the keyed hash is kept; ``key`` cannot be read again."""
        key_id = _random(ID_SIZE)
        body = f"stp_{self._environment}_{key_id}_{_random(SECRET_SIZE)}"
        key = Secret(body + checksum(body))
        record = ApiKeyRecord(
            id=key_id,
            digest=self._digest(key.reveal()),
            subject=subject,
            name=name,
            created_at=self._clock(),
            scopes=tuple(scopes),
            tenant=tenant,
            expires_at=expires_at,
        )
        self._store.insert(record)
        return NewApiKey(key, record)

    def verify(self, shown: str) -> Principal:
        """Who acts with the key *shown*.

        Raises InvalidCredentialError: a wrong checksum costs no look-up; an unknown id, a wrong secret, a revoked and an expired
        key cost the same one look-up, one hash and one comparison.
        """
        parts = _parts(shown)
        if parts is None or parts["env"] != self._environment:
            raise InvalidCredentialError("key-form")
        record = self._store.find(parts["id"])
        right = hmac.compare_digest(self._digest(shown), _NOBODY if record is None else record.digest)
        if record is None or not right:
            raise InvalidCredentialError("key-unknown")
        now = self._clock()
        if record.revoked_at is not None:
            raise InvalidCredentialError("key-revoked")
        if record.expires_at is not None and now >= record.expires_at:
            raise InvalidCredentialError("key-expired")
        self._touch(record.id, now)
        return Principal(
            subject=record.subject,
            kind="api_key",
            scopes=frozenset(record.scopes),
            credential_id=record.id,
            tenant=record.tenant,
        )

    def revoke(self, key_id: str) -> bool:
        """End a key; False when there is no such live key. Returns after commit."""
        return self._store.revoke(key_id, self._clock())

    def list(self, subject: str) -> Sequence[ApiKeyRecord]:
        """The keys of one subject, without their secrets."""
        return self._store.list(subject)

    def _digest(self, key: str) -> bytes:
        return hmac.digest(self._pepper, key.encode("ascii"), "sha256")

    def _touch(self, key_id: str, now: float) -> None:
        if now - self._touched.get(key_id, float("-inf")) < TOUCH_SECONDS:
            return
        if len(self._touched) > 10_000:
            self._touched = {}
        self._touched[key_id] = now
        with contextlib.suppress(StoreUnavailableError):  # a note for people, not a part of the decision
            self._store.touch(key_id, now)


def checksum(body: str) -> str:
    """The six letters that end a key whose other letters are *body*."""
    number = zlib.crc32(body.encode("ascii"))
    letters = ""
    for _ in range(CHECKSUM_SIZE):
        number, digit = divmod(number, 62)
        letters = _LETTERS[digit] + letters
    return letters


def looks_like_key(shown: str) -> bool:
    """Whether *shown* has the form and the checksum of a key."""
    return _parts(shown) is not None


def _parts(shown: str) -> dict[str, str] | None:
    found = _FORM.fullmatch(shown) if len(shown) <= MAX_KEY else None
    if found is None or checksum(shown[:-CHECKSUM_SIZE]) != found["checksum"]:
        return None
    return found.groupdict()


def _random(size: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(size))
