"""Callers that are made up: for a key that nobody knows, for a token that is bad."""

from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Assignment, Handler
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.request_hooks import BEFORE, hung
from stopper.core.keys.api_key_names import is_key_reading
from stopper.core.keys.unjudged_keys import asks_absence
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Item,
    Mapping,
    Name,
    Parameter,
    Value,
    is_constant,
    options,
    walk,
)

_DEPTH: Final = 10
_ASKS: Final = frozenset({
    "execute", "fetchone", "fetchall", "first", "one", "one_or_none", "scalar", "scalar_one_or_none", "scalars", "find_one", "hgetall",
})  # fmt: skip


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
        told = told or next(
            (one.span for one in facts.assignments_in(name) if _is_unheard(facts, name, one, condition.value)), None
        )
        if told is not None:
            yield told


def _is_unheard(facts: SourceFacts, name: str, one: Assignment, refused: Value) -> bool:
    """``g.partner = KEYS.get(key)``, which nothing asks for: who is not found passes. *refused* is what the function turns away for."""
    value = one.value
    if any(part is value for part in walk(refused, 6)):
        return False
    if not one.target.startswith("g.") or not isinstance(value, Item) or not is_constant(value.default, None):
        return False
    kept = f"flask.{one.target}"
    asked: list[Value] = [condition.value for condition in facts.conditions() if condition.function != name]
    asked += [call for call in facts.calls() if call.function != name]
    return _by_key(value.key) and not any(
        isinstance(part, Name) and part.dotted.startswith(kept) for each in asked for part in walk(each, 5)
    )


def _makes_up(facts: SourceFacts, value: Value) -> bool:
    if isinstance(value, Choice):  # ``find(key) or {"id": …}``
        made = [one for one in value.options if _is_record(facts, one)]
        if made and len(made) < len(value.options) and any(map(_by_key, value.options)):
            return True
        named = any(isinstance(one, Constant) and isinstance(one.value, str) and one.value for one in value.options)
        return named and any(_by_key(one) and not _is_sent(one) for one in value.options)  # ``find(key) or "printer"``
    if isinstance(value, Item):  # ``CLIENTS.get(key, Client(key))``, ``CLIENTS.get(key, "device")``
        other = value.default
        named_so = isinstance(other, Constant) and isinstance(other.value, str) and bool(other.value)
        return other is not None and _by_key(value.key) and (named_so or _is_record(facts, other))
    if not isinstance(value, Call) or not any(map(_by_key, value.args)):
        return False
    if value.method == "setdefault":
        return len(value.args) > 1 and _by_key(value.args[0]) and _is_record(facts, value.args[1])
    returned = [one for given in facts.returns_of(value.callee) for one in options(given.value)]
    made = [
        one for one in returned if _is_record(facts, one) and _is_of_given(one, value.callee) and not _is_found(one)
    ]
    return bool(made) and len(made) < len(returned)


def _is_sent(value: Value) -> bool:
    """The key as it was sent, or a part of it: nobody was looked up by it."""
    while isinstance(value, Call) and value.receiver is not None:
        value = value.receiver
    return is_key_reading(value) or (isinstance(value, Item) and is_key_reading(value.owner))


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


def _is_found(value: Value) -> bool:
    """That something in the record stands in a database: ``Client(row[0])``, of the row that was asked for by the key."""
    return any(isinstance(part, Call) and part.method in _ASKS for part in walk(value, _DEPTH))


def _by_key(value: Value) -> bool:
    return any(is_key_reading(part) for part in walk(value, _DEPTH))


def stands_for_somebody(facts: SourceFacts, handler: Handler) -> bool:
    """That who shows a bad token is taken for somebody who is written out here, ``Caller("guest")`` where a good one is ``Caller(claims["sub"])``,
    that hooks keep this person, and that nothing later turns them away."""
    name = handler.function
    given = [one.value for one in facts.returns_of(name) if handler.span.holds(one.span)]
    if handler.action == "return":
        made = [one for one in given if _is_literal(facts, one)]
        others = [one.value for one in facts.returns_of(name) if not handler.span.holds(one.span)]
        callers = {call.function for call in facts.calls(name)}
        homes = {
            one.target for caller in callers for one in facts.assignments_in(caller) if one.target.startswith("g.")
        }
        return bool(homes) and any(
            _is_same_class(one, other) and _all_pass(facts, one, homes, callers) for one in made for other in others
        )
    for one in facts.assignments_in(name):
        several = tuple(options(one.value))
        if not one.target.startswith("g.") or len(several) < 2:
            continue
        made = [each for each in several if _is_literal(facts, each)]
        if any(
            _is_same_class(each, other) and each is not other and _all_pass(facts, each, {one.target}, {name})
            for each in made
            for other in several
        ):
            return True
    return False


def _is_literal(facts: SourceFacts, value: Value) -> bool:
    """An object of the project with a literal name in it."""
    if not isinstance(value, Call) or value.callee not in classes_by_name(facts):
        return False
    given = (*value.args, *(held for _, held in value.keywords))
    return any(isinstance(one, Constant) and isinstance(one.value, str) and one.value for one in given)


def _is_same_class(one: Value, other: Value) -> bool:
    return isinstance(one, Call) and isinstance(other, Call) and one.callee == other.callee and one is not other


def _all_pass(facts: SourceFacts, made: Value, homes: set[str], own: set[str]) -> bool:
    """That each refusal which looks at the person lets this one on: it asks whether there is one, or for what the caller chose."""
    if not any(
        not {"GET", "HEAD", "OPTIONS"}.issuperset(route.methods) and not own.isdisjoint(route.hooks)
        for route in facts.routes
    ):
        return False
    for one in facts.conditions():
        if not one.refuses or one.function in own:
            continue
        for part in walk(one.value, 6):
            said = part.dotted.removeprefix("flask.") if isinstance(part, Name) else ""
            home = next((each for each in homes if said.startswith(f"{each}.")), None)
            field = said.removeprefix(f"{home}.").partition(".")[0] if home is not None else ""
            if field and not (isinstance(made, Call) and _is_chosen(made.keyword(field))):
                return False
    return True


def _is_chosen(value: Value | None) -> bool:
    return value is not None and any(
        isinstance(part, Name) and part.dotted.startswith("flask.request") for part in walk(value, _DEPTH)
    )
