"""How much a scan has asked, as a limiter of the target would count it, and whether any answer spoke of a limit."""

import threading
import time
from collections import deque

from stopper.core.exchange import Request, Response
from stopper.core.probing.burst import WINDOW, Load, announces
from stopper.scan.wire.transport import READ_METHODS


class LoadSeen:
    """One per courier, shared by all threads."""

    def __init__(self, *, paced: bool) -> None:
        """``paced``: the user holds the scan back, so that it meets no limit by itself."""
        self._paced = paced
        self._lock = threading.Lock()
        self._times: dict[str, deque[float]] = {}
        self._limited = False
        self._answered: set[str] = set()
        self._closed: set[str] = set()

    def learn(self, request: Request, response: Response) -> None:
        """Count one answer."""
        if not response.status:
            return
        path = request.target.partition("?")[0]
        with self._lock:
            # A door that has never answered otherwise is shut, whoever asks and however seldom: that tells of no limit.
            met = response.status == 429 and path in self._answered
            self._limited = self._limited or met or announces(response)
            if response.status != 429:
                self._answered.add(path)
            if response.status == 429 and request.method not in READ_METHODS:
                self._closed.add(path)
            self._times.setdefault(path, deque(maxlen=2_000)).append(time.monotonic())

    def so_far(self, path: str) -> Load:
        """What was asked within the last minute, of all paths and of *path*."""
        since = time.monotonic() - WINDOW
        with self._lock:
            recent = {place: sum(one >= since for one in times) for place, times in self._times.items()}
            return Load(sum(recent.values()), recent.get(path, 0), self._limited, self._paced, path in self._closed)
