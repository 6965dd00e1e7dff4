"""Comparisons whose outcome is only noted or shown, so that nothing is refused by them."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Comparison, Condition
from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Mapping, Sequence, Truth, Value, options, walk

_NOTES: Final = re.compile(r"(?:.*\.)?(?:debug|info|warning|warn|error|exception|critical|log|print|flash|str|len|get)")
_SHOWS: Final = re.compile(
    r"(?:.*\.)?(?:debug|info|warning|warn|error|exception|critical|log|print|flash|jsonify|dumps|render_template)"
)


def is_asked_in_vain(facts: SourceFacts, one: Comparison) -> bool:
    """That the outcome is seen to be used, and each time only for a line of a log or as a member of what a view answers. What becomes of
    it is unknown where no use is in sight."""
    uses = list(_uses(facts, one))
    return bool(uses) and not one.asserted and not any(uses)


def _uses(facts: SourceFacts, one: Comparison) -> Iterator[bool]:
    """Whether something hangs on the outcome, for each place of the function where it is used."""
    for asked in facts.conditions_in(one.function):
        if asked.span.holds(one.span) or _is_in(one, asked.value):
            yield not only_notes(facts, asked)
    for call in facts.calls_in(one.function):
        if any(_is(one, given) for given in (*call.args, *(value for _, value in call.keywords))):
            yield _SHOWS.fullmatch(call.callee) is None
    for returned in facts.returns_of(one.function):
        for value in options(returned.value):
            if _is_in(one, value) and not isinstance(value, Call):
                yield not (facts.is_view(one.function) and _is_member(one, value))


def _is(one: Comparison, value: Value) -> bool:
    if not isinstance(value, Truth) or len(value.parts) != 2:
        return False
    return value.parts[0] is one.left and value.parts[1] is one.right


def _is_in(one: Comparison, value: Value) -> bool:
    return any(_is(one, part) for part in walk(value, 4))


def _is_member(one: Comparison, value: Value) -> bool:
    """``{"reset": purpose == "reset"}``, also before a status."""
    match value:
        case Mapping():
            return any(_is(one, held) or _is_member(one, held) for _, held in value.items)
        case Sequence():
            return any(_is_member(one, held) for held in value.items)
        case _:
            return False


def only_notes(facts: SourceFacts, asked: Condition) -> bool:
    """That each line of the body is a call that writes to a log."""
    body = asked.body
    if asked.stops or asked.skips or body is None:
        return False
    called = [one for one in facts.calls_in(asked.function) if one.span is not None and body.holds(one.span)]
    noted = {line for one in called if one.span is not None for line in range(one.span.line, one.span.end_line + 1)}
    return all(_NOTES.fullmatch(one.callee) for one in called) and noted.issuperset(range(body.line, body.end_line + 1))
