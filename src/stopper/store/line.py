"""A lock that is given in the order in which it was asked for. ``threading.Lock`` is not: whoever has just let it go often gets it back."""

import threading
from collections import deque


class Line:
    """For threads of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, timeout: float) -> bool:
        """Wait for one's turn for at most *timeout* seconds; whether it has come."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=timeout):
            return True
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return False
        return True  # the turn came while the wait was ending

    def release(self) -> None:
        """Hand it to whoever has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
