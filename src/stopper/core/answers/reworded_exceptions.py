"""Exceptions of a project that are raised in place of others, and say what those said."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from stopper.core.flow.body_models import classes_by_name
from stopper.core.values import Call, Caught

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def worded_by_others(facts: "SourceFacts", value: Caught) -> Iterator[Call]:
    """``raise UpstreamError(error)``: exceptions of the project that what was tried raises, where the class adds no text of its own."""
    plain = {name for name in value.catches if _says_what_it_is_given(facts, name)}
    tried = [callee for one in facts.handlers() if plain and one.span == value.span for callee in one.tried]
    inside = reached(facts, tried) if tried else set[str]()
    for one in facts.raises() if inside else ():
        made = one.value
        if isinstance(made, Call) and made.callee in plain and len(made.args) == 1 and one.function in inside:
            yield made


def raised_as(facts: "SourceFacts", value: Caught) -> Iterator[tuple[Call, str]]:
    """``raise StoreError(str(error))``: exceptions of the project that what was tried raises, each with the function that does it."""
    ours = set(value.catches) & classes_by_name(facts).keys()
    tried = [callee for one in facts.handlers() if ours and one.span == value.span for callee in one.tried]
    inside = reached(facts, tried) if tried else set[str]()
    for one in facts.raises() if inside else ():
        if not isinstance(one.value, Call) or one.value.callee not in ours:
            continue
        if one.function in inside or facts.function_around(one.span) in inside:  # also a part of its one caller
            yield one.value, one.function


def reached(facts: "SourceFacts", callees: Iterable[str], depth: int = 3) -> set[str]:
    """These functions, and those of the project that they call."""
    found: set[str] = set()
    waiting = set(callees)
    for _ in range(depth):
        found |= waiting
        called = {name for callee in waiting for name in _calls_of(facts, callee)}
        waiting = {name for name in called - found if facts.function(name) is not None}
    return found


def _calls_of(facts: "SourceFacts", callee: str) -> tuple[str, ...]:
    function = facts.function(callee) or facts.function(f"{callee}.__init__")
    return function.calls if function is not None else ()


def _says_what_it_is_given(facts: "SourceFacts", name: str) -> bool:
    known = classes_by_name(facts).get(name)
    return known is not None and not {"__init__", "__str__", "__new__"} & set(known.methods)
