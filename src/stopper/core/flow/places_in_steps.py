"""Which of two places comes first, where a function is read together with the steps that it alone calls."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stopper.core.place import Span
from stopper.core.values import Call

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def is_behind(facts: "SourceFacts", span: Span | None, call: Call) -> bool:
    """That a place stands on the call's line or behind it, where both are written in one function or are reached from there; two places
    that have no function in common are taken for it."""
    mine, other = _ways(facts, span), _ways(facts, call.span)
    return next((mine[one] >= line for one, line in other.items() if one in mine), True)


def _ways(facts: "SourceFacts", span: Span | None) -> dict[str, int]:
    """The line of a place in the function in which it is written, and in those that run that one as a step, innermost first."""
    return {facts.function_around(one): one.line for one in places(facts, span)}


def comes_before(facts: "SourceFacts", asked: Span, place: Span) -> bool:
    """That a question stands before the place in the function that holds the place, itself or in a step which that one calls."""
    return any(one < place for one in _within(facts, asked, facts.function_around(place), 4))


def ways_to(facts: "SourceFacts", place: Span, function: str) -> tuple[Span, ...]:
    """The calls one step nearer to the function, which come to the place; none where the function itself holds it."""
    around = facts.function_around(place)
    if around in ("", function):
        return ()
    reached = (call.span for call in facts.calls(around))
    return tuple(dict.fromkeys(one for one in reached if one is not None and any(_within(facts, one, function, 3))))


def _within(facts: "SourceFacts", span: Span, function: str, steps: int) -> Iterator[Span]:
    """The place where the function holds it, else the calls in it that lead there as a step."""
    around = facts.function_around(span)
    if around == function:
        yield span
    elif around and steps:
        for call in facts.calls(around):
            if call.span is not None:
                yield from _within(facts, call.span, function, steps - 1)


def places(facts: "SourceFacts", span: Span | None, steps: int = 4) -> Iterator[Span]:
    """A place and the calls by which the function in which it is written is reached as a step, innermost first."""
    seen: set[str] = set()
    while span is not None and len(seen) < steps:
        around = facts.function_around(span)
        if not around or around in seen:
            return
        seen.add(around)
        yield span
        span = next((call.span for call in facts.calls(around)), None)
