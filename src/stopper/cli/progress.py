"""Progress on stderr, on a terminal only."""

import sys
import threading
import time
from typing import Final

_EVERY: Final = 0.1
"""Seconds between two drawings."""


class Progress:
    """A line on stderr that is drawn over itself. In a pipe it says nothing."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()
        self._last = 0.0
        self._lock = threading.Lock()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Say that *done* of *total* is done."""
        now = time.monotonic()
        if not self._shows or (now - self._last < _EVERY and done < total):
            return
        with self._lock:
            self._last = now
            sys.stderr.write(f"\r\x1b[2K{what} {done}" + (f" of {total}" if total else ""))
            sys.stderr.flush()

    def clear(self) -> None:
        """Leave an empty line behind."""
        if self._shows:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
