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
