"""API keys: shown once, kept only as a keyed hash, refused offline when mistyped."""

import contextlib
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from stopper.auth.access_token import AccessTokens
from stopper.auth.address_list import checked_networks
from stopper.auth.api_key_form import ENVIRONMENT, may_be_foreign, new_key, parts_of
from stopper.auth.api_key_reader import ApiKeyReader, client_of, family_of
from stopper.auth.api_key_record import ApiKeyRecord, ApiKeyStore, NewApiKey
from stopper.auth.clock import Clock, system_clock
from stopper.auth.event import Event, EventSink, log_event
from stopper.auth.limit_text import read_limits
from stopper.auth.requirement import is_scope
from stopper.auth.revocation import Revocations
from stopper.auth.weak_secret import weakness
from stopper.core.errors import (
    ForbiddenError,
    InvalidCredentialError,
    SettingError,
    StoreUnavailableError,
)
from stopper.core.principal import Principal
from stopper.core.secret import Secret

LEAST_OVERLAP: Final = 60.0
ADDRESSES_CLAIM: Final = "stopper_addresses"
LIMIT_CLAIM: Final = "stopper_rate_limit"
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


class ApiKeys:
    """Issues, verifies, rotates and revokes API keys. Safe for threads.

    *revocations*: the journal that every process follows. With it a key that was found is remembered for half a minute, so that
    a request costs no look-up, and its end is seen everywhere within a second; without it each use costs one look-up. *tokens*: issues
    the short-lived tokens of :meth:`derive`. *foreign*: whether keys that another system made are taken once they are imported.
    """

    def __init__(
        self,
        store: ApiKeyStore,
        pepper: Secret,
        *,
        environment: str = "live",
        clock: Clock = system_clock,
        revocations: Revocations | None = None,
        tokens: AccessTokens | None = None,
        foreign: bool = False,
        sink: EventSink = log_event,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """*pepper*: the key of the hash, kept apart from the store. Raises SettingError for a weak one or an odd environment."""
        if (wrong := weakness(pepper, 32)) is not None:
            raise SettingError(f"the API-key pepper {wrong}; use 32 random bytes", rule="api-key-weak-hash")
        if not ENVIRONMENT.fullmatch(environment):
            raise SettingError("the environment of API keys is 2 to 12 lower-case letters, such as live or test")
        self._store = store
        self._environment = environment
        self._clock = clock
        self._tokens = tokens
        self._foreign = foreign
        self._sink = sink
        self._reader = ApiKeyReader(
            store,
            pepper.reveal_bytes(),
            environment,
            clock,
            revocations=revocations,
            foreign=foreign,
            monotonic=monotonic,
        )

    def issue(
        self,
        subject: str,
        *,
        name: str,
        scopes: Sequence[str] = (),
        tenant: str | None = None,
        expires_at: float | None = None,
        addresses: Sequence[str] = (),
        rate_limit: str | None = None,
    ) -> NewApiKey:
        """A new key for *subject*. Only the keyed hash is kept; ``key`` cannot be read again.

        *addresses*: the networks from which alone it may be used. *rate_limit*: how often it may be used, such as ``100/minute``.
        Raises SettingError for what cannot be meant.
        """
        key_id, written = new_key(self._environment)
        now = self._clock()
        _judge_new(name, expires_at, now, rate_limit, scopes)
        record = ApiKeyRecord(
            id=key_id,
            digest=self._reader.digest(written),
            subject=subject,
            name=name,
            created_at=now,
            scopes=tuple(scopes),
            tenant=tenant,
            expires_at=expires_at,
            addresses=checked_networks(addresses),
            rate_limit=rate_limit,
        )
        self._store.insert(record)
        self._tell("api-key-issued", record)
        return NewApiKey(Secret(written), record)

    def bring(
        self,
        subject: str,
        *,
        name: str,
        key: Secret | None = None,
        sha256: str | None = None,
        scopes: Sequence[str] = (),
        tenant: str | None = None,
        expires_at: float | None = None,
        addresses: Sequence[str] = (),
        rate_limit: str | None = None,
    ) -> ApiKeyRecord:
        """Take in a key that another system made, by the key itself or by its SHA-256 in hex. Its holder notices nothing.

        Raises SettingError for a key that can be guessed, one that is here already, or where foreign keys are not taken.
        """
        if not self._foreign:
            raise SettingError("keys of other systems are not taken here; set STOPPER_FOREIGN_API_KEYS = True first")
        key_id, digest = self._reader.foreign(_inner_digest(key, sha256))
        now = self._clock()
        _judge_new(name, expires_at, now, rate_limit, scopes)
        record = ApiKeyRecord(
            id=key_id,
            digest=digest,
            subject=subject,
            name=name,
            created_at=now,
            scopes=tuple(scopes),
            tenant=tenant,
            expires_at=expires_at,
            addresses=checked_networks(addresses),
            rate_limit=rate_limit,
        )
        if not self._store.insert(record):
            raise SettingError("this key is here already; list the keys of its owner to see it")
        self._tell("api-key-imported", record)
        return record

    def verify(self, shown: str, address: str | None = None) -> Principal:
        """Who acts with the key *shown* from *address*.

        Raises InvalidCredentialError: a wrong checksum costs no look-up; an unknown id, a wrong secret, a revoked and an expired
        key cost the same one look-up, one hash and one comparison. Raises StoreUnavailableError when nobody can tell.
        """
        return _principal(self._reader.usable(shown, address))

    def derive(
        self, shown: str, *, scopes: Sequence[str] | None = None, life: int = 300, address: str | None = None
    ) -> tuple[Secret, tuple[str, ...], int]:
        """A short-lived access token that may do what the key *shown* may, or less; its scopes, and the seconds that it lives.

        It ends with the key, whether that is revoked, rotated or expires. Nobody logged in for it, so it is never fresh.
        Raises ForbiddenError for a scope that the key has not, SettingError where no tokens are issued.
        """
        if self._tokens is None:
            raise SettingError("this system issues no tokens of its own; set STOPPER_ISSUER and STOPPER_AUDIENCE")
        record = self._reader.usable(shown, address, anew=True)  # a rotation may have set its end a moment ago
        wanted = record.scopes if scopes is None else tuple(dict.fromkeys(scopes))
        if not set(wanted) <= set(record.scopes):
            raise ForbiddenError("derived-scope")
        left = self._tokens.life if record.expires_at is None else int(record.expires_at - self._clock())
        life = max(1, min(life, self._tokens.life, left))
        more: dict[str, object] = {}
        if record.addresses:
            more[ADDRESSES_CLAIM] = list(record.addresses)
        if record.rate_limit is not None:
            more[LIMIT_CLAIM] = record.rate_limit
        token = replace(self._tokens, life=life).issue(
            record.subject,
            client_id=client_of(record.id),
            scopes=wanted,
            auth_time=None,
            amr=(),
            sid=family_of(record.id),
            tenant=record.tenant,
            more=more,
        )
        self._tell("api-key-derived", record)
        return token, wanted, life

    def rotate(self, key_id: str, *, overlap: float = 86_400.0, expires_at: float | None = None) -> NewApiKey:
        """A new key in the place of the living key *key_id*, for the same subject and with the same rights.

        The old one works for *overlap* more seconds (none with 0), so that its holder can change over without a refused request.
        *expires_at*: of the new one; without it, it lives as long as the old one was to live. Raises SettingError where
        that key is not there, has ended or was replaced before.
        """
        if overlap and not overlap >= LEAST_OVERLAP:
            raise SettingError(
                f"an overlap is at least {LEAST_OVERLAP:.0f} seconds, or 0 to end the old key at once, not {overlap:g}"
            )
        now = self._clock()
        old = self._store.find(key_id)
        if old is None or not old.living(now) or old.replaced_by is not None:
            raise _not_living(key_id)
        if expires_at is None and old.expires_at is not None:
            expires_at = now + old.expires_at - old.created_at
        _judge_new(old.name, expires_at, now)
        new_id, written = new_key(self._environment)
        record = replace(
            old,
            id=new_id,
            digest=self._reader.digest(written),
            created_at=now,
            expires_at=expires_at,
            last_used_at=None,
            replaced_by=None,
            reminded_at=None,
        )
        if not self._store.replace(key_id, record, now + overlap, now):
            raise _not_living(key_id)
        with contextlib.suppress(
            StoreUnavailableError
        ):  # it is done; the journal is read before the old key is used again
            self._reader.void(key_id)
        self._tell("api-key-rotated", old, replaced_by=new_id)
        return NewApiKey(Secret(written), record)

    def revoke(self, key_id: str) -> bool:
        """End a key and the tokens that were derived from it; False when there is no such live key. Returns after commit."""
        done = self._store.revoke(key_id, self._clock())
        self._reader.void(key_id)
        if done:
            self._sink(Event("api-key-revoked", self._clock(), details={"key": key_id}))
        return done

    def revoke_all(self, subject: str) -> int:
        """End every living key of *subject*; returns how many."""
        return sum(self.revoke(record.id) for record in self._store.list(subject) if record.revoked_at is None)

    def revoke_shown(self, shown: str, reason: str = "holder") -> bool:
        """End the key *shown*: whoever holds it may end it, wherever they are. False where it opens nothing. *reason*: for the audit log."""
        try:
            record = self._reader.held(shown)
        except InvalidCredentialError:
            return False
        if not self.revoke(record.id):
            return False
        self._tell("api-key-leaked" if reason == "leak" else "api-key-ended-by-holder", record)
        return True

    def list(self, subject: str) -> Sequence[ApiKeyRecord]:
        """The keys of one subject, without their secrets."""
        return self._store.list(subject)

    def now(self) -> float:
        """The time by this system's clock: what ``expires_at`` counts from."""
        return self._clock()

    def remind(self, tell: Callable[[ApiKeyRecord], None], *, days: Sequence[float] = (14, 3)) -> int:
        """Call *tell* for each key that ends soon, once for each of *days* before its end; returns how many were told.

        Of many processes that remind at once, one tells. What *tell* raises is raised on, and that key is told again next time.
        """
        now, told = self._clock(), 0
        spans = sorted(day * 86_400 for day in days)
        for record in self._store.expiring(now, now + max(spans, default=0.0)):
            end = record.expires_at or 0.0
            begun = end - next(span for span in spans if end - now <= span)
            if record.reminded_at is not None and record.reminded_at >= begun:
                continue
            if not self._store.remind(record.id, record.reminded_at, now):
                continue
            try:
                tell(record)
            except BaseException:
                self._store.remind(record.id, now, record.reminded_at)
                raise
            told += 1
        return told

    def _tell(self, name: str, record: ApiKeyRecord, **details: str) -> None:
        self._sink(Event(name, self._clock(), record.subject, {"key": record.id, **details}))


def _principal(record: ApiKeyRecord) -> Principal:
    return Principal(
        subject=record.subject,
        kind="api_key",
        scopes=frozenset(record.scopes),
        claims=_NOTHING if record.rate_limit is None else MappingProxyType({LIMIT_CLAIM: record.rate_limit}),
        credential_id=record.id,
        tenant=record.tenant,
    )


def _inner_digest(key: Secret | None, sha256: str | None) -> bytes:
    if (key is None) == (sha256 is None):
        raise SettingError("give the key that another system made, or its SHA-256; one of the two")
    if sha256 is not None:
        try:
            found = bytes.fromhex(sha256)
        except ValueError:
            found = b""
        if len(found) != 32:
            raise SettingError("a SHA-256 is 64 hexadecimal digits")
        return found
    shown = key.reveal() if key is not None else ""
    if parts_of(shown) is not None:
        raise SettingError("this key has the form of our own; issue one instead")
    if not may_be_foreign(shown):
        raise SettingError("a key to import is 20 to 512 printable ASCII characters without space and comma")
    if (wrong := weakness(Secret(shown), 20)) is not None:
        raise SettingError(
            f"the key {wrong}, so it can be guessed; issue a new one instead", rule="api-key-predictable"
        )
    return hashlib.sha256(shown.encode("ascii")).digest()


def _judge_new(
    name: str, expires_at: float | None, now: float, rate_limit: str | None = None, scopes: Sequence[str] = ()
) -> None:
    if not name.strip() or len(name) > 128 or not name.isprintable():
        raise SettingError("the name of an API key is 1 to 128 printable characters, such as build server")
    if expires_at is not None and not now < expires_at:  # so that no number that is none is an end that never comes
        raise SettingError("the end of an API key lies in the future; leave it out for none")
    # A text alone would be read letter by letter; and a scope with a space in it would be two in a token.
    if isinstance(scopes, str) or not all(map(is_scope, scopes)):
        raise SettingError("the scopes of an API key are a list of names without spaces, such as notes:read")
    if rate_limit is not None:
        try:
            read_limits(rate_limit)
        except ValueError as wrong:
            raise SettingError(f"the rate limit of an API key is {wrong}") from None


def _not_living(key_id: str) -> SettingError:
    shown = key_id[:64] if key_id.isalnum() else "that id"
    return SettingError(f"there is no living key {shown} that nothing has replaced; list the keys of its owner first")
