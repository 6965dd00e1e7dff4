"""Sessions of browsers: a random id in a cookie, everything else in the store, found by a keyed hash of that id.

A session ends when it was idle too long, when it is too old, when it is ended, and with every revocation of its subject or of
everybody: the store deletes it in the transaction of that revocation. Each request costs one look-up, so an ended session is refused
at once, on every node.
"""

import contextlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol, cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stopper.auth.clock import Clock, system_clock
from stopper.auth.event import Event, EventSink, log_event
from stopper.auth.weak_secret import weakness
from stopper.core.errors import InvalidCredentialError, SettingError, StoreUnavailableError
from stopper.core.principal import Principal, frozen
from stopper.core.secret import Secret
from stopper.core.settings import number, secret

# NIST SP 800-63B-4 §2.2.3 allows 24 hours and 1 hour for a log-in with two factors; half of each is the default. §2.1.3: at most 30 days.
lifetime: Final = number(
    "SESSION_LIFETIME",
    43_200,
    "Seconds after log-in when a browser session ends whatever happens.",
    least=60,
    most=2_592_000,
)
idle_lifetime: Final = number(
    "SESSION_IDLE_LIFETIME",
    1_800,
    "Seconds without a request after which a browser session ends.",
    least=30,
    most=2_592_000,
)
limit: Final = number(
    "SESSION_LIMIT", 20, "Browser sessions that one person may have at a time; a new one ends the oldest.", least=1
)
root_secret: Final = secret(
    "SESSION_SECRET",
    "The key behind the hash of session ids and behind CSRF tokens; 32 random bytes, the same on every node. Unset: derived from the"
    " `master.key` of the store.",
)

_FORM: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""256 random bits in base64url."""
MAX_SUBJECT: Final = 256
MAX_DEVICE: Final = 128
MAX_CLAIMS: Final = 16_384
"""Letters of JSON: what is larger belongs into the application's own tables."""
TOUCH_SECONDS: Final = 60.0
"""The time of last use is written at most this often, and at least ten times within the idle life."""
_RESERVED: Final = frozenset({"sid", "sub", "iat", "exp", "iss", "jti"})


@dataclass(frozen=True, slots=True)
class Session:
    """One session as it is kept. ``id`` names it for its owner and in logs; it opens nothing. Times are seconds since the epoch."""

    id: str
    subject: str
    created_at: float
    last_used_at: float
    ends_at: float
    auth_time: int
    amr: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    tenant: str | None = None
    device: str | None = None
    claims: str = "{}"
    """JSON."""


class LiveSession(NamedTuple):
    """A session that was just found alive, under the keyed hash of the id that was shown."""

    session: Session
    digest: bytes

    @property
    def principal(self) -> Principal:
        """Who acts in it."""
        kept = self.session
        claims = {**cast("dict[str, object]", json.loads(kept.claims)), "sid": kept.id}
        return Principal(
            subject=kept.subject,
            kind="browser_session",
            scopes=frozenset(kept.scopes),
            roles=frozenset(kept.roles),
            claims=cast("Mapping[str, object]", frozen(claims)),
            auth_time=kept.auth_time,
            amr=kept.amr,
            credential_id=kept.id,
            tenant=kept.tenant,
        )


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session at the only moment when its id can be read."""

    secret: Secret
    live: LiveSession


@dataclass(frozen=True, slots=True)
class Change:
    """What a renewal changes besides the id; None leaves a thing as it is."""

    amr: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    roles: tuple[str, ...] | None = None
    auth_time: int | None = None
    claims: Mapping[str, object] | None = None


class SessionStore(Protocol):
    """Where sessions are kept. Every method raises StoreUnavailableError when the store does not answer."""

    def find(self, digest: bytes) -> Session | None:
        """The session of that hash, however old."""
        ...

    def begin(self, session: Session, digest: bytes, *, keep: int, since: int | None, instead_of: bytes | None) -> bool:
        """Insert; end *instead_of*, and the subject's oldest sessions beyond *keep*. False where the subject was revoked after *since*."""
        ...

    def renew(self, session: Session, old: bytes, new: bytes) -> bool:
        """Swap the hash if it still is *old*. One statement decides."""
        ...

    def touch(self, digest: bytes, now: float) -> None:
        """Note the time of last use."""
        ...

    def end(self, session_id: str, subject: str) -> bool:
        """End one session of one subject; False when there is none."""
        ...

    def end_all(self, subject: str, *, but: str | None) -> int:
        """End every session of one subject, except the one with the id *but*; returns how many."""
        ...

    def list(self, subject: str) -> Sequence[Session]:
        """Every session of one subject, the newest first."""
        ...

    def moment(self) -> int:
        """The number of the newest revocation."""
        ...

    def forget(self, now: float) -> int:
        """Delete sessions that are past their end; returns how many."""
        ...


