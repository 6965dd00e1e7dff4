"""The calls that stand between two lines of a file. The facts hold all calls in the order of their places, so nothing is looked through."""

from bisect import bisect_left
from collections.abc import Iterator

from stopper.core.facts import SourceFacts
from stopper.core.values import Call


def calls_between(facts: SourceFacts, path: str, first: int, last: int) -> Iterator[Call]:
    """The calls that begin on one of these lines of that file, in their order, tests left out."""
    if path in facts.tests:
        return
    every = facts.all_calls
    for number in range(bisect_left(every, (path, first), key=_place), len(every)):
        call = every[number]
        if call.span is None or call.span.path != path or call.span.line > last:
            return
        yield call


def _place(call: Call) -> tuple[str, int]:
    return (call.span.path, call.span.line) if call.span is not None else ("", 0)
