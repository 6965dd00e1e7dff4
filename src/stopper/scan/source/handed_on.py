"""What stands somewhere as a value, and may be called by whoever holds it."""

from collections.abc import Iterable
from typing import cast

from stopper.core.fact import Assignment
from stopper.core.values import Mapping, Name, Sequence, Value
from stopper.scan.source.project import Project


def handed_on(project: Project) -> set[str]:
    """The names that stand somewhere as values: somebody may call what they name."""
    found: set[str] = set()
    met: dict[int, int] = {}
    for call in project.calls:
        if call.args:
            _add_names(found, met, call.args)
        if call.keywords:
            _add_names(found, met, [value for _, value in call.keywords])
    _add_names(found, met, [one.value for one in project.assignments if not _is_table(project, one)])
    _add_names(found, met, [one.value for one in project.returns])
    return found


def _is_table(project: Project, one: Assignment) -> bool:
    """A table of a module: what is taken out of it is called where it is taken out."""
    return type(one.value) is Mapping and not one.function and one.target.rpartition(".")[0] not in project.classes


def _add_names(found: set[str], met: dict[int, int], values: Iterable[Value], depth: int = 3) -> None:
    """``met`` are the lists and mappings that were looked through, with how deep: many values share their parts."""
    for value in values:
        kind = type(value)
        if kind is Name:
            found.add(cast("Name", value).dotted)
        elif kind in (Sequence, Mapping) and met.get(id(value), 0) < depth:
            met[id(value)] = depth
            held = (
                cast("Sequence", value).items if kind is Sequence else [one for _, one in cast("Mapping", value).items]
            )
            _add_names(found, met, held, depth - 1)
