"""How often something may be done: counters that many attempts share.

A limit of 10 a minute is a bucket: ten pass at once and then one each six seconds, and its counter is one number (the generic
cell rate algorithm). A sliding limit lets no more than ten through in any minute. Nothing is stored for those who do nothing.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from stopper.auth.forking import in_each_child
from stopper.auth.limit_window import MAX_KEYS as MAX_KEYS
from stopper.auth.limit_window import Taken, Window

_ROUNDING: Final = 1e-6
"""Sums of fractions of seconds come out a little high."""


class Limit(NamedTuple):
    """``burst`` attempts at once, then one each ``seconds / burst``; ``sliding``: no more than ``burst`` in any ``seconds``."""

    burst: int
    seconds: float
    sliding: bool = False

    def shared_by(self, workers: int) -> "Limit":
        """This limit where *workers* processes count apart: each takes its part, at least one."""
        return Limit(max(1, self.burst // workers), self.seconds, self.sliding)

    @property
    def every(self) -> float:
        """Seconds that one attempt costs."""
        return self.seconds / self.burst


class Attempt(NamedTuple):
    """One attempt against one counter: *measure* names the counter, *key* who is counted.

    ``unless``: somebody noted under this key before is not counted here.
    """

    measure: str
    key: str
    limit: Limit
    unless: str | None = None


class Refusal(NamedTuple):
    """Which counter refused, and the seconds until it would not."""

    measure: str
    wait: float


class Standing(NamedTuple):
    """What is left of one limit after an attempt.

    ``reset``: seconds until all of it is there again; where nothing is left, until one more may pass.
    """

    attempt: Attempt
    remaining: int
    reset: float


class Counted(NamedTuple):
    """What became of some attempts: the refusal, and how each that was counted stands.

    ``newest``: the number of the newest revocation, where it was asked for in the same round trip; else 0.
    """

    refusal: Refusal | None
    standings: tuple[Standing, ...] = ()
    newest: int = 0


class Counters(Protocol):
    """Counts attempts. What stands behind it may be one process's memory or a server that many nodes share."""

    def take(self, attempts: Sequence[Attempt]) -> Refusal | None:
        """Count each in turn, up to the first that refuses; None when all may go on. Raises StoreUnavailableError."""
        ...

    def count(self, attempts: Sequence[Attempt]) -> Counted:
        """The same as :meth:`take`, and what is left of each. Raises StoreUnavailableError."""
        ...

    def clear(self, measure: str, key: str) -> None:
        """Forget the attempts of *key*. Raises StoreUnavailableError."""
        ...

    def note(self, key: str, seconds: float) -> None:
        """Note *key*, for ``unless``, for so long. Raises StoreUnavailableError."""
        ...


class Meter:
    """One counter in this process's memory. Safe for threads."""

    def __init__(self, limit: Limit, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._every = limit.every
        self._slack = limit.seconds - self._every
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._due: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str) -> float:
        """Count one attempt: 0.0 when it may go on, else the seconds until one may."""
        return self.count(key).wait

    def count(self, key: str) -> Taken:
        """Count one attempt, and say what is left."""
        now = self._monotonic()
        with self._lock:
            due = max(self._due.get(key, now), now)
            wait = due - self._slack - now
            if wait > self._every + _ROUNDING:  # the clock went back: nobody is held for longer than a period
                wait = self._every
                self._due[key] = now + self._slack + self._every
            if wait > _ROUNDING:
                self._due.move_to_end(key)  # whoever goes on asking is not forgotten
                return Taken(wait, 0, wait)
            due += self._every
            self._due[key] = due
            self._due.move_to_end(key)
            while len(self._due) > MAX_KEYS:
                self._due.popitem(last=False)
        left = int((self._slack + self._every - due + now) / self._every + 0.001)
        return Taken(0.0, max(left, 0), due - now if left > 0 else max(due - self._slack - now, 0.0))

    def clear(self, key: str) -> None:
        """Forget the attempts of *key*."""
        with self._lock:
            self._due.pop(key, None)


class LocalCounters:
    """Counters of one process. Where *workers* processes count apart, each takes its part of every limit.

    *most*: different counters at once; of more, those that were made first are forgotten. None: as many as the application declares.
    """

    def __init__(
        self, *, workers: int = 1, monotonic: Callable[[], float] = time.monotonic, most: int | None = None
    ) -> None:
        self._workers = workers
        self._most = most
        self._monotonic = monotonic
        self._forget_all()
        # The parent's locks may be held by a thread that is not in the child.
        in_each_child(self._forget_all)

    def _forget_all(self) -> None:
        self._meters: dict[tuple[str, Limit], Meter | Window] = {}
        self._notes: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, attempts: Sequence[Attempt]) -> Refusal | None:
        """Count each in turn, up to the first that refuses."""
        return self.count(attempts).refusal

    def count(self, attempts: Sequence[Attempt]) -> Counted:
        """The same as :meth:`take`, and what is left of each."""
        standings: list[Standing] = []
        for attempt in attempts:
            if attempt.unless is not None and self._is_noted(attempt.unless):
                continue
            wait, remaining, reset = self.counter(attempt.measure, attempt.limit).count(attempt.key)
            standings.append(Standing(attempt, remaining, reset))
            if wait > 0:
                return Counted(Refusal(attempt.measure, wait), tuple(standings))
        return Counted(None, tuple(standings))

    def clear(self, measure: str, key: str) -> None:
        """Forget the attempts of *key*."""
        for (name, _), meter in tuple(self._meters.items()):
            if name == measure:
                meter.clear(key)

    def note(self, key: str, seconds: float) -> None:
        """Note *key* for so long; the oldest go first where there are too many."""
        with self._lock:
            self._notes[key] = self._monotonic() + seconds
            self._notes.move_to_end(key)
            while len(self._notes) > MAX_KEYS:
                self._notes.popitem(last=False)

    def _is_noted(self, key: str) -> bool:
        with self._lock:
            return self._notes.get(key, 0.0) > self._monotonic()

    def counter(self, measure: str, limit: Limit) -> Meter | Window:
        """The counter of that name and limit."""
        found = self._meters.get((measure, limit))
        if found is not None:
            return found
        with self._lock:
            found = self._meters.get((measure, limit))
            if found is None:
                if self._most is not None and len(self._meters) >= self._most:
                    del self._meters[next(iter(self._meters))]
                mine = limit.shared_by(self._workers)
                found = self._meters[measure, limit] = (
                    Window(mine.burst, mine.seconds, self._monotonic) if mine.sliding else Meter(mine, self._monotonic)
                )
        return found
