"""What every transport promises, so that one probe runs over all of them."""

from collections.abc import Callable
from typing import Final, Protocol

from stopper.core.exchange import Request, Response
from stopper.core.rule import Surface

BODY_CAP: Final = 1024 * 1024
"""Bytes of a body that are kept; the rest is not read and the response is marked ``truncated``."""

READ_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

Hold = Callable[[], object]
"""Called once, just before the last byte of a request leaves. ``Together`` waits there for the others."""


def at_once() -> None:
    """The hold of a request that waits for nobody."""


class Transport(Protocol):
    """Sends one request at a time from any thread. It never raises for what the other side does."""

    @property
    def surface(self) -> Surface:
        """Which surface of a rule this is."""
        ...

    @property
    def base_url(self) -> str:
        """Scheme, host and port, and the path prefix of the API, without a slash at the end."""
        ...

    def send(self, request: Request, timeout: float, hold: Hold = at_once) -> Response:
        """Send *request* and wait for the answer at most *timeout* seconds; what goes wrong is a Response with ``error``."""
        ...

    def close(self) -> None:
        """Give back every connection."""
        ...
