"""Checks that give back an error or nothing, and whose one caller leaves with it: their tests are tests of the caller."""

from collections.abc import Mapping as MappingType

from stopper.core.fact import Condition
from stopper.core.values import Call, Constant, Sequence, Value, walk
from stopper.scan.source.leaving import refuses
from stopper.scan.source.project import Project
from stopper.scan.source.straight import is_followed


def gates_among(project: Project, calls: MappingType[str, Call]) -> frozenset[str]:
    """Those of the functions, each with the call that runs it, of which this holds: ``ok, error = check(…)`` and ``if not ok: return error``."""
    shaped = {name: call for name, call in calls.items() if _has_shape(project, name) and is_followed(project, call)}
    if not shaped:
        return frozenset()
    leaving: dict[str, list[Condition]] = {}
    for one in project.conditions:
        if one.stops:
            leaving.setdefault(one.function, []).append(one)
    return frozenset(
        name
        for name, call in shaped.items()
        if any(part is call for one in leaving.get(call.function, ()) for part in walk(one.value, 3))
    )


def _has_shape(project: Project, name: str) -> bool:
    """Every return but the last is an error or ``False`` with one, and the last says that nothing is wrong."""
    returned = project.returned.get(name, [])
    if name in project.yielded or not returned:
        return False
    *before, last = returned
    if not _is_fine(last):
        return _is_wrong(last) and all(map(_is_wrong, before))
    return bool(before) and all(map(_is_wrong, before))


def _is_fine(value: Value) -> bool:
    if type(value) is Sequence:
        first = value.items[0] if value.items else None
        return type(first) is Constant and first.value is True
    return type(value) is Constant and value.value in (None, True)


def _is_wrong(value: Value) -> bool:
    if type(value) is Sequence and len(value.items) == 2 and type(first := value.items[0]) is Constant:
        return first.value in (False, None) and type(value.items[1]) is not Constant
    return refuses(value)
