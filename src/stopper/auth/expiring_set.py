"""A large set of texts that are forgotten minute by minute: about ninety bytes each, whatever their length.

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
        self._last_minute: dict[int, int] = {}
        self._added_in: dict[int, array[int]] = {}
        """Minute → the hashes that end in it; some of them may have been added again for longer."""

    def add(self, text: str, until: float) -> None:
        """Hold *text* at least until that time; adding it again never shortens its stay."""
        known, minute = hash(text), ceil(until / _MINUTE)
        before = self._last_minute.get(known)
        if before is None or before < minute:
            self._last_minute[known] = minute
            self._added_in.setdefault(minute, array("q")).append(known)

    def forget(self, now: float) -> None:
        """Let go of what ended before *now*. What it costs goes with the number of those, not with the size of the set."""
        over = [minute for minute in self._added_in if minute * _MINUTE <= now]
        for minute in over:
            for known in self._added_in.pop(minute):
                if self._last_minute.get(known) == minute:
                    del self._last_minute[known]

    def __contains__(self, text: str) -> bool:
        return hash(text) in self._last_minute

    def __len__(self) -> int:
        return len(self._last_minute)
