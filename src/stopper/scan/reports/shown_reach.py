"""Who got what, as every format shows it: masked names and routes, a cell for each of them in each row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stopper.scan.reached import NOBODY, Cell, Reached, State, names_in
from stopper.scan.reports import masking

MEANINGS: Final[dict[State, str]] = {
    "in": "was let in (2xx)",
    "refused": "was turned away (401, 403, to a log-in)",
    "other": "got another answer, as for a wrong body",
    "absent": "found nothing (404)",
    "failed": "got 429 or an error of the server",
}


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One route-method. ``cells`` are in the order of the table's names; None stands for who did not ask."""

    method: str
    route: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class ShownReach:
    """The whole table, nobody's column first."""

    names: tuple[str, ...] = ()
    rows: tuple[ShownRow, ...] = ()
    has_nobody: bool = False

    @property
    def open(self) -> int:
        """How many rows let nobody in."""
        return sum(self.has_nobody and _is_in(row.cells[0]) for row in self.rows)


def reach_of(found: Sequence[Reached]) -> ShownReach:
    """The table of *found*, masked."""
    names = names_in(found)
    label = "no credential" if "nobody" in names else "nobody"
    rows: list[ShownRow] = []
    for one in found:
        cells = {cell.who: cell for cell in one.cells}
        rows.append(
            ShownRow(masking.line(one.ref.method), masking.line(one.ref.path), tuple(cells.get(name) for name in names))
        )
    shown = tuple(masking.line(name) if name != NOBODY else label for name in names)
    return ShownReach(shown, tuple(rows), NOBODY in names)


def said(cell: Cell | None) -> str:
    """The statuses of a cell, those that let in first; a dash for who did not ask."""
    if cell is None:
        return "–"
    return ", ".join(str(one) for one in sorted(cell.statuses, key=lambda one: (not 200 <= one < 300, one)))


def telling_first(reach: ShownReach) -> tuple[ShownRow, ...]:
    """The rows where nobody is let in, then those that people get differently, then the others."""
    return tuple(sorted(reach.rows, key=lambda row: _rank(reach, row)))


def _rank(reach: ShownReach, row: ShownRow) -> int:
    if reach.has_nobody and _is_in(row.cells[0]):
        return 0
    people = {cell.state for cell in row.cells[reach.has_nobody :] if cell is not None}
    return 1 if len(people) > 1 else 2


def _is_in(cell: Cell | None) -> bool:
    return cell is not None and cell.state == "in"
