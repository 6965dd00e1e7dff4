"""The table of routes and who may pass each."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Flask

from stopper.core.errors import SettingError
from stopper.extension.door import Doors, State
from stopper.extension.limits import texts_of


@dataclass(frozen=True, slots=True)
class Row:
    """One URL rule with one method. ``policy`` is the policy as text, None where there is none; ``limits`` are its limits as text."""

    path: str
    method: str
    endpoint: str
    policy: str | None
    state: State
    limits: str = ""


def rows_of(doors: Doors) -> list[Row]:
    """Every route of the application behind *doors*, by path and method."""
    found = (
        Row(
            rule.rule,
            door.method,
            door.endpoint,
            None if door.policy is None else door.policy.text,
            door.state,
            ", ".join(texts_of(door.limits).values()),
        )
        for rule, door in doors.every()
    )
    return sorted(found, key=lambda row: (row.path, row.method))


def route_table(flask: Flask) -> list[Row]:
    """Every route of *flask* and who may pass it. Raises SettingError when Stopper does not guard it."""
    guard = flask.extensions.get("stopper")
    if guard is None:
        raise SettingError(f"{flask.name} is not guarded; add Stopper(app) where it is made")
    return rows_of(guard.doors)


def as_text(rows: Iterable[Row]) -> str:
    """*rows* as lines for a terminal or a log."""
    lines = [
        (
            row.method,
            row.path,
            row.endpoint,
            (row.policy or row.state.upper()) + (f"  ({row.limits})" if row.limits else ""),
        )
        for row in rows
    ]
    if not lines:
        return ""
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return "\n".join(
        f"  {method:<{widths[0]}}  {path:<{widths[1]}}  {endpoint:<{widths[2]}}  {policy}"
        for method, path, endpoint, policy in lines
    )
