"""The access table in the HTML report: one row a door, what is open first, filtered without a script."""

from html import escape
from typing import Final

from stopper.scan.access.text import BASES, counted
from stopper.scan.reports.shown import Shown, ShownDoor

_STATES: Final = (("open", "Open to anyone"), ("unknown", "Not known"), ("guarded", "Guarded"))


def section(run: Shown) -> str:
    """The section, or an empty text where no application was imported."""
    if not run.doors:
        return ""
    groups = "".join(_group(run, state, title) for state, title in _STATES)
    legend = "; ".join(f"<b>{escape(word)}</b> {escape(said)}" for word, said in BASES.items())
    return (
        f"<h2>Who may pass ({escape(counted(run.doors))})</h2>"
        f"<p class=legend>How it is known: {legend}.{escape(_network(run))}</p>{groups}"
    )


def _network(run: Shown) -> str:
    said = {
        "namespace": " The application ran in a network of its own, closed by the kernel.",
        "hooks": " The application's connections to other hosts were refused by hooks in Python; native code does not ask them.",
    }
    return said.get(run.network, "")


def _group(run: Shown, state: str, title: str) -> str:
    doors = [door for door in run.doors if door.state == state]
    if not doors:
        return ""
    rows = "".join(_row(door) for door in doors)
    opened = " open" if state != "guarded" or len(doors) <= 60 else ""
    return (
        f'<details class="doors {state}"{opened}><summary>{title} <b>{len(doors)}</b></summary>'
        "<table><thead><tr><th>Method<th>Route<th>Who may pass<th>Known<th>View</tr></thead>"
        f"<tbody>{rows}</tbody></table></details>"
    )


def _row(door: ShownDoor) -> str:
    where = escape(f"{door.path}:{door.line}" if door.path else door.endpoint)
    stops = "".join(
        f"<li>{escape(one.name)}{f' <span>{escape(one.path)}:{one.line}</span>' if one.path else ''}</li>"
        for one in door.guards
    )
    detail = f"<p>{escape(door.how)}</p>{f'<ul>{stops}</ul>' if stops else ''}"
    return (
        f"<tr><td><code>{escape(door.method)}</code></td><td><code>{escape(door.route)}</code></td>"
        f"<td><details><summary>{escape(door.who)}</summary>{detail}</details></td>"
        f"<td>{escape(door.known)}</td><td><code>{where}</code></td></tr>"
    )
