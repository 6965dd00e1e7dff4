"""Notices when an application forks while it loads: two processes must not both be audited."""

import contextlib
import ctypes
import os
import signal
import time
from pathlib import Path
from typing import Final

from stopper.core.errors import IncompleteError

WAIT: Final = 2.0
"""How long a forked process may take to end or to come out of the import."""
_DIE_WITH_PARENT: Final = 1
"""``PR_SET_PDEATHSIG`` of prctl(2)."""


class Forks:
    """The forks of one process. ``folder`` is where a copy that comes out of the import leaves its mark."""

    def __init__(self, folder: Path) -> None:
        self._mark = folder / "forked"
        self._pids: list[int] = []
        self._is_copy = False

    def watch(self) -> None:
        """From now on every fork is known, and a forked process ends with this one."""
        genuine = getattr(os, "fork", None)
        if genuine is None:
            return

        def fork() -> int:
            pid = int(genuine())
            if pid == 0:
                self._is_copy = True
                _end_with_parent()
            else:
                self._pids.append(pid)
            return pid

        os.fork = fork

    def end_of_import(self, target: str) -> None:
        """Ends a copy here. Raises IncompleteError in the first process when a copy came as far as this."""
        if self._is_copy:
            self._mark.touch()
            os._exit(0)
        until = time.monotonic() + WAIT
        while not self._mark.exists() and any(_is_running(pid) for pid in self._pids) and time.monotonic() < until:
            time.sleep(0.01)
        if self._mark.exists():
            raise IncompleteError(
                f"{target} forks on import, and both processes come out of it; start workers from the server, not from the module"
            )


def _is_running(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except OSError:
        return False


def _end_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
