"""Whose turn it is where probes share a budget that may run out: who has asked little goes before who has asked much."""

import heapq
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from stopper.core.probing.shared import searches

T = TypeVar("T")

OF_ONE: Final = 10
"""Requests of one turn: most probes that look at one door need fewer, and what goes through all routes and inputs waits for them."""
LOOKED_AGAIN: Final = 0.2
"""Seconds after which who waits looks whether all is being stopped."""


class Turns:
    """Lets *at_once* of the probes that run side by side ask at a time."""

    def __init__(self, at_once: int, stopping: threading.Event) -> None:
        self._free = at_once
        self._stopping = stopping
        self._waiting: list[tuple[int, int]] = []
        self._changed = threading.Condition()

    def take(self, turn: tuple[int, int]) -> None:
        """Wait until nobody waits who comes before *turn*, which is its number and the place of the probe among the others."""
        with self._changed:
            heapq.heappush(self._waiting, turn)
            while not self._stopping.is_set() and (self._free < 1 or self._waiting[0] != turn):
                self._changed.wait(LOOKED_AGAIN)
            self._waiting.remove(turn)
            heapq.heapify(self._waiting)
            self._free -= 1
            self._changed.notify_all()

    def give_back(self) -> None:
        """Let the next one ask."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()


class Turn:
    """Where one probe is among them."""

    def __init__(self, turns: Turns, first: int, place: int, of_one: int = OF_ONE) -> None:
        """*first* is the number of its first turn, *place* the one among those of the same number, and *of_one* the requests of a turn."""
        self._turns, self._first, self._place, self._of_one = turns, first, place, of_one
        self._asked, self._until = 0, of_one

    def __enter__(self) -> "Turn":
        self._take()
        return self

    def __exit__(self, *_: object) -> None:
        self._turns.give_back()

    def asks(self) -> None:
        """The probe is about to ask something; it waits where others come first by now, but for a search whose finds are for others too."""
        self._asked += 1
        if self._asked > self._until and not searches():
            self._until = self._asked + self._of_one - 1
            self._turns.give_back()
            self._take()

    def works_out(self, function: Callable[[], T]) -> T:
        """What *function* gives, while others ask: it may wait for what one of them looks for."""
        self._turns.give_back()
        try:
            return function()
        finally:
            self._take()

    def _take(self) -> None:
        self._turns.take((self._first + self._asked // self._of_one, self._place))
