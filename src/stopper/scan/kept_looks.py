"""Looks at files, remembered by how each file stood: what did not change is not fetched again to see that it holds the same bytes.

The size and the two times of change are compared, to the nanosecond, and the number on the disk. A program can set back the one time
but not the other. A file that changed just before it was looked at is not remembered: it could change again within what the
disk's clock can tell apart. The file lies in the user's cache, under the conditions of :mod:`stopper.scan.cache`.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, Final

from stopper.core.digests import blake2b
from stopper.scan import cache
from stopper.scan.source.looks import Look, Standing

WORTH_KEEPING: Final = 400
"""Files of one run below which looking at each costs less than remembering."""
_HEX: Final = 40
"""Signs of a digest."""
WORTH_WRITING: Final = 40
"""New looks below which the file is left as it is: they are taken again by the next run, until they are as many."""
SETTLED: Final = 2_000_000_000
"""Nanoseconds that a file must have stood when it was looked at: the coarsest clock of a disk in use (FAT) ticks so often."""


class KeptLooks:
    """The looks of earlier runs over the same paths; :meth:`keep` writes what is new."""

    def __init__(self, stem: bytes) -> None:
        self._name = f"{blake2b(stem, digest_size=20).hexdigest()}.looks.json"
        self._known = _taken(cache.read(self._name))
        self._now = time.time_ns()
        self._held: dict[str, list[Any]] = {}
        self._new = 0

    def take(self, path: Path, standing: Standing, imports: bool) -> Look | None:
        """The look at a file that stands as it did then, where that look has all that is asked."""
        name = str(path)
        said = self._known.get(name)
        if said is None or tuple(said[:4]) != standing:
            return None
        digest, marked, tops = said[4:]
        if imports and tops is None:
            return None
        self._held[name] = said
        return Look(bytes.fromhex(digest), standing[:2], frozenset(tops.split()) if imports else frozenset(), marked)

    def note(self, path: Path, standing: Standing, seen: Look, imports: bool) -> None:
        """Remember a look that was taken now."""
        if max(standing[0], standing[2]) < self._now - SETTLED:
            tops = " ".join(sorted(seen.tops)) if imports else None
            self._held[str(path)] = [*standing, seen.digest.hex(), seen.marked, tops]
            self._new += 1

    def keep(self) -> None:
        """Write what is known now, where that is worth it."""
        if self._new >= WORTH_WRITING:
            cache.write(self._name, json.dumps(self._held, separators=(",", ":")).encode())


def kept_looks(stem: bytes, files: int) -> KeptLooks | None:
    """The looks of earlier runs with that stem; None where they are not worth it, or where the system has no time that stays as it is."""
    return KeptLooks(stem) if files >= WORTH_KEEPING and os.name == "posix" else None


def _taken(data: bytes | None) -> dict[str, list[Any]]:
    """What was remembered, if it has the shape that writing gives."""
    try:
        said: dict[str, list[Any]] = json.loads(data) if data is not None else {}
        return said if all(_is_look(one) for one in said.values()) else {}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _is_look(said: Any) -> bool:
    modified, size, changed, number, digest, marked, tops = said
    whole = type(modified) is int and type(size) is int and type(changed) is int and type(number) is int
    texts = type(digest) is str and len(digest) == _HEX and (tops is None or type(tops) is str)
    return whole and texts and len(bytes.fromhex(digest)) * 2 == _HEX and type(marked) is bool
