"""Connections to one Redis that were just used, kept at hand: a command costs half of what it does by way of the pool.

The pool looks at each connection before it gives it out, and its client measures, retries and unpacks around every command. One that was
used a moment ago needs none of this: if it has ended meanwhile, the command fails and is sent once more over one from the pool.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from redis import ConnectionPool

Connection = Any
"""One of the driver's kinds of connection; it types one kind alone."""

KEEP_SECONDS: Final = 1.0
"""One that lay idle for longer goes back to the pool, which looks whether it still lives."""
MOST_KEPT: Final = 32


class RecentConnections:
    """Sends single commands. Safe for threads; a forked child calls :meth:`forget`."""

    def __init__(self, pool: "ConnectionPool", monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool: Any = pool
        self._monotonic = monotonic
        self.forget()

    def forget(self) -> None:
        """Keep none of those that are kept: a child process must not speak over its parent's."""
        self._idle: deque[tuple[Connection, float]] = deque()

    def release(self) -> None:
        """Give every idle one back to the pool."""
        while (found := self._pop()) is not None:
            self._pool.release(found[0])

    def ask(self, *command: str | int | float | bytes) -> Any:
        """The server's answer to *command*. Raises what the driver raises.

        A connection that has ended is replaced once; a time-out is not tried again, since it has cost its wait.
        """
        from redis.exceptions import ConnectionError as Ended

        connection = self._recent() or self._pool.get_connection()
        try:
            return self._ask(connection, command)
        except Ended:
            return self._ask(self._pool.get_connection(), command)

    def _ask(self, connection: Connection, command: tuple[str | int | float | bytes, ...]) -> Any:
        from redis.exceptions import ResponseError

        try:
            connection.send_packed_command([packed(command)])
            answer = connection.read_response()
        except ResponseError:
            self._keep(connection)  # the answer was read to its end: it says that the command was wrong
            raise
        except BaseException:
            # Whatever is still under way must not be taken for the answer to the next command.
            connection.disconnect()
            self._pool.release(connection)
            raise
        self._keep(connection)
        return answer

    def _recent(self) -> Connection | None:
        found = self._pop()
        if found is None:
            return None
        connection, since = found
        if self._monotonic() - since < KEEP_SECONDS:
            return connection
        self._pool.release(connection)
        self.release()  # the others lay idle for even longer
        return None

    def _pop(self) -> tuple[Connection, float] | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _keep(self, connection: Connection) -> None:
        if len(self._idle) < MOST_KEPT:
            self._idle.append((connection, self._monotonic()))
        else:
            self._pool.release(connection)


def packed(command: tuple[str | int | float | bytes, ...]) -> bytes:
    """*command* as it goes over the wire: an array of texts, each with its length before it, so that none can end another."""
    found = [b"*%d\r\n" % len(command)]
    for piece in command:
        raw = piece if isinstance(piece, bytes) else str(piece).encode()
        found.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(found)
