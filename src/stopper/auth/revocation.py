"""What was valid and no longer is: one token, one family, one person's before T, everything before T.

Every process follows one journal. In the normal case a request costs no query: the view is re-read when it is older than
half a second. A view older than one second is never believed: the request asks the journal itself, and where that does not
answer the request is refused with 503.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from stopper.auth.clock import Clock
from stopper.auth.expiring_set import ExpiringSet
from stopper.auth.forking import in_each_child
from stopper.auth.verifier import LEEWAY
from stopper.core.errors import StoreUnavailableError

POLL_SECONDS: Final = 0.5
BOUND_SECONDS: Final = 1.0
"""A revoked token may pass for at most this long in a process that did not revoke it itself."""

news_later: Final[ContextVar[bool]] = ContextVar("news_later", default=False)
"""True while somebody will ask for the newest number in a round trip of their own, and hand it to :meth:`Revocations.hear`."""

CLOCK_SLACK: Final = 3600.0
"""Entries outlive the tokens by an hour, so that a clock that jumps and comes back revives nothing."""

Kind = Literal["token", "family", "subject", "client", "all"]


def keep_for(token_lifetime: float, leeway: float = LEEWAY) -> float:
    """Seconds that a revocation must be remembered where access tokens live for *token_lifetime* seconds."""
    return token_lifetime + leeway + CLOCK_SLACK


@dataclass(frozen=True, slots=True)
class Revocation:
    """One entry. ``value``: the jti, the sid or the subject. ``before``: for subject and all, tokens with an earlier ``iat`` are void.

    ``until``: when no token that it concerns can still be valid.
    """

    seq: int
    kind: Kind
    value: str
    before: int
    until: float


class RevocationStore(Protocol):
    """The journal. ``append`` returns after commit; entries become visible in the order of ``seq``."""

    def append(self, kind: Kind, value: str, before: int, until: float) -> None:
        """Add one entry durably, or raise StoreUnavailableError."""
        ...

    def after(self, seq: int) -> list[Revocation]:
        """Entries younger than *seq*, oldest first."""
        ...

    def forget(self, now: float) -> int:
        """Delete entries whose ``until`` has passed; returns how many."""
        ...


class News(Protocol):
    """A quick hint, shared by every node, that the journal has grown."""

    def newest(self) -> int:
        """The number of the newest entry as far as anybody told; 0 where it cannot be known. Never raises."""
        ...


class Revocations:
    """Writes the journal and answers from this process's view of it."""

    def __init__(
        self,
        store: RevocationStore,
        clock: Clock,
        *,
        token_lifetime: float,
        leeway: float = LEEWAY,
        news: News | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """*token_lifetime*: seconds that the longest-lived access token lives. *news*: asked at each request, so that what another
        node revoked counts at once here; without it, or when it fails, within BOUND_SECONDS.
        """
        self._store = store
        self._news = news
        self._clock = clock
        self._keep = keep_for(token_lifetime, leeway)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._forget_all()
        # A child process starts with an empty view and its own lock: the parent's may be held by a thread that is not here.
        in_each_child(self._after_fork)

    def _forget_all(self) -> None:
        self._seq = 0
        self._read_at: float | None = None
        self._tokens = ExpiringSet()
        self._families = ExpiringSet()
        self._subjects: dict[str, tuple[int, float]] = {}
        self._clients: dict[str, tuple[int, float]] = {}
        self._everything = 0
        self._drop_at = 0.0
        self._hint_done = 0

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        self._forget_all()

    def revoke_token(self, jti: str) -> None:
        """Void one access token. Returns after commit."""
        self._append("token", jti, 0)

    def revoke_family(self, sid: str) -> None:
        """Void every access token of one family. Returns after commit."""
        self._append("family", sid, 0)

    def revoke_subject(self, subject: str) -> None:
        """Void every access token that *subject* was given up to now. Returns after commit."""
        self._append("subject", subject, int(self._clock()) + 1)

    def revoke_client(self, client_id: str) -> None:
        """Void every access token that *client_id* was given up to now, whoever it was for. Returns after commit."""
        self._append("client", client_id, int(self._clock()) + 1)

    def revoke_all(self) -> None:
        """Void every access token that was issued up to now, of everybody. Returns after commit."""
        self._append("all", "", int(self._clock()) + 1)

    def _append(self, kind: Kind, value: str, before: int) -> None:
        self._store.append(kind, value, before, self._clock() + self._keep)
        self.refresh()

    def is_revoked(self, claims: Mapping[str, object]) -> bool:
        """Whether a verified token with these claims is void. Raises StoreUnavailableError when nobody can tell."""
        self._catch_up()
        jti, session = claims.get("jti"), claims.get("sid")
        # Other issuers may give `sid` any shape; only a text can be in our journal.
        if (isinstance(jti, str) and jti in self._tokens) or (isinstance(session, str) and session in self._families):
            return True
        subject = claims.get("sub")
        of_subject = self._subjects.get(subject, (0, 0.0))[0] if isinstance(subject, str) else 0
        void_before = max(self._everything, of_subject)
        if self._clients:
            client = claims.get("client_id")
            void_before = max(void_before, self._clients.get(client, (0, 0.0))[0] if isinstance(client, str) else 0)
        issued = claims.get("iat")
        # A token that does not say when it was issued counts as issued before everything.
        return void_before > (issued if isinstance(issued, (int, float)) else 0)

    def refresh(self) -> None:
        """Read the journal now. Raises StoreUnavailableError."""
        with self._lock:
            self._read()

    def _age(self) -> float:
        return float("inf") if self._read_at is None else self._monotonic() - self._read_at

    def _catch_up(self) -> None:
        if self._news is not None and not news_later.get() and self.hear(self._news.newest()):
            return
        if self._age() < POLL_SECONDS:
            return
        # One thread reads; the others go on while the view is within the bound, and wait for that thread when it is not.
        if not self._lock.acquire(blocking=self._age() >= BOUND_SECONDS):
            return
        try:
            if self._age() >= POLL_SECONDS:
                self._read()
        except StoreUnavailableError:
            if self._age() >= BOUND_SECONDS:
                raise
        finally:
            self._lock.release()

    def hear(self, newest: int) -> bool:
        """Read the journal if *newest* says that it has grown; whether it was read. Raises StoreUnavailableError."""
        if newest <= self._seq or newest == self._hint_done:
            return False
        self._follow(newest)
        return True

    @property
    def news(self) -> News | None:
        """Whom it asks whether the journal has grown."""
        return self._news

    def _follow(self, hint: int) -> None:
        with self._lock:
            if hint > self._seq:
                self._read()
                # A database restored from a copy is behind its hint for ever: one look for each hint.
                self._hint_done = hint

    def _read(self) -> None:
        asked_at = self._monotonic()
        for entry in self._store.after(self._seq):
            self._take(entry)
            self._seq = entry.seq
        self._drop_old()
        self._read_at = asked_at

    def _take(self, entry: Revocation) -> None:
        if entry.kind == "token":
            self._tokens.add(entry.value, entry.until)
        elif entry.kind == "family":
            self._families.add(entry.value, entry.until)
        elif entry.kind == "all":
            self._everything = max(self._everything, entry.before)
        else:
            held = self._clients if entry.kind == "client" else self._subjects
            known = held.get(entry.value, (0, 0.0))
            held[entry.value] = (max(known[0], entry.before), max(known[1], entry.until))

    def _drop_old(self) -> None:
        now = self._clock()
        if now < self._drop_at:
            return
        self._tokens.forget(now)
        self._families.forget(now)
        self._subjects = {sub: entry for sub, entry in self._subjects.items() if entry[1] > now}
        self._clients = {client: entry for client, entry in self._clients.items() if entry[1] > now}
        self._drop_at = now + 60.0
