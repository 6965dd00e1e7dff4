"""What was there and grows by each POST that is sent to it: a cart that holds one thing more, a list of who has voted. What takes that back nobody
is shown, so that one such change of each route is enough."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

from stopper.core.exchange import Request, Response
from stopper.core.probing.ids_in_paths import templated
from stopper.scan.wire.body_members import members_of
from stopper.scan.wire.kept import Kept

WHY: Final = "what it adds to something that was there nothing takes back"
BROKEN: Final = "what was there could not be read any more after it was changed"
LOOKS: Final = 3
"""How often a thing is read again after what was sent to one route: the first change may say what stands there already."""


class Growing:
    """One per courier, shared by all its threads."""

    def __init__(self) -> None:
        self._looked: Counter[str] = Counter()
        self._grown: set[str] = set()
        """Routes by which something grew."""
        self._broken: set[str] = set()
        """Paths of things that the server could not show any more."""
        self._lock = threading.Lock()

    def refusal(self, request: Request, kept: Kept) -> str:
        """Why *request* is not sent, which changes the thing that is *kept*."""
        if kept.read.target in self._broken:
            return BROKEN
        return WHY if request.method == "POST" and _route(request) in self._grown else ""

    def learn(
        self, request: Request, response: Response, kept: Kept, read: Callable[[Request], Response | None]
    ) -> None:
        """Look at the thing again after a POST that went through. ``read`` sends."""
        route = _route(request)
        with self._lock:
            self._looked[route] += request.method == "POST" and response.went_through
            if not response.went_through or request.method != "POST" or self._looked[route] > LOOKS:
                return
        now = read(kept.read)
        if now is None:
            return
        if now.status >= 500:
            self._broken.add(kept.read.target)
        different = kept.different(now) if now.succeeded else []
        if different and not members_of(request).keys() & set(different):
            self._grown.add(route)


def _route(request: Request) -> str:
    """The path of *request* without what says which thing is meant."""
    return templated(request.target.partition("?")[0])[0]
