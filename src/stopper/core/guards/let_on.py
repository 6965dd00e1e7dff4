"""Whether what stands under a test lets the request on."""

from typing import TYPE_CHECKING, Final

from stopper.core.flow.calls_by_place import calls_between
from stopper.core.flow.raising import raised_in
from stopper.core.values import Call, Parameter, is_constant

if TYPE_CHECKING:
    from stopper.core.fact import Condition
    from stopper.core.facts import SourceFacts

_ENDS: Final = frozenset({"abort", "exit", "_exit"})


def lets_request_on(facts: "SourceFacts", outer: "Condition") -> bool:
    """That what stands there lets the request on: it calls the view, or gives back nothing; not an answer of its own."""
    body = outer.body
    if body is None:
        return False
    ended = [call.span for call in facts.calls_in(outer.function) if call.method in _ENDS]
    for call in facts.calls_in(outer.function):
        made = facts.function(call.callee)
        place = made.span if made is not None else None
        if place is not None and any(
            one.method in _ENDS for one in calls_between(facts, place.path, place.line, place.end_line)
        ):
            ended.append(call.span)  # a step of its own
    raised = (one.span for one in raised_in(facts, outer.function))
    if any(span is not None and body.holds(span) for span in (*ended, *raised)):
        return False
    inside = [one.value for one in facts.returns_of(outer.function) if body.holds(one.span)]
    return all(
        is_constant(one, None, True) or isinstance(one, Parameter) or (isinstance(one, Call) and one.callee == "?")
        for one in inside
    )
