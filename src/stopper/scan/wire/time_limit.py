"""The time of a whole run: when it is used up nothing more is asked, and what takes back has a few seconds left."""

import time
from typing import Final

GRACE: Final = 5.0
"""Seconds after the limit in which a run may still take back what it did. Then it ends, whatever hangs."""


class TimeLimit:
    """Begins when it is made. Without ``seconds`` it never ends."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    def end(self) -> None:
        """End it now, whatever was left."""
        now = time.monotonic()
        self._end = now if self._end is None else min(now, self._end)

    @property
    def used_up(self) -> bool:
        """Whether the time is over."""
        return self._end is not None and time.monotonic() >= self._end

    def left(self, wanted: float, *, last: bool = False) -> float:
        """At most *wanted* seconds, and no more than are left; ``last`` has the grace too. 0 when there is nothing left."""
        if self._end is None:
            return wanted
        return max(0.0, min(wanted, self._end + (GRACE if last else 0.0) - time.monotonic()))

    def patience(self) -> float | None:
        """Seconds that the run may wait for something to end; None for ever."""
        return None if self._end is None else max(0.0, self._end + GRACE - time.monotonic())

    def __str__(self) -> str:
        return f"its time of {self.seconds:g} s was used up; give more with --timeout"
