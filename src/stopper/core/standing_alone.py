"""Whether the answer of a call is thrown away: the call is a statement of its own."""

from typing import TYPE_CHECKING

from stopper.core.place import Span
from stopper.core.raising import raised_in
from stopper.core.values import Call, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def stands_alone(facts: "SourceFacts", call: Call) -> bool:
    """The call is a statement of its own: it stands in no condition, test, return, raise, assignment and no other call. In a generator nothing is:
    it may stand behind a ``yield``."""
    if call.span is None or ((known := facts.function(call.function)) is not None and known.generates):
        return False
    around: list[Span] = []
    for name in {
        call.function,
        facts.function_around(call.span),
    }:  # the only caller's, where it is read as a part of that one
        around += [one.span for one in facts.returns_of(name)]
        around += [one.span for one in raised_in(facts, name)]
        around += [one.span for one in facts.assignments_in(name)]
        around += [one.span for one in facts.conditions_in(name)]
        around += [one.span for one in facts.calls_in(name) if one is not call and one.span is not None]
    around += facts.asides
    return not any(span.holds(call.span) for span in around) and not _is_used(facts, call)


def _is_used(facts: "SourceFacts", call: Call) -> bool:
    """That its answer was kept under a name which is looked at, given back or passed on afterwards."""
    values: list[Value] = [one.value for one in facts.conditions_in(call.function)]
    values += [one.value for one in facts.returns_of(call.function)]
    values += [side for one in facts.comparisons_in(call.function) for side in (one.left, one.right)]
    values += [
        given for one in facts.calls_in(call.function) for given in (*one.args, *(held for _, held in one.keywords))
    ]
    return any(isinstance(part, Call) and part.span == call.span for value in values for part in walk(value, 6))
