"""Loaders that bring people whom the application has switched off: a view sets the switch, and who loads them does not ask for it."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.answers.reworded_exceptions import reached
from stopper.core.fact import ClassFact, Function
from stopper.core.people.password_columns import is_table_class
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Item, Member, Name, Parameter, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

SWITCH: Final = re.compile(
    r"(?i)(?:is_)?(?:active|enabled|disabled|blocked|banned|suspended|locked)(?:_at)?|deactivated_at"
)
"""Columns by which an account is switched off."""


def let_in_though_off(
    facts: "SourceFacts", people: Iterable[ClassFact], loaders: Iterable[Function]
) -> Iterator[Function]:
    """The loaders among these that do not ask, where no hook and no decorator of the project does."""
    people = list(people)
    names = {one.name for one in people}
    others = {one.name for one in facts.classes() if is_table_class(one)} - names
    switches = {
        (name, held.span if isinstance(held, Call) else None)
        for one in people
        for name, held in one.attributes.items()
        if SWITCH.fullmatch(name)
    }
    switches = {
        (name, span)
        for name, span in switches
        if _is_set(facts, name, others) or _is_asked_at_the_log_in(facts, name, span)
    }
    if not switches:
        return
    methods = [one for one in facts.functions() if one.owner in names and _asks(facts, one.name, switches)]
    switches |= {(one.name.rpartition(".")[2], None) for one in methods}
    asking = {one for route in facts.routes for one in route.hooks}
    asking |= {by.name for one in facts.functions() for by in one.decorators if facts.function(by.name) is not None}
    inner = {one.name for one in facts.functions() if one.name.rpartition(".")[0] in asking}
    if any(_asks(facts, name, switches) for name in reached(facts, asking | inner)):
        return
    for loader in loaders:
        below = reached(facts, {loader.name})
        if not any(_asks(facts, name, switches) or _holds_claim(facts, name, loader) for name in below):
            yield loader


def _holds_claim(facts: "SourceFacts", function: str, loader: Function) -> bool:
    """``user.version != data["version"]``: tokens from before the switch was set may be of no use, and who they name is not all that is asked."""
    return any(
        isinstance(part, Item)
        and isinstance(part.owner, Parameter)
        and part.owner.function == loader.name
        and (text_of(part.key) or "sub") != "sub"
        and not isinstance(other, Constant)
        for one in facts.comparisons_in(function)
        for side, other in ((one.left, one.right), (one.right, one.left))
        for part in walk(side, 3)
    )


def _is_set(facts: "SourceFacts", name: str, others: set[str]) -> bool:
    """``person.active = False``, as a line that runs: somebody is switched off, and not only on."""
    on = _ON.fullmatch(name) is not None
    return any(
        one.attribute == name
        and one.function
        and "." in one.target
        and not (isinstance(one.value, Constant) and bool(one.value.value) is on)
        and not _is_of(one.into, others)
        for one in facts.assignments()
    )


def _is_asked_at_the_log_in(facts: "SourceFacts", name: str, span: Span | None) -> bool:
    """Who is switched off gets no token, whoever it is that switches people off."""
    giving = {call.function for call in facts.calls("flask_jwt_extended.create_access_token") if call.function}
    return any(_asks(facts, function, {(name, span)}) for function in giving)


def _is_of(thing: Value | None, classes: set[str]) -> bool:
    """That it is a row of one of these tables: ``session.get(Coupon, id)``, ``Coupon.query.get(id)``."""
    return any(
        said in classes or said.rpartition(".query")[0] in classes
        for part in walk(thing, 6)
        if (said := part.dotted if isinstance(part, Name) else part.callee if isinstance(part, Call) else "")
    )


_ON: Final = re.compile(r"(?i)(?:is_)?(?:active|enabled)(?:_at)?")


def _asks(facts: "SourceFacts", function: str, switches: set[tuple[str, Span | None]]) -> bool:
    """That the function looks at a switch: in a query, a test, or what it gives back."""
    words = {name for name, _ in switches}
    columns = {span for _, span in switches if span is not None}
    held: list[Value] = [one.value for one in (*facts.conditions_in(function),)]
    held += [one.value for one in facts.returns_of(function)]
    held += [side for one in facts.comparisons_in(function) for side in (one.left, one.right)]
    for call in facts.calls_in(function):
        if any(name in words for name, _ in call.keywords):
            return True
        held += [*call.args, *(value for _, value in call.keywords), *([call.receiver] if call.receiver else [])]
    return any(_is_switch(part, words, columns) for value in held for part in walk(value, 8))


def _is_switch(part: Value, words: set[str], columns: set[Span]) -> bool:
    if isinstance(part, Member):
        return part.attribute in words
    if isinstance(part, Name):
        return part.dotted.rpartition(".")[2] in words
    return isinstance(part, Call) and part.span in columns
