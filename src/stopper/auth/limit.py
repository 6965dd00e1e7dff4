"""How often something may be done: counters that many attempts share, each one number (the generic cell rate algorithm).

A limit of 10 a minute lets ten through at once and then one each six seconds. Nothing is stored for those who do nothing.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

MAX_KEYS: Final = 50_000
"""Remembered at once by one counter of one process; about 200 bytes each."""
_ROUNDING: Final = 1e-6
"""Sums of fractions of seconds come out a little high."""


@dataclass(frozen=True, slots=True)
class Limit:
    """``burst`` attempts at once, then one each ``seconds / burst``."""

    burst: int
    seconds: float

    def shared_by(self, workers: int) -> "Limit":
        """This limit where *workers* processes count apart: each takes its part, at least one."""
        return Limit(max(1, self.burst // workers), self.seconds)

    @property
    def every(self) -> float:
        """Seconds that one attempt costs."""
        return self.seconds / self.burst


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt against one counter: *measure* names the counter, *key* who is counted.

    ``unless``: somebody noted under this key before is not counted here.
    """

    measure: str
    key: str
    limit: Limit
    unless: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which counter refused, and the seconds until it would not."""

    measure: str
    wait: float


class Counters(Protocol):
    """Counts attempts. What stands behind it may be one process's memory or a server that many nodes share."""

    def take(self, attempts: Sequence[Attempt]) -> Refusal | None:
        """Count each in turn, up to the first that refuses; None when all may go on. Raises StoreUnavailableError."""
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
        now = self._monotonic()
        with self._lock:
            due = max(self._due.get(key, now), now)
            wait = due - self._slack - now
            if wait > _ROUNDING:
                return wait
            self._due[key] = due + self._every
            self._due.move_to_end(key)
            while len(self._due) > MAX_KEYS:
                self._due.popitem(last=False)
        return 0.0

    def clear(self, key: str) -> None:
        """Forget the attempts of *key*."""
        with self._lock:
            self._due.pop(key, None)


class LocalCounters:
    """Counters of one process. Where *workers* processes count apart, each takes its part of every limit."""

    def __init__(self, *, workers: int = 1, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._workers = workers
        self._monotonic = monotonic
        self._meters: dict[tuple[str, Limit], Meter] = {}
        self._notes: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, attempts: Sequence[Attempt]) -> Refusal | None:
        """Count each in turn, up to the first that refuses."""
        for attempt in attempts:
            if attempt.unless is not None and self._is_noted(attempt.unless):
                continue
            wait = self._meter(attempt).take(attempt.key)
            if wait > 0:
                return Refusal(attempt.measure, wait)
        return None

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

    def _meter(self, attempt: Attempt) -> Meter:
        named = (attempt.measure, attempt.limit)
        with self._lock:
            found = self._meters.get(named)
            if found is None:
                found = self._meters[named] = Meter(attempt.limit.shared_by(self._workers), self._monotonic)
        return found
