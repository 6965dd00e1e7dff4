"""Secrets in files, as Docker and Kubernetes mount them. A file that others may change or read is refused."""

import os
import stat
from pathlib import Path
from typing import Final

from stopper.core.secret import Secret
from stopper.secrets.backend import LARGEST, Document
from stopper.secrets.errors import FetchError

_MOUNTED: Final = (Path("/run/secrets"), Path("/var/run/secrets"))
"""Where container engines mount secrets, world-readable by default: nobody else lives in the container."""
_KUBERNETES: Final = "..data"
"""The link through which every file of a Kubernetes volume goes; its files are 0644 by default."""


class FileBackend:
    """Reads files of at most 64 KiB anew each time. *allow_readable*: also those that every user of the machine may read."""

    def __init__(self, *, allow_readable: bool = False) -> None:
        self._allow_readable = allow_readable

    def read(self, path: str) -> Document:
        """The content without one line end at its end.

        The file must be a regular one, belong to this user or to root, and be writable by nobody else; readable by nobody else
        either, unless a container engine mounted it. A link may lead only to the same folder, as in a Kubernetes volume.
        """
        declared = Path(path)
        real = _resolved(declared)
        try:
            # Not blocking: a pipe under the name must not hang the start. What is judged is what was opened.
            handle = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
        except OSError as wrong:
            why = (wrong.strerror or "error").lower()
        else:
            try:
                return self._read(handle, declared, real)
            finally:
                os.close(handle)
        raise FetchError("denied", f"{path} cannot be opened: {why}; let this process's user read it")

    def read_previous(self, path: str, current: Document) -> Document | None:
        """A file has no versions."""
        return None

    def close(self) -> None:
        """Nothing is held."""

    def _read(self, handle: int, declared: Path, real: Path) -> Document:
        about = os.fstat(handle)
        self._judge(about, declared, real)
        value = _content(handle)
        if value is None:
            raise FetchError("malformed", f"{declared} is larger than {LARGEST // 1024} KiB; a secret is smaller")
        if not value:
            raise FetchError("missing", f"{declared} is empty; write the secret into it")
        return Document(value, changed=about.st_mtime)

    def _judge(self, about: os.stat_result, declared: Path, real: Path) -> None:
        if not stat.S_ISREG(about.st_mode):
            raise FetchError("malformed", f"{declared} is not a regular file")
        if os.name != "posix":
            return
        _judge_owner(about, f"{declared}")
        _judge_folder(real.parent)
        if about.st_mode & 0o022:
            raise FetchError("denied", f"others may write to {declared}; type: chmod go-w {declared}")
        if about.st_mode & 0o004 and not (self._allow_readable or _is_mounted(declared, real)):
            raise FetchError("denied", f"every user may read {declared}; type: chmod o-r {declared}")


def _resolved(declared: Path) -> Path:
    """Where *declared* leads. Raises FetchError when that is outside of its own folder."""
    try:
        folder, real = declared.parent.resolve(strict=True), declared.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise FetchError("missing", f"there is no file {declared}; mount it, or declare another reference") from None
    except (OSError, RuntimeError):  # links in a circle, a folder that is closed
        raise FetchError("denied", f"{declared} cannot be reached; look at its folders and links") from None
    if not real.is_relative_to(folder):
        raise FetchError("denied", f"{declared} is a link out of its folder; declare the file itself")
    return real


def _judge_owner(about: os.stat_result, name: str) -> None:
    if about.st_uid not in (0, os.geteuid()):
        raise FetchError("denied", f"{name} belongs to another user; let this process's user or root own it")


def _judge_folder(folder: Path) -> None:
    about = folder.stat()
    _judge_owner(about, f"the folder {folder}")
    if about.st_mode & 0o022 and not about.st_mode & stat.S_ISVTX:
        raise FetchError("denied", f"others may replace files in {folder}; type: chmod go-w {folder}")


def _is_mounted(declared: Path, real: Path) -> bool:
    return any(declared.is_relative_to(one) or real.is_relative_to(one.resolve()) for one in _MOUNTED) or (
        (declared.parent / _KUBERNETES).is_symlink() and real.parent == (declared.parent / _KUBERNETES).resolve()
    )


def _content(handle: int) -> Secret | None:
    pieces: list[bytes] = []
    left = LARGEST + 3  # one more than the cap with a line end
    while left > 0 and (piece := os.read(handle, left)):
        pieces.append(piece)
        left -= len(piece)
    raw = b"".join(pieces)
    raw = raw.removesuffix(b"\n").removesuffix(b"\r") if raw.endswith(b"\n") else raw
    return Secret(raw) if len(raw) <= LARGEST else None
