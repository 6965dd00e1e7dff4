"""Who got what, as a table of values: the answers that each person, and nobody, had from each route-method."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from stopper.core.place import RouteRef

State = Literal["in", "refused", "other", "absent", "failed"]
STATES: Final[tuple[State, ...]] = ("in", "refused", "other", "absent", "failed")
"""The strongest answer first: whoever got in once got in."""
NOBODY: Final = ""
"""The name under which answers to requests without any credential are kept; no person has it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one of them got. ``who`` is a person's name, or ``""`` for nobody; ``statuses`` are all that were seen, sorted."""

    who: str
    state: State
    statuses: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reached:
    """One route-method with a cell for each who asked it."""

    ref: RouteRef
    cells: tuple[Cell, ...]

    def state(self, who: str) -> State | None:
        """What *who* got; None when they did not ask."""
        return next((cell.state for cell in self.cells if cell.who == who), None)


def names_in(rows: Sequence[Reached]) -> tuple[str, ...]:
    """Everybody who asked something: nobody first, then people in the order of their names."""
    return tuple(sorted({cell.who for row in rows for cell in row.cells}))
