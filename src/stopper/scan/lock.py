"""The lock file of an application's doors: written, read, and compared. Pure; nothing of a machine or a run is in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from stopper.core.errors import UsageError
from stopper.scan.access.row import Row, State

VERSION: Final = "1"
HEADER: Final = (
    "# Every door of the application and who may pass it. Made by `stopper lock`, compared by `stopper lock --check`.\n"
    "# Review a change of this file like a change of code: method, path, state, how it is known, who may pass.\n"
    f"version {VERSION}\n\n"
)
_STATES: Final = frozenset(get_args(State))


@dataclass(frozen=True, slots=True, order=True)
class Locked:
    """One line of the file. ``basis`` is for the reader: a door that is known in another way is the same door."""

    path: str
    method: str
    state: str
    who: str
    basis: str = ""

    @property
    def door(self) -> str:
        """``GET /notes``."""
        return f"{self.method} {self.path}"


def locked(rows: Iterable[Row]) -> tuple[Locked, ...]:
    """The lines of a table, sorted by path and method."""
    return tuple(
        sorted(Locked(_one_word(row.path), row.method, row.state, " ".join(row.who.split()), row.basis) for row in rows)
    )


def _one_word(path: str) -> str:
    return "".join(f"%{ord(char):02X}" if char.isspace() or ord(char) < 32 else char for char in path)


def text(rows: Iterable[Row]) -> str:
    """The file. The same doors give the same bytes."""
    return HEADER + "".join(f"{one.method} {one.path} {one.state} {one.basis} {one.who}\n" for one in locked(rows))


def parse(content: str, name: str) -> tuple[Locked, ...]:
    """The lines of a file called *name*. Raises UsageError with the line that is wrong."""
    found: list[Locked] = []
    has_version = False
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if not has_version:
            has_version = _checked_version(line, name)
            continue
        parts = line.split(" ", 4)
        if len(parts) != 5 or parts[2] not in _STATES or not parts[1].startswith("/"):
            raise UsageError(
                f"{name}:{number} is no door; write the file anew with `stopper lock` and review the change"
            )
        method, path, state, basis, who = parts
        found.append(Locked(path, method, state, who.strip(), basis))
    if not has_version:
        raise UsageError(f"{name} has no version line; write the file anew with `stopper lock` and review the change")
    return tuple(sorted(found))


def _checked_version(line: str, name: str) -> bool:
    word, _, number = line.partition(" ")
    if word != "version":
        raise UsageError(f"{name} has no version line; write the file anew with `stopper lock` and review the change")
    if number.strip() != VERSION:
        raise UsageError(
            f"{name} is of version {number.strip()[:20]}, this Stopper writes {VERSION}; write it anew with `stopper lock`"
        )
    return True


def changes(old: Sequence[Locked], new: Sequence[Locked]) -> tuple[str, ...]:
    """One line for each door that is not as it was, those that let more people in first."""
    before, after = _by_door(old), _by_door(new)
    found: list[tuple[int, str, str]] = []
    for door in before.keys() | after.keys():
        was, now = before.get(door, []), after.get(door, [])
        for index in range(max(len(was), len(now))):
            change = _change(was[index] if index < len(was) else None, now[index] if index < len(now) else None)
            if change is not None:
                rank, word, said = change
                found.append((rank, f"{door[0]}\0{door[1]}", f"{word:<8} {door[1]} {door[0]}: {said}"))
    return tuple(line for _, _, line in sorted(found))


def _by_door(lines: Sequence[Locked]) -> dict[tuple[str, str], list[Locked]]:
    found: dict[tuple[str, str], list[Locked]] = {}
    for one in lines:
        found.setdefault((one.path, one.method), []).append(one)
    return found


def _change(was: Locked | None, now: Locked | None) -> tuple[int, str, str] | None:
    if was is None:
        return (4 if now.state == "guarded" else 1, "new", f"is {_said(now)}") if now is not None else None
    if now is None:
        return 6, "gone", f"was {_said(was)}"
    if (was.state, was.who) == (now.state, now.who):
        return None
    said = f"was {_said(was)}, is {_said(now)}"
    if now.state == "open":
        return 0, "opened", said
    if now.state == "unknown":
        return 2, "doubtful", said
    if was.state == "guarded":
        return 3, "changed", said
    return 5, "closed", said


def _said(one: Locked) -> str:
    return {"open": "open to anyone", "unknown": "not known"}.get(one.state, f"guarded by {one.who}")
