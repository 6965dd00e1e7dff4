"""gunicorn's threaded worker, with an end to clients who send slowly: it has no limit of its own for them."""

import contextlib
import socket
from time import monotonic
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

LONGEST_REQUEST: Final = 15.0
"""Seconds for one request from its first byte to the last byte of its answer. The slowest honest one, a log-in that waits for a
place, needs under five."""


class PunctualWorker(ThreadWorker):  # type: ignore[misc]
    """Cuts a connection that keeps a thread for longer than :data:`LONGEST_REQUEST`.

    Eight clients who send one byte a minute would otherwise occupy every thread for ever.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._began: dict[Any, float] = {}

    def handle(self, conn: Any) -> Any:
        """One turn of one connection, in a thread."""
        self._began[conn] = monotonic()
        try:
            return super().handle(conn)
        finally:
            self._began.pop(conn, None)

    def notify(self) -> None:
        """Called by the worker's own loop about once a second."""
        super().notify()
        late = monotonic() - LONGEST_REQUEST
        for conn, began in list(self._began.items()):
            if began < late:
                with contextlib.suppress(OSError):
                    # The thread that waits for it wakes up and reads the end of the stream.
                    conn.sock.shutdown(socket.SHUT_RDWR)
