"""A log file of its own mode that begins anew when it is big or old, keeps a few and deletes what is too old.

Several processes may write to one file: each looks whether the file is still the same, and only one at a time turns it over.
"""

import contextlib
import logging
import os
import stat
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

MODE: Final = 0o600


class LogFile(logging.Handler):
    """Writes each record to *path*, mode 0600.

    *most_bytes*: a file that would grow beyond begins anew. *hours*: so does one that was begun so long ago. 0: never.
    *keep*: how many old files stay. *days*: how long an old file may stay. 0: without limit.

    Raises OSError when the file cannot be opened, is a link, or others can write to its folder.
    """

    def __init__(
        self,
        path: Path,
        *,
        most_bytes: int = 20_000_000,
        hours: int = 24,
        keep: int = 14,
        days: int = 30,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._path = path
        self._most, self._seconds, self._keep, self._days = most_bytes, hours * 3600, keep, days
        self._clock = clock
        self._handle = -1
        _judge_folder(path.parent)
        self._open()

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a record that cannot be written goes to logging's own error report."""
        try:
            line = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
            self._turn_if_due(len(line))
            os.write(self._handle, line)  # one call with O_APPEND: lines of two processes never mix
        except Exception:  # noqa: BLE001 - a log call never raises
            self.handleError(record)

    def close(self) -> None:
        """Close the file."""
        with self.lock or contextlib.nullcontext():
            if self._handle >= 0:
                os.close(self._handle)
                self._handle = -1
        super().close()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        self._handle = os.open(self._path, flags, MODE)
        found = os.fstat(self._handle)
        if not stat.S_ISREG(found.st_mode):
            return
        if hasattr(os, "fchmod") and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) != MODE:
            os.fchmod(self._handle, MODE)
        # The day it was begun is told by its first line's file: the birth time is not to be had everywhere.
        self._begun = found.st_mtime if found.st_size else self._clock()

    def _turn_if_due(self, size: int) -> None:
        if self._handle < 0 or not self._is_same():
            self._reopen()
        if not self._is_due(size):
            return
        with _alone(self._path):
            if not self._is_same():  # another process was faster
                self._reopen()
            if self._is_due(size):
                self._turn()

    def _is_same(self) -> bool:
        try:
            here, there = os.fstat(self._handle), os.stat(self._path, follow_symlinks=False)
        except OSError:
            return False
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)

    def _reopen(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        self._open()

    def _is_due(self, size: int) -> bool:
        written = os.fstat(self._handle).st_size
        if not written:
            return False
        too_big = bool(self._most) and written + size > self._most
        return too_big or (bool(self._seconds) and self._clock() - self._begun >= self._seconds)

    def _turn(self) -> None:
        stamp = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y%m%dT%H%M%S")
        number = 0
        while (aside := self._path.with_name(f"{self._path.name}.{stamp}.{number:03}")).exists():
            number += 1
        self._path.rename(aside)
        self._reopen()
        self._sweep()

    def _sweep(self) -> None:
        old = sorted(self._path.parent.glob(f"{self._path.name}.[0-9]*T*.[0-9]*"), reverse=True)
        limit = self._clock() - self._days * 86400
        for number, path in enumerate(old):
            too_many = bool(self._keep) and number >= self._keep
            if too_many or (self._days and path.stat().st_mtime < limit):
                path.unlink(missing_ok=True)


def _judge_folder(folder: Path) -> None:
    mode = folder.stat().st_mode
    if os.name == "posix" and mode & 0o022 and not mode & stat.S_ISVTX:
        raise PermissionError(f"{folder}: others can write into this folder (mode {stat.S_IMODE(mode):04o})")


@contextlib.contextmanager
def _alone(path: Path) -> Generator[None]:
    """Hold the right to turn the file over, among all processes of this machine."""
    try:
        import fcntl
    except ImportError:  # without it one process writes
        yield
        return
    handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), MODE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
