"""One look at each file: a digest of its bytes, how it stood, and what it imports. Every other question is answered from there."""

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stopper.scan.source.files import LARGEST, PYTHON, imported_tops


@dataclass(frozen=True, slots=True)
class Look:
    """What one look came to. ``stamp`` is the time of the last change and the size; ``tops`` the first words of what it imports,
    asked for Python files alone."""

    digest: bytes
    stamp: tuple[int, int]
    tops: frozenset[str] = frozenset()
    marked: bool = False
    """That it speaks of Stopper, as a comment that suppresses something does."""
    data: bytes | None = field(default=None, repr=False)
    """The bytes, where they are worth keeping until they are read."""


MARK: Final = b"stopper:"
MOST_KEPT: Final = 24 * 1024 * 1024
"""Bytes kept of all files together."""


def look(path: Path, *, imports: bool = False) -> Look:
    """Look at one file. What cannot be read has a digest too: of the reason."""
    stamp = stamp_of(path)
    if not 0 <= stamp[1] <= LARGEST:
        return Look(_digest(f"no file of ours {stamp[1]}".encode()), stamp)
    try:
        data = path.read_bytes()
    except OSError as error:
        return Look(_digest(f"unread {error.errno}".encode()), stamp)
    return Look(_digest(data), stamp, imported_tops(data) if imports else frozenset(), MARK in data, data)


def stamp_of(path: Path | str) -> tuple[int, int]:
    """When a file changed last, and its size; the size is -1 where there is no file and -2 where it is none of bytes."""
    try:
        seen = os.stat(path)
    except OSError:
        return (0, -1)
    return (seen.st_mtime_ns, seen.st_size if stat.S_ISREG(seen.st_mode) else -2)


def looks(paths: Iterable[Path], kept: dict[Path, bytes], *, imports: bool = False) -> dict[Path, Look]:
    """A look at each. The bytes of Python files are put into *kept* as long as there is room."""
    found: dict[Path, Look] = {}
    size = 0
    for path in paths:
        is_python = path.suffix in PYTHON
        one = look(path, imports=imports and is_python)
        if is_python and one.data is not None and size + len(one.data) <= MOST_KEPT:
            kept[path] = one.data
            size += len(one.data)
        found[path] = Look(one.digest, one.stamp, one.tops, one.marked)
    return found


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=20).digest()
