"""The one clock. Whoever needs the time is handed it, so that tests can move it."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Gives the seconds since the epoch, as on the wall. For waiting and staleness use :func:`time.monotonic` instead."""


def system_clock() -> float:
    """The machine's wall clock."""
    return time.time()


class SetClock:
    """A clock that stands where it was put and moves only when told."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        """Move on by *seconds*; negative goes back."""
        self.now += seconds
