"""Remembers what `check` found, by everything that went into it: the bytes of every file, the rules, and Stopper itself.

It lies in the user's own cache folder and not in the project: what a project brings along must never be able to say that the project
is clean. A folder or file that somebody else could have written is not used; what is read is checked as if it were foreign.
"""

import contextlib
import os
import stat
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Final

import stopper
from stopper.core.digests import blake2b
from stopper.scan.options import CheckOptions
from stopper.scan.source import dependencies
from stopper.scan.source.looks import Look, look, stamp_of
from stopper.scan.source.partition import Part

FORMAT: Final = "1"
LARGEST: Final = 32 * 1024 * 1024
"""Bytes of what is remembered of one project."""
MOST: Final = 256
"""Remembered projects; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a run reads: a digest of all of it, and how the files stood when they were read for that."""

    digest: str
    stamps: tuple[tuple[str, int, int], ...]


def stem_of(options: CheckOptions) -> bytes:
    """What the keys of all projects of a run have in common: the options, the rules and Stopper itself."""
    digest = blake2b(digest_size=20)
    for part in (FORMAT, stopper.__version__, sys.version, own_code(), str(options.root.absolute())):
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    for part in (*(rule.slug for rule in options.rules), *options.exclude, *map(str, options.paths)):
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    return digest.digest()


def key_of(stem: bytes, options: CheckOptions, part: Part, seen: Mapping[Path, Look]) -> Key:
    """The key of one project of a run. Everything that can change what is said of it goes into it; *seen* are looks at its files."""
    digest = blake2b(stem, digest_size=20)
    stamps: list[tuple[str, int, int]] = []
    around = (folder / "__init__.py" for path in options.paths for folder in path.absolute().parents)
    # A package around what is checked decides the names of modules.
    for path in (*part.files, *dependencies.sources(part.folders), *around):
        known = seen.get(path) or look(path)
        stamps.append((str(path), *known.stamp))
        digest.update(b"\1" + str(path).encode("utf-8", "surrogateescape") + b"\0" + known.digest)
    digest.update(repr(dependencies.installed(part.folders)).encode())
    return Key(digest.hexdigest(), tuple(stamps))


def recall(key: Key) -> bytes | None:
    """What was remembered under that key, None where nothing was or where it cannot be trusted."""
    return read(f"{key.digest}.json")


def remember(key: Key, data: bytes) -> None:
    """Keep a run under its key, unless a file changed meanwhile. A folder that cannot be written to is no error."""
    if not any(stamp_of(path) != (changed, size) for path, changed, size in key.stamps):
        write(f"{key.digest}.json", data)


def read(name: str) -> bytes | None:
    """The bytes of one file of the cache, None where there is none or where somebody else could have written it."""
    folder = _folder()
    if folder is None or not _is_own(folder):
        return None
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as handle:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode) or not _is_ours(seen) or seen.st_size > LARGEST:
            return None
        return handle.read(LARGEST)


def write(name: str, data: bytes) -> None:
    """Put one file into the cache, whole or not at all. A folder that cannot be written to is no error."""
    folder = _folder()
    if folder is None or len(data) > LARGEST:
        return
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_own(folder):
            return
        new = folder / f".new-{os.getpid()}-{time.time_ns()}"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(data)
            os.replace(new, folder / name)
        except OSError:
            os.unlink(new)
            raise


def tidy() -> None:
    """Forget the oldest of what is remembered, where it is too much."""
    folder = _folder()
    if folder is not None and _is_own(folder):
        with contextlib.suppress(OSError):
            _forget_oldest(folder)


def _folder() -> Path | None:
    given = os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(given) if given else Path.home() / ".cache"
    except RuntimeError:
        return None
    return base / "stopper" / "check" if base.is_absolute() else None


def _is_own(folder: Path) -> bool:
    """That nobody else can put files there."""
    try:
        seen = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(seen.st_mode) and _is_ours(seen)


def _is_ours(seen: os.stat_result) -> bool:
    if not hasattr(os, "getuid"):
        return True
    return seen.st_uid == os.getuid() and not seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _forget_oldest(folder: Path) -> None:
    for pattern, most in (("*.json", MOST), ("*.index", 4)):
        kept = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in kept[most:]:
            path.unlink(missing_ok=True)


@lru_cache(maxsize=1)
def own_code() -> str:
    """How the code that judges stands: a version alone would be blind to a rule that is being written."""
    found: list[str] = []
    for name in ("core", "rules", "scan"):
        _add_stamps(found, os.path.join(os.path.dirname(stopper.__file__), name))
    return "\n".join(found)


def _add_stamps(found: list[str], folder: str) -> None:
    with os.scandir(folder) as entries:
        inside = sorted(entries, key=attrgetter("name"))
    for entry in inside:
        if entry.is_dir():
            if entry.name != "__pycache__":
                _add_stamps(found, entry.path)
        elif not entry.name.endswith(".md"):  # the page of a rule decides nothing
            seen = entry.stat()
            found.append(f"{entry.name}:{seen.st_mtime_ns}:{seen.st_size}")
