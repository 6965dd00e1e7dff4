"""One cause that a function shows in several places is one finding."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts
from stopper.core.labels import CREDENTIALS
from stopper.core.place import Span
from stopper.core.rule import Hit
from stopper.core.values import Parameter, walk

_SEVERAL: Final = 3
"""So many places of one cause: what has to change is how the function is handed it."""

OF_SEVERAL: Final = "places of this function"
"""How the message of such a finding ends: one edit at its place mends nothing."""


def told_once(found: Iterable[tuple[Hit, object]]) -> Iterator[Hit]:
    """The first of the hits that have one cause, with how many places have it; those whose cause is None each for itself."""
    several: dict[object, list[Hit]] = {}
    for number, (hit, cause) in enumerate(found):
        several.setdefault(number if cause is None else cause, []).append(hit)
    for hits in several.values():
        if len(hits) < _SEVERAL:
            yield from hits
        else:
            yield replace(hits[0], message=f"{hits[0].message}, in {len(hits)} {OF_SEVERAL}")


def object_made_at(facts: SourceFacts, span: Span) -> tuple[str, str] | None:
    """The function, and the class of which it makes an object at that place."""
    function = facts.function_around(span)
    calls = (call for call in facts.calls_in(function) if call.span == span) if function else ()
    return next(((function, call.callee) for call in calls if call.method[:1].isupper()), None)


def handed_in(facts: SourceFacts, flow: Flow) -> object:
    """The one parameter by which a credential comes into the function; None where it comes otherwise."""
    given = {
        part.parameter
        for part in walk(flow.value, 5)
        if isinstance(part, Parameter) and part.function == flow.function and facts.derives(part, *CREDENTIALS)
    }
    return (flow.function, given.pop()) if len(given) == 1 else None
