"""Questions that decide nothing: of a thing with itself, such as only write a line of the log, such as are switched off, and such as stand on the
other way through a view."""

import re
from typing import Final

from stopper.core.fact import Comparison, Condition
from stopper.core.facts import SourceFacts
from stopper.core.flow.steps_run import steps_run
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.owner_names import WHO
from stopper.core.place import Span
from stopper.core.values import Call, Choice, Constant, Member, Parameter, Value, walk

_LOGS: Final = re.compile(r"(?:.*\.)?(?:debug|info|warning|warn|error|exception|critical|log|print|flash|str|len)")
_TELLS: Final = re.compile(rf"{_LOGS.pattern}|(?:flask_login|flask|flask_principal|blinker)\.(?:.*\.)?send")


def is_with_itself(one: Comparison) -> bool:
    """``note.owner_id == note.owner_id``"""
    left, right = one.left, one.right
    same = isinstance(left, Member) and isinstance(right, Member) and left.attribute == right.attribute
    return same and isinstance(left, Member) and isinstance(right, Member) and left.owner == right.owner


def is_only_noted(index: FunctionIndex, name: str, one: Comparison) -> bool:
    """``if note.owner_id != g.user_id: log.warning(…)``, and the request goes on."""
    tests = [asked for asked in index.conditions.get(name, ()) if asked.span.holds(one.span)]
    return bool(tests) and all(only_notes(index, name, asked) for asked in tests)


def is_switched_off(index: FunctionIndex, name: str, one: Comparison) -> bool:
    """``if strict and note.owner_id != g.user_id`` with ``strict=False`` as the default, which no call says otherwise."""
    tests = [asked.value for asked in index.conditions.get(name, ()) if asked.span.holds(one.span)]
    return any(
        isinstance(value, Choice) and value.every and any(_is_off(index, option) for option in value.options)
        for value in tests
    )


def _is_off(index: FunctionIndex, option: Value) -> bool:
    if isinstance(option, Constant):
        return not option.value
    if not isinstance(option, Parameter) or not isinstance(option.default, Constant) or option.default.value:
        return False
    place = option.index if option.index >= 0 else None
    return not any(
        call.open or call.argument(place, option.parameter) is not None for call in index.facts.calls(option.function)
    )


def only_notes(index: FunctionIndex, name: str, asked: Condition) -> bool:
    """That an ``if`` writes something to a log and does nothing else."""
    body = asked.body
    if body is None or asked.stops or any(body.holds(one.span) for one in index.facts.assignments_in(name)):
        return False
    called = [one for one in index.facts.calls_in(name) if one.span is not None and body.holds(one.span)]
    return bool(called) and all(_LOGS.fullmatch(one.callee) or WHO.search(one.callee) for one in called)


def only_tells(facts: SourceFacts, asked: Condition) -> bool:
    """That an ``if`` writes something to a log or sends a signal, and the request goes on as it would without."""
    body, name = asked.body, asked.function
    if body is None or asked.stops or any(body.holds(one.span) for one in facts.assignments_in(name)):
        return False
    called = [one for one in facts.calls_in(name) if one.span is not None and body.holds(one.span)]
    told = [one for one in called if all(_TELLS.fullmatch(step) for step in steps_run(facts, one.callee))]
    beside = {
        part.span for one in told for given in (one, *one.args) for part in walk(given, 4) if isinstance(part, Call)
    }
    return bool(told) and all(one.span in beside for one in called)


def on_another_way(facts: SourceFacts, one: Span, other: Span) -> bool:
    """That they stand under one ``if``, one where it holds and the other in its ``else``: no request comes by both."""
    ways = {(asked.span, asked.negated) for asked in facts.conditions_around(one)}
    return any((asked.span, not asked.negated) in ways for asked in facts.conditions_around(other))
