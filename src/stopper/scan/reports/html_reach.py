"""Who got what in the HTML report: one row a route-method, one column each, the head stays while one scrolls."""

from html import escape

from stopper.scan.reached import Cell
from stopper.scan.reports.shown import Shown
from stopper.scan.reports.shown_reach import MEANINGS, ShownReach, ShownRow, said


def section(run: Shown) -> str:
    """The section, or an empty text where nothing was asked."""
    reach = run.reach
    if not reach.rows:
        return ""
    heads = "".join(f'<th scope=col title="{escape(name)}">{escape(name)}</th>' for name in reach.names)
    rows = "".join(_row(reach, row) for row in reach.rows)
    legend = "; ".join(f"<b class={state}>{state}</b> {escape(meaning)}" for state, meaning in MEANINGS.items())
    return (
        f"<h2>Who got what ({len(reach.rows)} route-{'method' if len(reach.rows) == 1 else 'methods'})</h2>"
        "<p class=legend>Every status that an honest request got, by who asked. "
        f"{_open(reach)}{legend}; – did not ask.</p>"
        f"<div class=reach tabindex=0 role=region aria-label='Who got what'><table><thead><tr><th scope=col>Route</th>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _open(reach: ShownReach) -> str:
    verb = "lets" if reach.open == 1 else "let"
    return f"{reach.open} of them {verb} in who shows no credential. " if reach.open else ""


def _row(reach: ShownReach, row: ShownRow) -> str:
    cells = "".join(_cell(cell, reach.has_nobody and index == 0) for index, cell in enumerate(row.cells))
    return f"<tr><th scope=row><b>{escape(row.method)}</b> {escape(row.route)}</th>{cells}</tr>"


def _cell(cell: Cell | None, is_nobody: bool) -> str:
    if cell is None:
        return '<td class=none title="did not ask">–</td>'
    name = f"{cell.state} nobody" if is_nobody else cell.state
    return f'<td class="{name}" title="{escape(MEANINGS[cell.state])}">{escape(said(cell))}</td>'
