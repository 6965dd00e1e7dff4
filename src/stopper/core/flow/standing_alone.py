"""Whether the answer of a call is thrown away: the call is a statement of its own."""

from typing import TYPE_CHECKING

from stopper.core.flow.raising import raised_in
from stopper.core.place import Span
from stopper.core.values import Call, Truth, Value, walk

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
    """That its answer was kept under a name which is looked at, given back or passed on afterwards. Where a function gives back a value
    alone, that value stands there in its place."""
    if call.span is None:
        return False
    read_as = facts.function(call.callee)
    home = facts.function(facts.function_around(call.span))
    used: list[tuple[Span, Value]] = [(one.span, one.value) for one in facts.conditions_in(call.function)]
    used += [(one.span, one.value) for one in facts.returns_of(call.function)]
    used += [(one.span, side) for one in facts.comparisons_in(call.function) for side in (one.left, one.right)]
    for one in facts.calls_in(call.function):
        used += [(one.span or call.span, given) for given in (*one.args, *(held for _, held in one.keywords))]
    for span, value in used:
        in_place = (
            read_as.span
            if read_as is not None and home is not None and home.span.holds(span) and not read_as.span.holds(span)
            else None
        )
        for part in walk(value, 6):
            if isinstance(part, Call) and part.span == call.span:
                return True
            if in_place is not None and isinstance(part, (Call, Truth)) and part.span and in_place.holds(part.span):
                return True
    return False
