"""The edit that answers with a fixed text and writes what happened into the log."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from stopper.core.edits.call_edits import calls_at
from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.rule import Edit
from stopper.core.values import Value, parts

TEXT: Final = "the request failed"


def told_to_the_log(facts: SourceFacts, place: Span, gives_away: Callable[[Value], bool]) -> Edit | None:
    """*place* (a response, or what hands a text to one) with a fixed text for every value that *gives_away* says yes to.

    None where none of them stands there: what was put into a variable first may be used for more than the answer.
    """
    found = [one for value in _given(facts, place) for one in _outermost(value, gives_away)]
    spans = {one.span for one in found if one.span is not None and place.holds(one.span)}
    if not found or len(spans) < len({one.span for one in found}):
        return None
    line = Edit(
        place, f'logging.getLogger(__name__).exception("{TEXT}")', False, imports=("logging",), how="line-before"
    )
    first, *others = (Edit(span, f'"{TEXT}"', safe=False) for span in sorted(spans))
    return replace(first, also=(*others, line))


def _given(facts: SourceFacts, place: Span) -> Iterator[Value]:
    yield from facts.once("what is returned, by place", lambda: _returned(facts)).get(place, ())
    for call in calls_at(facts, place):
        yield from (*call.args, *(value for _, value in call.keywords))


def _returned(facts: SourceFacts) -> dict[Span, list[Value]]:
    found: dict[Span, list[Value]] = {}
    for one in facts.returns():
        found.setdefault(one.span, []).append(one.value)
    return found


def _outermost(value: Value, gives_away: Callable[[Value], bool], depth: int = 12) -> Iterator[Value]:
    if gives_away(value):
        yield value
    elif depth:
        for part in parts(value):
            yield from _outermost(part, gives_away, depth - 1)
