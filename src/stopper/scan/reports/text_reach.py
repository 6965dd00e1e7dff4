"""Who got what on a terminal: the rows that tell most, as many columns as the width holds."""

from typing import Final

from stopper.scan.reports.shown_reach import ShownReach, ShownRow, said, telling_first

_MOST_ROWS: Final = 20
_COLUMN: Final = 12
_LEAST_ROUTE: Final = 24


def lines(reach: ShownReach, width: int) -> list[tuple[str, str]]:
    """Lines with their styles; none where nothing was asked."""
    if not reach.rows:
        return []
    columns = max(1, min(len(reach.names), (width - 2 - _LEAST_ROUTE) // _COLUMN))
    route = min(width - 2 - columns * _COLUMN, max(_LEAST_ROUTE, *(len(_name(row)) + 2 for row in reach.rows)))
    shown = telling_first(reach)[:_MOST_ROWS]
    made = [("Who got what (statuses of honest requests; – did not ask):", "bold")]
    made.append((_line("", reach.names[:columns], route), "dim"))
    made += [(_line(_name(row), [said(cell) for cell in row.cells[:columns]], route), "") for row in shown]
    return [*made, *_left(reach, len(shown), columns), ("", "")]


def _left(reach: ShownReach, rows: int, columns: int) -> list[tuple[str, str]]:
    left = [
        f"{number} more {noun if number == 1 else noun + 's'}"
        for number, noun in ((len(reach.rows) - rows, "route-method"), (len(reach.names) - columns, "column"))
        if number > 0
    ]
    return [(f"  and {' and '.join(left)}: --format html shows all", "dim")] if left else []


def _name(row: ShownRow) -> str:
    return f"{row.method:<6} {row.route}"


def _line(name: str, cells: list[str] | tuple[str, ...], route: int) -> str:
    return "  " + _cut(name, route - 1).ljust(route) + "".join(_cut(cell, _COLUMN - 2).ljust(_COLUMN) for cell in cells)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
