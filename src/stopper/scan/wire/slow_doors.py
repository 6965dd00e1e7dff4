"""Doors that take far longer than the rest of the target, as a log-in that hashes a password: probes share a bounded time there."""

import threading
from collections import deque
from statistics import median
from typing import Final

from stopper.core.exchange import Request, Response
from stopper.core.probe import Depth
from stopper.scan.wire.transport import READ_METHODS

SECONDS: Final[dict[Depth, float]] = {"quick": 1.0, "standard": 2.0, "deep": 30.0}
"""What all probes together may spend on slow answers of one door, by the depth of the scan."""
SLOW: Final = 0.25
"""Seconds of an answer that is slow, where the others are not."""
TIMES: Final = 5.0
"""How much longer than the middle of all answers: on a busy machine every answer is slow, and none is slow for itself."""
REMEMBERED: Final = 200
"""Answers that the middle is taken of."""
FEW: Final = 10
"""With fewer answers there is no middle."""


class SlowDoors:
    """One per scan, shared by all its threads. Reading is never bounded."""

    def __init__(self, depth: Depth) -> None:
        self._most = SECONDS[depth]
        self._lock = threading.Lock()
        self._all: deque[float] = deque(maxlen=REMEMBERED)
        self._spent: dict[tuple[str, str], list[float]] = {}

    def learn(self, response: Response) -> None:
        """Any answer tells what is usual."""
        with self._lock:
            self._all.append(response.seconds)

    def spent(self, request: Request, response: Response) -> None:
        """Count what the answer to a probe took that only varies what it sends."""
        if response.seconds < SLOW or request.method in READ_METHODS:
            return
        with self._lock:
            if len(self._all) >= FEW and response.seconds >= TIMES * median(self._all):
                self._spent.setdefault(_door(request), []).append(response.seconds)

    def refusal(self, request: Request) -> str:
        """Why a probe may not ask that door any more, or an empty text."""
        with self._lock:
            spent = self._spent.get(_door(request), [])
            if sum(spent) < self._most:
                return ""
            return (
                f"answers there take {median(spent):.1f} s each, far longer than elsewhere: after {len(spent)} of them "
                "probes sent no more; --depth deep asks on"
            )


def _door(request: Request) -> tuple[str, str]:
    return request.method, request.target.partition("?")[0]