class Sessions:
    """Begins, finds, renews and ends sessions. It knows nothing of cookies. Safe for threads."""

    def __init__(
        self,
        store: SessionStore,
        root: Secret,
        *,
        clock: Clock = system_clock,
        life: float = lifetime.default,
        idle: float = idle_lifetime.default,
        most: int = limit.default,
        void: Callable[[Mapping[str, object]], bool] | None = None,
        sink: EventSink = log_event,
    ) -> None:
        """*root*: what the keys are derived from. *void*: asked in addition whether a session with these claims was revoked, where
        revocations are kept elsewhere than in *store*. Raises SettingError for a weak *root*.
        """
        if (wrong := weakness(root, 32)) is not None:
            raise SettingError(f"STOPPER_SESSION_SECRET {wrong}; use 32 random bytes", rule="secret-key-guessable")
        self._store = store
        self._key = derived(root, "session id")
        self._clock = clock
        self._life = life
        self._idle = idle
        self._most = most
        self._void = void
        self._sink = sink

    def begin(
        self,
        subject: str,
        *,
        amr: Sequence[str] = (),
        scopes: Sequence[str] = (),
        roles: Sequence[str] = (),
        auth_time: int | None = None,
        tenant: str | None = None,
        device: str | None = None,
        claims: Mapping[str, object] | None = None,
        since: int | None = None,
        instead_of: LiveSession | None = None,
    ) -> NewSession:
        """A new session of *subject*, who has just proved who they are; *instead_of* ends with it.

        *auth_time*: when they proved it, now by default. *since*: what :meth:`moment` said before the password was looked at; raises
        InvalidCredentialError where the subject was revoked meanwhile. Raises ValueError for what no session can hold.
        """
        now = self._clock()
        session = Session(
            id=secrets.token_urlsafe(16),
            subject=_text(subject, "subject", MAX_SUBJECT),
            created_at=now,
            last_used_at=now,
            ends_at=now + self._life,
            auth_time=int(now) if auth_time is None else auth_time,
            amr=_words(amr, "amr"),
            scopes=_words(scopes, "scopes"),
            roles=_words(roles, "roles"),
            tenant=None if tenant is None else _text(tenant, "tenant", MAX_DEVICE),
            device=None if device is None else _printable(device)[:MAX_DEVICE],
            claims=_packed(claims or {}),
        )
        made, digest = self._new_id()
        old = None if instead_of is None else instead_of.digest
        if not self._store.begin(session, digest, keep=self._most, since=since, instead_of=old):
            raise InvalidCredentialError("revoked-meanwhile")
        self._sink(Event("session-begun", now, subject, {"session": session.id}))
        return NewSession(made, LiveSession(session, digest))

    def find(self, shown: str) -> LiveSession:
        """The living session whose id is *shown*. Raises InvalidCredentialError, alike for every reason, after one look-up at most."""
        if not _FORM.fullmatch(shown):
            raise InvalidCredentialError("session-form")
        digest = self._digest(shown)
        session = self._store.find(digest)
        if session is None:
            raise InvalidCredentialError("session-unknown")
        now = self._clock()
        if now >= session.ends_at:
            raise InvalidCredentialError("session-too-old")
        if now - session.last_used_at >= self._idle:
            raise InvalidCredentialError("session-idle-too-long")
        if self._void is not None and self._void(_as_claims(session)):
            raise InvalidCredentialError("revoked")
        if now - session.last_used_at >= min(TOUCH_SECONDS, self._idle / 10):
            with contextlib.suppress(StoreUnavailableError):  # the next request notes it
                self._store.touch(digest, now)
        return LiveSession(session, digest)

    def renew(self, live: LiveSession, change: Change) -> NewSession:
        """The same session under a new id, with *change*; the old id is void.

        Raises InvalidCredentialError where it has ended, or where somebody else renewed it first.
        """
        now = self._clock()
        kept = live.session
        session = replace(
            kept,
            last_used_at=now,
            amr=kept.amr if change.amr is None else _words(change.amr, "amr"),
            scopes=kept.scopes if change.scopes is None else _words(change.scopes, "scopes"),
            roles=kept.roles if change.roles is None else _words(change.roles, "roles"),
            auth_time=kept.auth_time if change.auth_time is None else change.auth_time,
            claims=kept.claims if change.claims is None else _packed(change.claims),
        )
        made, digest = self._new_id()
        if not self._store.renew(session, live.digest, digest):
            raise InvalidCredentialError("session-renewed-or-ended")
        self._sink(Event("session-renewed", now, kept.subject, {"session": kept.id}))
        return NewSession(made, LiveSession(session, digest))

    def end(self, subject: str, session_id: str) -> bool:
        """End one session of *subject*; False alike for one of somebody else and for none. Returns after commit."""
        ended = self._store.end(session_id, subject)
        if ended:
            self._sink(Event("session-ended", self._clock(), subject, {"session": session_id}))
        return ended

    def end_all(self, subject: str, *, but: str | None = None) -> int:
        """End every session of *subject*, except the one with the id *but*; returns how many. Returns after commit."""
        ended = self._store.end_all(subject, but=but)
        self._sink(Event("sessions-ended", self._clock(), subject, {"count": str(ended)}))
        return ended

    def list(self, subject: str) -> list[Session]:
        """The living sessions of *subject*, the newest first."""
        now = self._clock()
        return [
            session
            for session in self._store.list(subject)
            if now < session.ends_at and now - session.last_used_at < self._idle
        ]

    def moment(self) -> int:
        """A mark to take before a password is looked at, for ``begin(since=…)``."""
        return self._store.moment()

    def _new_id(self) -> tuple[Secret, bytes]:
        made = Secret(secrets.token_urlsafe(32))
        return made, self._digest(made.reveal())

    def _digest(self, shown: str) -> bytes:
        return hmac.digest(self._key, shown.encode("ascii"), "sha256")


