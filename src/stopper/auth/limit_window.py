"""A sliding window: no more than so many attempts in any span of its length, whenever that span begins."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

MAX_KEYS: Final = 50_000
"""Remembered at once by one counter of one process; about 200 bytes each, up to 800 in a window."""
SLOTS: Final = 12
"""Parts of a window. An attempt is forgotten a window after the end of its part: a twelfth later than it might be, never earlier."""


class Taken(NamedTuple):
    """What became of one attempt. ``wait``: 0.0 when it may go on, else the seconds until one may.

    ``reset``: seconds until everything is there again; where nothing remains, until one more may pass.
    """

    wait: float
    remaining: int
    reset: float


class Window:
    """One sliding counter in this process's memory. Safe for threads."""

    def __init__(self, burst: int, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._width = seconds / SLOTS
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._used: OrderedDict[str, dict[int, int]] = OrderedDict()

    def count(self, key: str) -> Taken:
        """Count one attempt, and say what is left."""
        now = self._monotonic()
        slot = int(now // self._width)
        with self._lock:
            held = _living(self._used.get(key, {}), slot)
            used = sum(held.values())
            passes = used < self._burst
            if passes:
                used += 1
                held[slot] = held.get(slot, 0) + 1
            self._used[key] = held
            self._used.move_to_end(key)
            while len(self._used) > MAX_KEYS:
                self._used.popitem(last=False)
        free = self._free(held, used, now)
        if not passes:
            return Taken(free, 0, free)
        return Taken(0.0, self._burst - used, free if used >= self._burst else self._end(max(held), now))

    def clear(self, key: str) -> None:
        """Forget the attempts of *key*."""
        with self._lock:
            self._used.pop(key, None)

    def _free(self, held: dict[int, int], used: int, now: float) -> float:
        """Seconds until one more may pass."""
        for at in sorted(held):
            if used < self._burst:
                break
            used -= held[at]
            end = self._end(at, now)
            if used < self._burst:
                return end
        return 0.0

    def _end(self, slot: int, now: float) -> float:
        """Seconds until what was counted in *slot* is forgotten."""
        return max((slot + SLOTS + 1) * self._width - now, 0.001)


def _living(held: dict[int, int], slot: int) -> dict[int, int]:
    """What still counts at *slot*. After a clock that went back, what was counted later than now counts as of now."""
    found: dict[int, int] = {}
    for at, many in held.items():
        if at >= slot - SLOTS:
            place = min(at, slot)
            found[place] = found.get(place, 0) + many
    return found
