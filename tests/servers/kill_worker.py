"""Does one thing to a store in a child of its own, and kills that child with -9 at the statement that a line names.

Arguments: database URL, key file. A line: ``operation step value``. The child dies before its statement number *step* (a commit counts as one), or
right after the operation where it has fewer. Answers ``killed``, how many commits were through, and what came next.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine
from tests.servers.issuing import Issuing, issuing

from stopper.auth.clock import system_clock
from stopper.auth.single_use import SingleUse
from stopper.store import open_store

OPERATIONS: dict[str, Callable[[Issuing, str], object]] = {
    "refresh": lambda made, token: made.refresh.refresh(token, client_id="web"),
    "end": lambda made, family: made.refresh.end(family),
    "create": lambda made, _: made.keyring.create(),
    "activate": lambda made, _: made.keyring.activate(),
    "retire": lambda made, kid: made.keyring.retire(kid, at_once=True),
    "redeem": lambda made, value: SingleUse(made.store.single_use, system_clock).redeem("code", value, valid_for=60),
}


class _Death:
    """Before the statement of this number; says how many writing transactions were committed by then, and what came next."""

    def __init__(self, step: int, write: int) -> None:
        self.left, self.write, self.committed = step, write, 0
        event.listen(Engine, "before_cursor_execute", self._statement)
        event.listen(Engine, "commit", self._commit)

    def comes(self, before: str) -> None:
        os.write(self.write, f"{self.committed} {before}".encode())
        os.kill(os.getpid(), signal.SIGKILL)

    def _statement(self, _connection: Any, _cursor: Any, said: str, *_rest: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.comes(said.split()[0])

    def _commit(self, connection: Connection) -> None:
        self._statement(connection, None, "COMMIT")
        self.committed += connection.get_execution_options()["stopper_writes"]


def _in_a_child(url: str, key_file: str, operation: str, step: int, value: str) -> str:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            made = issuing(open_store(url, key_file=Path(key_file)))
            death = _Death(step, write)
            OPERATIONS[operation](made, value)
            death.comes("nothing")
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as told:
        return told.read()


def main(url: str, key_file: str) -> None:
    """Work until stdin ends."""
    for line in sys.stdin:
        operation, step, value = line.split()
        sys.stdout.write(f"killed {_in_a_child(url, key_file, operation, int(step), value)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
