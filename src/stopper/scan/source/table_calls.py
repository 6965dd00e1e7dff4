"""Functions that are called through a table or a loop: ``SETTERS[name](account, value)``, ``for way in WAYS: way()``."""

from collections.abc import Iterator
from typing import Final

from stopper.core.values import Call, Choice, Constant, Item, Mapping, Name, Sequence, Value
from stopper.scan.source.project import Project

_MOST: Final = 24
"""Functions of one table that are followed."""


def also_called(project: Project, called: Value, callee: str, word: str = "") -> Iterator[str]:
    """The functions of the project that a call may run beside *callee*: every function in the table that *called* is out of, or, where a
    method is called, that method of every object in it."""
    met = {callee}
    for one in _members(called)[:_MOST]:
        name = one.dotted if type(one) is Name else one.callee if type(one) is Call and word else ""
        if word and name in project.classes:
            method = project.attribute(name, word)
            name = method.dotted if type(method) is Name else ""
        elif word:
            continue
        if name not in met and project.has_function(name):
            met.add(name)
            yield name


def _members(value: Value) -> tuple[Value, ...]:
    if type(value) is Choice:
        return tuple([inner for one in value.options for inner in (_members(one) or (one,))])
    if type(value) is not Item or type(value.key) is Constant:
        return ()
    held: tuple[Value, ...] = ()
    if type(value.owner) is Mapping:
        held = tuple([one for _, one in value.owner.items])
    elif type(value.owner) is Sequence:
        held = value.owner.items
    return held if value.default is None else (*held, value.default)
