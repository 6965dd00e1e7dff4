"""One look at each file: a digest of its bytes, how it stood, and what it imports. Every other question is answered from there."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from stopper.core.digests import blake2b
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


Standing: TypeAlias = tuple[int, int, int, int]
"""How a file stands: the time of its last change and its size, and by what no program can set back: the time of its last change of any
kind, and its number on the disk."""

MARK: Final = b"stopper:"
MOST_KEPT: Final = 24 * 1024 * 1024
"""Bytes kept of all files together."""


def look(path: Path, *, imports: bool = False, standing: Standing | None = None) -> Look:
    """Look at one file. What cannot be read has a digest too: of the reason. *standing*: how the file stands, where it is known."""
    stamp = (standing or standing_of(path))[:2]
    if not 0 <= stamp[1] <= LARGEST:
        return Look(_digest(f"no file of ours {stamp[1]}".encode()), stamp)
    try:
        data = path.read_bytes()
    except OSError as error:
        return Look(_digest(f"unread {error.errno}".encode()), stamp)
    return Look(_digest(data), stamp, imported_tops(data) if imports else frozenset(), MARK in data, data)


def stamp_of(path: Path | str) -> tuple[int, int]:
    """When a file changed last, and its size; the size is -1 where there is no file and -2 where it is none of bytes."""
    return standing_of(path)[:2]


def standing_of(path: Path | str) -> Standing:
    """How a file stands, with the sizes of :func:`stamp_of`."""
    try:
        seen = os.stat(path)
    except OSError:
        return (0, -1, 0, 0)
    size = seen.st_size if stat.S_ISREG(seen.st_mode) else -2
    return (seen.st_mtime_ns, size, seen.st_ctime_ns, seen.st_ino)


def looks(
    paths: Iterable[Path], kept: dict[Path, bytes], *, imports: bool = False, known: "Known | None" = None
) -> dict[Path, Look]:
    """A look at each. The bytes of Python files are put into *kept* as long as there is room. *known*: looks of an earlier run."""
    found: dict[Path, Look] = {}
    size = 0
    for path in paths:
        is_python = path.suffix in PYTHON
        standing = standing_of(path)
        one = known.take(path, standing, imports and is_python) if known is not None else None
        if one is None:
            one = look(path, imports=imports and is_python, standing=standing)
            if known is not None and one.data is not None:
                known.note(path, standing, one, imports and is_python)
        if one.data is not None:
            if is_python and size + len(one.data) <= MOST_KEPT:
                kept[path] = one.data
                size += len(one.data)
            one = Look(one.digest, one.stamp, one.tops, one.marked)
        found[path] = one
    return found


class Known(Protocol):
    """Looks of an earlier run (:mod:`stopper.scan.kept_looks`)."""

    def take(self, path: Path, standing: Standing, imports: bool) -> Look | None:
        """The look at a file that stands as it did then, where that look has all that is asked."""

    def note(self, path: Path, standing: Standing, seen: Look, imports: bool) -> None:
        """Hear of a look that was taken now."""


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=20).digest()
