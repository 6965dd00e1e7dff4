"""Which methods of view classes answer."""

from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Return
from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Item, Member, Value, parts
from stopper.scan.source.project import Project

_VERBS: Final = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "dispatch_request"})
_PICKED: Final = frozenset({"?", "getattr.__call__"})
"""How a method is called that is picked by its name."""


def answering(project: Project, facts: SourceFacts, speakers: set[str]) -> set[str]:
    """The methods of view classes that answer: the verbs, and those whose result stands in what an answering one gives back; every one, where
    a method is picked by its name."""
    own: dict[str, list[Return]] = {}
    for found in facts.all_returns:
        owner = found.function.rpartition(".")[0]
        if owner in speakers and owner in project.classes:
            own.setdefault(found.function, []).append(found)
    waiting = [name for name in own if name.rpartition(".")[2] in _VERBS or name in speakers]
    classes = {name.rpartition(".")[0] for name in waiting}
    answering = {name for name in own if name.rpartition(".")[0] not in classes}  # nobody sees which are called
    while waiting:
        name = waiting.pop()
        if name in answering:
            continue
        answering.add(name)
        for part in (part for found in own[name] for part in _given(found.value, 4)):
            if part.callee in own:
                waiting.append(part.callee)
            elif part.callee in _PICKED:
                waiting += [other for other in own if other.rpartition(".")[0] == name.rpartition(".")[0]]
    return answering


def _given(value: Value, depth: int) -> Iterator[Call]:
    """The calls whose results stand in a value; not those of which one member is taken."""
    if isinstance(value, Call):
        yield value
    if depth and not isinstance(value, (Item, Member)):
        for part in parts(value):
            yield from _given(part, depth - 1)
