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
AGAIN: Final = 30
"""Answers of other doors after which one that failed slowly is tried again: a request that broke off may hold the database for seconds, not
for ever."""
HANGS: Final = 2.0
"""Seconds after which an answer that did not come was waited for."""
TRIES: Final = 3
"""Times that one such door is tried again."""
LONGER: Final = 4
"""How many times longer a door is left alone that has hung again."""


class SlowDoors:
    """One per scan, shared by all its threads. Reading is bounded only where no answer comes at all."""

    def __init__(self, depth: Depth) -> None:
        self._most = SECONDS[depth]
        self._lock = threading.Lock()
        self._all: deque[float] = deque(maxlen=REMEMBERED)
        self._spent: dict[tuple[str, str], list[float]] = {}
        self._failed: dict[tuple[str, str], int] = {}
        """Doors whose last slow answer was an error of the server or none, with the answers that had come by then."""
        self._tries: dict[tuple[str, str], int] = {}
        self._heard = 0
        self._silent: dict[tuple[str, str], tuple[int, int]] = {}
        """Doors that gave no answer in time, with how often in a row and when last."""
        self._forgiven: set[tuple[str, str]] = set()

    def learn(self, request: Request, response: Response) -> None:
        """Any answer tells what is usual, and one that did not come in time that the door hangs."""
        with self._lock:
            self._all.append(response.seconds)
            self._heard += 1
            if response.error and response.seconds >= HANGS:
                times = self._silent.get(_asked(request), (0, 0))[0]
                self._silent[_asked(request)] = times + 1, self._heard
            else:
                self._silent.pop(_asked(request), None)

    def hanging(self, request: Request) -> str:
        """Why nobody asks a door for now, or an empty text: it has let somebody wait in vain, as one does whose database another request has
        left locked, or whose view never ends."""
        with self._lock:
            for door in dict.fromkeys((_asked(request), _door(request))):
                times, heard = self._silent.get(door, (0, 0))
                again = AGAIN * LONGER ** (times if request.method in READ_METHODS else times - 1)
                if times and self._heard - heard < again:
                    return f"no answer came there in time ({times} in a row); it is asked again when {again:.0f} others have answered"
            return ""

    def is_forgiven(self, request: Request) -> bool:
        """Whether a door that has let somebody wait in vain is asked at once again, which is done once for each: a server that has just started
        is slow to answer the first."""
        with self._lock:
            door = _asked(request)
            if door not in self._silent or door in self._forgiven:
                return False
            self._forgiven.add(door)
            del self._silent[door]
            return True

    def spent(self, request: Request, response: Response) -> None:
        """Count what the answer to a probe took that only varies what it sends. A door that failed slowly and answers at once again is open."""
        if request.method in READ_METHODS:
            return
        door = _door(request)
        with self._lock:
            if response.seconds < SLOW:
                if self._failed.pop(door, None) is not None:
                    self._spent.pop(door, None)
            elif len(self._all) >= FEW and response.seconds >= TIMES * median(self._all):
                self._spent.setdefault(door, []).append(response.seconds)
                if response.status >= 500 or not response.status:
                    self._failed[door] = self._heard
                else:
                    self._failed.pop(door, None)

    def refusal(self, request: Request) -> str:
        """Why a probe may not ask that door any more, or an empty text."""
        with self._lock:
            door = _door(request)
            spent = self._spent.get(door, [])
            if sum(spent) < self._most or self._may_be_tried_again(door):
                return ""
            return (
                f"answers there take {median(spent):.1f} s each, far longer than elsewhere: after {len(spent)} of them "
                "probes sent no more; --depth deep asks on"
            )

    def _may_be_tried_again(self, door: tuple[str, str]) -> bool:
        """Whether enough was heard elsewhere since *door* failed slowly. One request at a time tries it."""
        failed = self._failed.get(door)
        if failed is None or self._heard - failed < AGAIN or self._tries.get(door, 0) >= TRIES:
            return False
        self._failed[door] = self._heard
        self._tries[door] = self._tries.get(door, 0) + 1
        return True


def _asked(request: Request) -> tuple[str, str]:
    """A reading as it was asked, for its query may have made it take so long; else the door."""
    return (request.method, request.target) if request.method in READ_METHODS else _door(request)


def _door(request: Request) -> tuple[str, str]:
    return request.method, request.target.partition("?")[0]
