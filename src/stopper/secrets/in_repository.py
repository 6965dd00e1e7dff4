"""Whether a secret also stands in the repository: its files that git follows, and its history. Tells places, never lines."""

import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stopper.core.registry import spellings
from stopper.core.secret import Secret

SHORTEST: Final = 8
"""Shorter values are words that stand anywhere."""
LARGEST_FILE: Final = 8 * 1024 * 1024
MOST_HISTORY: Final = 512 * 1024 * 1024
LONGEST_SECONDS: Final = 60.0
MOST_PLACES: Final = 10
_HUNK: Final = re.compile(rb"@@ -\S+ \+(\d+)")
_GIT: Final = ("-c", "core.quotePath=false", "-c", "core.fsmonitor=false")


@dataclass(frozen=True, slots=True)
class Found:
    """``places`` by the secret's name; ``notes`` say what was not searched."""

    places: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Search:
    needles: Mapping[str, tuple[bytes, ...]]
    places: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    notes: list[str] = field(default_factory=list[str])

    def hit(self, name: str, place: str) -> None:
        found = self.places.setdefault(name, [])
        if len(found) < MOST_PLACES and place not in found:
            found.append(place)


def search(root: Path, values: Mapping[str, Secret], commits: int) -> Found:
    """Where the *values* stand in the repository around *root*: all files that git follows, and the last *commits* commits.

    The values never become arguments of a command.
    """
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None:
        return Found({}, ("the repository was not searched: git is not installed, or there is no repository here",))
    work = _Search({name: forms for name, value in values.items() if (forms := _needles(value))})
    short = sorted(set(values) - set(work.needles))
    if short:
        work.notes.append(f"not looked for, being too short: {', '.join(short)}")
    folder = Path(top.decode("utf-8", "surrogateescape").strip("\n"))
    _search_files(work, folder)
    if commits:
        _search_history(work, folder, commits)
    return Found({name: tuple(found) for name, found in work.places.items()}, tuple(work.notes))


def _needles(value: Secret) -> tuple[bytes, ...]:
    """The spellings to look for. Of a text of several lines its longest line is enough, and stands on one line."""
    text = max(value.reveal().splitlines() or [""], key=len)
    if len(text) < SHORTEST:
        return ()
    return tuple(form.encode("utf-8", "surrogateescape") for form in spellings(text) if len(form) >= SHORTEST)


def _search_files(work: _Search, folder: Path) -> None:
    listed = _git(folder, "ls-files", "--cached", "-z") or b""
    for raw in sorted(set(listed.split(b"\0")) - {b""}):
        name = raw.decode("utf-8", "surrogateescape")
        path = folder / name
        try:
            if path.is_symlink() or not path.is_file():
                continue
            if path.stat().st_size > LARGEST_FILE:
                work.notes.append(f"{_shown(name)} was not searched: larger than {LARGEST_FILE // 1024 // 1024} MiB")
                continue
            data = path.read_bytes()
        except OSError:
            work.notes.append(f"{_shown(name)} was not searched: it cannot be read")
            continue
        for secret, line in _lines_with(work, data):
            work.hit(secret, f"{_shown(name)}:{line}")


def _lines_with(work: _Search, data: bytes) -> Iterator[tuple[str, int]]:
    for secret, forms in work.needles.items():
        for form in forms:
            at = data.find(form)
            while at >= 0:
                yield secret, data.count(b"\n", 0, at) + 1
                at = data.find(form, at + len(form))


def _search_history(work: _Search, folder: Path, commits: int) -> None:
    command = ["git", *_GIT, "-C", str(folder), "log", "--all", "-p", "-U0", "--no-color", "--no-ext-diff", "--no-textconv",
               "--no-renames", f"--max-count={commits}", "--format=%x00%h"]  # fmt: skip
    seen = {name: {place.rpartition(":")[0] for place in found} for name, found in work.places.items()}
    ends, size = time.monotonic() + LONGEST_SECONDS, 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as git:
        assert git.stdout is not None
        try:
            commit, path, line = "", "", 0
            for raw in git.stdout:
                size += len(raw)
                if size > MOST_HISTORY or time.monotonic() > ends:
                    work.notes.append(f"the history was searched back to {commit} only: it is long")
                    break
                if raw.startswith(b"\0"):
                    commit = raw[1:].decode("ascii", "replace").strip()
                elif raw.startswith(b"+++ "):
                    path = raw[6:].decode("utf-8", "surrogateescape").rstrip("\n\t").rstrip('"')
                elif raw.startswith(b"@@"):
                    found = _HUNK.match(raw)
                    line = int(found[1]) if found else 0
                elif raw.startswith(b"+"):
                    for secret in _in_line(work, raw):
                        if path not in seen.get(secret, ()):
                            work.hit(secret, f"{_shown(path)}:{line} (commit {commit})")
                    line += 1
        finally:
            git.kill()


def _in_line(work: _Search, raw: bytes) -> Sequence[str]:
    return [secret for secret, forms in work.needles.items() if any(form in raw for form in forms)]


def _shown(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name)


def _git(folder: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(["git", *_GIT, "-C", str(folder), *arguments], capture_output=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
