"""A large set of texts that are forgotten minute by minute: about eighty bytes each, whatever their length.

Only a 64-bit hash of a text is kept, Python's own, which differs from process to process. Two texts with one hash are taken for one:
with ten million entries that happens to one look-up in 10¹², and for what this is used for it errs to the safe side.
"""

from array import array
from math import ceil
from typing import Final

_MINUTE: Final = 60.0


class ExpiringSet:
    """``add`` and ``forget`` by one thread at a time; ``in`` by any number of threads at any moment."""

    def __init__(self) -> None:
        self._held: set[int] = set()
        self._added_in: dict[int, array[int]] = {}
        """Minute → the hashes that end in it, unless they were added again for longer."""
        self._last_minute: dict[int, int] = {}
        """Those that were added more than once, with the minute in which they really end."""

    def add(self, text: str, until: float) -> None:
        """Hold *text* at least until that time; adding it again never shortens its stay."""
        known, minute = hash(text), ceil(until / _MINUTE)
        if known in self._held:
            # Where it ended before is not known any more, so a time that is too late stands in: never one that is too early.
            self._last_minute[known] = max(minute, self._last_minute.get(known, 0), max(self._added_in, default=0))
            minute = self._last_minute[known]
        self._held.add(known)
        self._added_in.setdefault(minute, array("q")).append(known)

    def forget(self, now: float) -> None:
        """Let go of what ended before *now*. What it costs goes with the number of those, not with the size of the set."""
        over = [minute for minute in self._added_in if minute * _MINUTE <= now]
        for minute in over:
            for known in self._added_in.pop(minute):
                if self._last_minute.get(known, minute) <= minute:
                    self._held.discard(known)
                    self._last_minute.pop(known, None)

    def __contains__(self, text: str) -> bool:
        return hash(text) in self._held

    def __len__(self) -> int:
        return len(self._held)
