"""Keys that nobody knows and that pass all the same: where a look-up finds nothing, a caller is made up."""

from collections.abc import Iterator
from typing import Final

from stopper.core.api_key_names import is_key_reading
from stopper.core.body_models import classes_by_name
from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.request_hooks import BEFORE, hung
from stopper.core.unjudged_keys import asks_absence
from stopper.core.values import Call, Choice, Item, Mapping, Parameter, Value, options, walk

_DEPTH: Final = 10


def made_up_callers(facts: SourceFacts) -> Iterator[Span]:
    """Where a hook or a decorator refuses who sends no key, and takes whatever is sent for somebody."""
    hooks = hung(facts, *BEFORE)
    for condition in facts.conditions():
        name = condition.function
        if (
            not condition.refuses
            or not asks_absence(condition.value, condition.negated)
            or not _by_key(condition.value)
        ):
            continue
        if name not in hooks and not any(
            isinstance(one.value, Call) and one.value.callee == "?" for one in facts.returns_of(name)
        ):
            continue
        if any(one.refuses and one is not condition for one in facts.conditions_in(name)):
            continue
        given = [(one.value, one.span) for one in facts.assignments_in(name)]
        given += [(call, call.span) for call in facts.calls_in(name) if call.span is not None]
        told = next((span for value, span in given if _makes_up(facts, value)), None)
        if told is not None:
            yield told


def _makes_up(facts: SourceFacts, value: Value) -> bool:
    if isinstance(value, Choice):  # ``find(key) or {"id": …}``
        made = [one for one in value.options if _is_record(facts, one)]
        return bool(made) and len(made) < len(value.options) and any(map(_by_key, value.options))
    if isinstance(value, Item):  # ``CLIENTS.get(key, Client(key))``
        return value.default is not None and _by_key(value.key) and _is_record(facts, value.default)
    if not isinstance(value, Call) or not any(map(_by_key, value.args)):
        return False
    if value.method == "setdefault":
        return len(value.args) > 1 and _by_key(value.args[0]) and _is_record(facts, value.args[1])
    returned = [one for given in facts.returns_of(value.callee) for one in options(given.value)]
    made = [one for one in returned if _is_record(facts, one) and _is_of_given(one, value.callee)]
    return bool(made) and len(made) < len(returned)


def _is_record(facts: SourceFacts, value: Value) -> bool:
    """Somebody who is written out: a dict with something in it, an object of a class of the project."""
    if isinstance(value, Mapping):
        return bool(value.items)
    return isinstance(value, Call) and value.callee in classes_by_name(facts)


def _is_of_given(value: Value, function: str) -> bool:
    """That the record is made of what the function was given."""
    return any(
        is_key_reading(part) or (isinstance(part, Parameter) and part.function == function)
        for part in walk(value, _DEPTH)
    )


def _by_key(value: Value) -> bool:
    return any(is_key_reading(part) for part in walk(value, _DEPTH))
