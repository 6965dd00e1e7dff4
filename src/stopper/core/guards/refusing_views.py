"""Views that do nothing but turn callers away: a method that is not there, an address of what was never built."""

from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.raising import raised_in
from stopper.core.values import Constant, Sequence, Value

_REFUSALS: Final = frozenset({404, 405, 410, 501})


def only_refuses(facts: SourceFacts, function: str) -> bool:
    """That the function raises, or answers 404, 405, 410 or 501, whatever it is asked, and calls nothing else; or does nothing at all."""
    raised = raised_in(facts, function)
    returned = [one.value for one in facts.returns_of(function)]
    calls = list(facts.calls_in(function))
    known = facts.function(function)
    if known is not None and not (known.parameters or raised or returned or calls or facts.conditions_in(function)):
        return not facts.assignments_in(function)  # ``pass``, where something may come one day
    ends = raised or returned or any(call.method == "abort" for call in calls)
    if facts.conditions_in(function) or not ends or not all(map(_is_refusal, returned)):
        return False
    spans = [one.span for one in raised]
    return all(
        call.method == "abort" or (call.span is not None and any(span.holds(call.span) for span in spans))
        for call in calls
    )


def _is_refusal(value: Value) -> bool:
    last = value.items[-1] if isinstance(value, Sequence) and value.items else None
    return isinstance(last, Constant) and last.value in _REFUSALS
