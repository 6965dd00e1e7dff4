"""Views that do nothing but turn callers away: a method that is not there, an address of what was never built."""

from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.raising import raised_in
from stopper.core.values import Constant, Sequence, Value

_REFUSALS: Final = frozenset({404, 405, 410, 501})
_SAYS: Final = frozenset({"flask.jsonify", "flask.json.jsonify", "flask.make_response", "str", "dict"})
"""What only makes the answer."""


def only_refuses(facts: SourceFacts, function: str) -> bool:
    """That the function raises, or answers 404, 405, 410 or 501, whatever it is asked, or another error where that fails, and calls nothing else;
    or does nothing at all."""
    raised = raised_in(facts, function)
    returned = [one.value for one in facts.returns_of(function)]
    calls = list(facts.calls_in(function))
    known = facts.function(function)
    if known is not None and not (known.parameters or raised or returned or calls or facts.conditions_in(function)):
        return not facts.assignments_in(function)  # ``pass``, where something may come one day
    ends = raised or returned or any(call.method == "abort" for call in calls)
    told = [_status(one) for one in returned]
    if (
        facts.conditions_in(function)
        or not ends
        or (told and _REFUSALS.isdisjoint(told))
        or min(told, default=400) < 400
    ):
        return False
    spans = [one.span for one in raised]
    return all(
        call.method == "abort"
        or call.callee in _SAYS
        or (call.span is not None and any(span.holds(call.span) for span in spans))
        or _is_read_here(facts, call.callee)
        for call in calls
    )


def _is_read_here(facts: SourceFacts, name: str) -> bool:
    """A step of the project that does nothing of its own, or whose lines are read as its one caller's."""
    return (
        facts.function(name) is not None and not facts.returns_of(name) and not any(True for _ in facts.calls_in(name))
    )


def _status(value: Value) -> int:
    last = value.items[-1] if isinstance(value, Sequence) and value.items else None
    return last.value if isinstance(last, Constant) and isinstance(last.value, int) else 200
