"""The access table as text for a person."""

from collections.abc import Sequence
from typing import Final, Protocol

_WIDEST: Final = 44
"""Columns of a path; a longer one pushes its own line alone."""
BASES: Final = {
    "declared": "its policy says so",
    "traced": "seen while it ran",
    "proven": "an answer showed it",
    "read": "read in the source",
    "unknown": "could not be told",
}
"""What the words for "how that is known" mean."""


class Door(Protocol):
    """A row of the table, or what a report shows of it."""

    @property
    def method(self) -> str: ...
    @property
    def route(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def who(self) -> str: ...
    @property
    def known(self) -> str: ...


def lines(rows: Sequence[Door], most: int | None = None) -> list[str]:
    """One line a door, what is open or not known first; with *most*, a last line counts what was left out."""
    order = {"open": 0, "unknown": 1, "guarded": 2}
    kept = sorted(rows, key=lambda row: order[row.state]) if most is not None and len(rows) > most else list(rows)
    shown = kept[:most]
    width = min(_WIDEST, max((len(row.route) for row in shown), default=0))
    said = [f"{row.method:<7} {row.route:<{width}}  {row.state:<7}  {row.known:<8}  {row.who}" for row in shown]
    if len(shown) < len(rows):
        said.append(f"and {len(rows) - len(shown)} more")
    return said


def counted(rows: Sequence[Door]) -> str:
    """``12 doors: 8 guarded, 3 open, 1 not known``."""
    numbers = [(state, sum(row.state == state for row in rows)) for state in ("guarded", "open", "unknown")]
    said = ", ".join(f"{count} {'not known' if state == 'unknown' else state}" for state, count in numbers if count)
    noun = "door" if len(rows) == 1 else "doors"
    return f"{len(rows)} {noun}{f': {said}' if said else ''}"
