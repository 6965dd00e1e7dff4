"""Which addresses of the target answer 429, and whether the limit is theirs or that of the whole host."""

import threading
import time
from typing import Final

from stopper.core.exchange import Response

BUSY_ADDRESSES: Final = 3
"""From this many addresses that answer 429 the whole host counts as busy, unless another answers."""

Address = tuple[str, str]
"""A method and a path."""


class BusyDoors:
    """One per scan, shared by all its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[Address, float] = {}
        self._in_a_row: dict[Address, int] = {}
        self._others_answer = False
        """Whether an address answered while several others were busy: then each has a limit of its own, as three doors of one model do."""
        self._tried = False
        """Whether one request went to see that."""

    def until(self, address: Address, now: float) -> float:
        """Until when *address* is not asked; a time that is over where it may be. While several are busy one request goes to see whether
        the others are too."""
        with self._lock:
            own = self._until.get(address, 0.0)
            busy = [end for end in self._until.values() if end > now]
            if len(busy) < BUSY_ADDRESSES:
                self._tried = self._others_answer = False
                return own
            if own > now or self._others_answer:
                return own
            if not self._tried:
                self._tried = True
                return own
            return max(busy)

    def learn(self, address: Address, response: Response) -> None:
        """Take up what *address* answered."""
        now = time.monotonic()
        with self._lock:
            if response.status == 429:
                if self._until.get(address, 0.0) > now:
                    return  # it was asked beside the one that is waited for
                times = self._in_a_row[address] = self._in_a_row.get(address, 0) + 1
                if self._others_answer and address not in self._until:
                    self._others_answer = self._tried = False
                self._until[address] = now + retry_after(response, times)
            elif not response.error:
                self._in_a_row.pop(address, None)
                if self._tried and self._until.get(address, 0.0) <= now:
                    self._others_answer = True


def retry_after(response: Response, times: int = 1) -> float:
    """Seconds that a 429 asks for; where it does not say, one, and where that was waited for in vain (*times* in a row) far more: a limit that is
    no matter of a second is mostly one of minutes."""
    said = (response.header("Retry-After") or "").strip()
    if said.isascii() and said.isdigit() and len(said) < 8:
        return float(min(int(said), 86400))
    return float(min(20 ** (times - 1), 60))
