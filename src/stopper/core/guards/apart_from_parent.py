"""Things that are looked up by their own number below another, when only that other one is asked about: ``/projects/{id}/notes/{note_id}``."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import Route
from stopper.core.fact import Function
from stopper.core.facts import SourceFacts
from stopper.core.owner_names import WHO
from stopper.core.values import Call, Name, Parameter, Value, walk

_JUDGES: Final = re.compile(
    r"(?i)(?:^|_)(?:check|assert|verify|ensure|require|validate|authori[sz]e|allow|permit|deny|can|has|is|may|belongs?|acl|access|permissions?|permitted|allowed|owned?|mine|owner|members?)(?:_|$)"
)
"""Functions that ask whether somebody may have to do with what they are given."""
_ID: Final = re.compile(r"(?i)(?:^|_)(?:id|uuid|uid|pk|number|no)$|[a-z](?:Id|ID|Uuid|UUID)$")
_KIND: Final = re.compile(
    r"(?i)(?:^|_)(?:type|status|state|kind|categor(?:y|ies)|class|role|tag|label|priority|severity|department|country|language|locale|version|revision|template|algorithm|page|offset|limit|year|month|day|index|position|[xyz])_?(?:id|uuid|no|number)?s?$"
)
"""Numbers of what things may be, which belong to nobody, and of a place in a row of things."""
_DEPTH: Final = 6


def looked_up_apart(facts: SourceFacts, route: Route, own: list[Function]) -> Iterator[tuple[Call, str, str]]:
    """The first call that is told a number of the path alone, with its name and that of the thing above it: that one is judged, and nothing
    says that the two belong together."""
    for view, above, child in _below(facts, route, own):
        told = [
            call
            for call in facts.calls_in(view.name)
            if any(_is_of(one, view, frozenset({child})) for one in _given(call))
        ]
        if told and not _are_tied(facts, view, _others(route, child), child):
            yield told[0], child, above
            return


def is_tied_to_judged(facts: SourceFacts, route: Route, own: list[Function], looked_up: Value) -> bool:
    """That what is looked up is held against the thing above it in the path, about which the view asks whose it is."""
    return any(
        _is_of(looked_up, view, frozenset({child})) and _are_tied(facts, view, _others(route, child), child)
        for view, _, child in _below(facts, route, own)
    )


def _below(facts: SourceFacts, route: Route, own: list[Function]) -> Iterator[tuple[Function, str, str]]:
    """The numbers in the path that stand behind one of a thing that the view asks about, with the nearest such."""
    kinds = dict(route.parameters)
    names = [name for name, kind in kinds.items() if kind in ("int", "uuid") or _ID.search(name)]
    for view in own if len(names) > 1 else ():
        judged = [name for name in names[:-1] if name in view.parameters and _is_judged(facts, view, name)]
        for place, child in enumerate(names):
            above = [name for name in judged if names.index(name) < place]
            if above and child in view.parameters and not _KIND.search(child):
                yield view, above[-1], child


def _others(route: Route, child: str) -> frozenset[str]:
    """All else that the path names: what is tied to one of them is tied to what that is tied to."""
    return frozenset(name for name, _ in route.parameters if name != child)


def _given(call: Call) -> list[Value]:
    return [*call.args, *(value for _, value in call.keywords)]


def _are_tied(facts: SourceFacts, view: Function, above: frozenset[str], child: str) -> bool:
    """That something in the view sees both, or that the one below is judged as well."""
    for call in facts.calls_in(view.name):
        given = _given(call)
        if any(_is_of(one, view, frozenset({child})) for one in given) and (
            _JUDGES.search(call.method) or any(_is_of(one, view, above) for one in (*given, call.receiver))
        ):
            return True
    for one in facts.comparisons_in(view.name):
        sides = (one.left, one.right)
        if any(_is_of(side, view, frozenset({child})) for side in sides) and any(
            _is_of(side, view, above) or _says_who(side) for side in sides
        ):
            return True
    asked = [one.value for one in facts.conditions_in(view.name) if one.refuses]
    pairs = [(one.into, one.value) for one in facts.assignments_in(view.name)]
    return any(_is_of(one, view, frozenset({child})) and _is_of(one, view, above) for one in asked) or any(
        (_is_of(into, view, above) and _is_of(value, view, frozenset({child})))
        or (_is_of(into, view, frozenset({child})) and _is_of(value, view, above))
        for into, value in pairs
    )


def _is_judged(facts: SourceFacts, view: Function, above: str) -> bool:
    """``check_access(project_id)``, ``project.owner_id != current_user.id``"""
    return any(
        _JUDGES.search(call.method)
        and any(_is_of(one, view, frozenset({above})) for one in (*_given(call), call.receiver))
        for call in facts.calls_in(view.name)
    ) or any(
        (_is_of(one.left, view, frozenset({above})) and _says_who(one.right))
        or (_is_of(one.right, view, frozenset({above})) and _says_who(one.left))
        for one in facts.comparisons_in(view.name)
    )


def _is_of(value: Value | None, view: Function, names: frozenset[str]) -> bool:
    return value is not None and any(
        isinstance(part, Parameter) and part.parameter in names and part.function == view.name
        for part in walk(value, _DEPTH)
    )


def _says_who(value: Value) -> bool:
    return any(
        WHO.search(part.dotted if isinstance(part, Name) else part.callee) is not None
        for part in walk(value, _DEPTH)
        if isinstance(part, (Name, Call))
    )
