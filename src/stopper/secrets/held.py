"""One path of one backend, kept fresh: asked again when due, kept through an outage, ended at the end of its life."""

import random
import threading
from dataclasses import dataclass, replace
from typing import Final

from stopper.auth.clock import Clock
from stopper.auth.event import Event, EventSink
from stopper.secrets.backend import Backend, Document, Lends
from stopper.secrets.errors import FetchError, SecretUnavailableError

LEASE_SHARE: Final = 2 / 3
"""A lent value is renewed after this share of its time, as HashiCorp's own agent does it."""
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_PAUSE_AT_THE_END: Final = 5.0
"""Once nothing valid is left, a service waits for its backend and not the other way round."""


@dataclass(frozen=True, slots=True)
class Pace:
    """All in seconds. ``refresh``: how old a value may be before its backend is asked again. ``keep``: how long after the last
    good answer a value serves while the backend is away. ``overlap``: how long the version before is still taken."""

    refresh: float = 300.0
    keep: float = 86_400.0
    overlap: float = 86_400.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The clocks and where events go. ``wall`` is for dates, ``steady`` for ages."""

    wall: Clock
    steady: Clock
    sink: EventSink


class Held:
    """The last good document of one path. Nothing runs in the background: whoever asks when it is due asks the backend.

    One thread asks; the others get what is there meanwhile. Raises FetchError when the first reading fails.
    """

    def __init__(self, name: str, backend: Backend, path: str, pace: Pace, around: Surroundings) -> None:
        self.name: Final = name
        self._backend = backend
        self._path = path
        self._pace = pace
        self._around = around
        self._lock = threading.Lock()
        self._failures = 0
        self._why = ""
        self._previous: Document | None = None
        self._previous_ends = 0.0
        asked = around.steady()
        self._document = backend.read(path)
        self._lent = _lent(self._document)
        self._due, self._ends = self._times(asked, self._document)
        self._recall(asked)

    @property
    def due(self) -> float:
        """When the backend is asked again, on the steady clock."""
        return self._due

    def renew_lock(self) -> None:
        """In a forked child: a thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def current(self) -> Document:
        """The document in force, at most ``refresh`` seconds old while the backend answers. Raises SecretUnavailableError."""
        now = self._around.steady()
        if now < min(self._due, self._ends):
            return self._document
        # Only who has nothing valid waits for the thread that asks.
        if self._lock.acquire(blocking=now >= self._ends):
            try:
                if self._around.steady() >= self._due:
                    self._refresh()
            finally:
                self._lock.release()
        if self._around.steady() >= self._ends:
            raise SecretUnavailableError(self.name, self._why or "it was not asked in time")
        return self._document

    def previous(self) -> Document | None:
        """The version before, as long as it is taken."""
        return self._previous if self._around.steady() < self._previous_ends else None

    def _times(self, asked: float, document: Document) -> tuple[float, float]:
        """When to ask again, and when the value ends. Both count from before the backend was asked: a slow answer is older."""
        if document.lease is not None:
            return asked + document.lease.seconds * LEASE_SHARE, asked + document.lease.seconds
        ends = asked + self._pace.keep
        if document.expires is not None:
            ends = min(ends, asked + document.expires - self._around.wall())
        # Not all workers of a service ask in the same second.
        return min(asked + self._pace.refresh * random.uniform(0.9, 1.0), ends), ends

    def _recall(self, now: float) -> None:
        """At the start in the middle of a rotation: the version before comes from the backend, where it keeps one."""
        changed = self._document.changed
        left = self._pace.overlap - (self._around.wall() - changed) if changed is not None else 0.0
        if left <= 0 or self._document.lease is not None:
            return
        try:
            found = self._backend.read_previous(self._path, self._document)
        except FetchError:
            return  # the current one is there, and that is what a start needs
        if found is not None:
            self._previous, self._previous_ends = found, now + min(left, self._pace.overlap)

    def _refresh(self) -> None:
        asked = self._around.steady()
        try:
            document = self._renewed() or self._backend.read(self._path)
        except FetchError as wrong:
            self._failed(asked, wrong)
            return
        if not same(document, self._document):
            self._rotate(asked, document)
            self._lent = _lent(document)
        elif self._failures:
            self._tell("secret-backend-back")
        self._failures, self._why = 0, ""
        self._document = document
        self._due, self._ends = self._times(asked, document)

    def _renewed(self) -> Document | None:
        """The same document with a longer lease; None when a new one must be read."""
        lease, backend = self._document.lease, self._backend
        if lease is None or not lease.renewable or not isinstance(backend, Lends):
            return None
        try:
            longer = backend.renew(lease)
        except FetchError as wrong:
            if wrong.cause == "unreachable":
                raise
            return None  # it has ended or cannot be renewed any more: read a new one
        if longer.seconds < self._lent / 2:
            return None  # near the longest time that the backend allows
        return replace(self._document, lease=longer)

    def _rotate(self, now: float, document: Document) -> None:
        # A lent value is good to the end of its lease and not longer.
        ends = self._ends if self._document.lease is not None else now + self._pace.overlap
        self._previous, self._previous_ends = self._document, ends
        self._tell("secret-rotated", version=document.version or "-")

    def _failed(self, now: float, wrong: FetchError) -> None:
        self._failures += 1
        self._why = str(wrong)
        longest = _LONGEST_PAUSE if now < self._ends else _PAUSE_AT_THE_END
        pause = min(_FIRST_PAUSE * 2 ** min(self._failures - 1, 10), longest)
        self._due = now + pause * random.uniform(0.8, 1.0)
        if self._failures == 1:
            self._tell("secret-backend-away", why=str(wrong), seconds_left=f"{max(0, int(self._ends - now))}")
        if now >= self._ends:
            self._tell("secret-ended", why=str(wrong))

    def _tell(self, event: str, **details: str) -> None:
        self._around.sink(Event(event, self._around.wall(), self.name, details))


def _lent(document: Document) -> float:
    return document.lease.seconds if document.lease is not None else 0.0


def same(one: Document, other: Document) -> bool:
    """Whether two documents hold the same values."""
    return one.text == other.text and dict(one.members) == dict(other.members)