def derived(root: Secret, purpose: str) -> bytes:
    """32 bytes for one purpose (HKDF-SHA-256, RFC 5869)."""
    return HKDF(hashes.SHA256(), 32, None, b"stopper " + purpose.encode()).derive(root.reveal_bytes())


def _as_claims(session: Session) -> dict[str, object]:
    # One second later than it began: a revocation of the same second but before the log-in is not meant.
    return {"sub": session.subject, "sid": session.id, "jti": session.id, "iat": int(session.created_at) + 1}


def _text(value: str, what: str, most: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(f"the {what} of a session is a printable text of 1 to {most} letters")
    return value


def _printable(value: str) -> str:
    return "".join(char for char in value if char.isprintable())


def _words(values: Sequence[str], what: str) -> tuple[str, ...]:
    if isinstance(values, str) or not all(isinstance(value, str) and value for value in values):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(f'{what} is a list of texts, such as ["pwd"]')
    return tuple(values)


def _packed(claims: Mapping[str, object]) -> str:
    taken = sorted(_RESERVED & set(claims))
    if taken:
        raise ValueError(f"the claim {taken[0]} is set by Stopper; choose another name")
    try:
        packed = json.dumps(dict(claims), allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError("the claims of a session are plain JSON values") from None
    if len(packed) > MAX_CLAIMS:
        raise ValueError(f"the claims of a session take {MAX_CLAIMS} letters of JSON at most")
    return packed
