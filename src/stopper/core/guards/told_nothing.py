"""Decorators of the project that could be told what to ask for (roles, scopes), and are told nothing, or do not look at it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stopper.core.flow.nested_functions import inside
from stopper.core.values import Parameter, Sequence, Value, is_constant, walk

if TYPE_CHECKING:
    from stopper.core.fact import Decorator
    from stopper.core.facts import SourceFacts


def is_told_nothing(facts: "SourceFacts", decorator: "Decorator") -> bool:
    """``@bearer()`` of a function that looks at what it is told, and is told nothing: it asks for no role and no scope then."""
    call = decorator.call
    if call is None or facts.function(decorator.name) is None or call.args or call.keywords or call.open:
        return False
    asked = [part for part in _looked_at(facts, decorator.name) if isinstance(part, Parameter)]
    own = [part for part in asked if part.function == decorator.name]
    return bool(own) and all(_is_empty(part.default) for part in own)


def is_told_in_vain(facts: "SourceFacts", decorator: "Decorator") -> bool:
    """``@bearer("orders:write")`` of a function that never looks at what it is told."""
    call, function = decorator.call, facts.function(decorator.name)
    if call is None or function is None or not (call.args or call.keywords) or not inside(facts, decorator.name):
        return False
    parameters = [
        part
        for part in _looked_at(facts, decorator.name)
        if isinstance(part, Parameter) and part.function == decorator.name
    ]
    return not parameters


def _is_empty(default: Value | None) -> bool:
    return (
        default is None
        or is_constant(default, None, "", False)
        or (isinstance(default, Sequence) and not default.items)
    )


def _looked_at(facts: "SourceFacts", name: str) -> Iterator[Value]:
    """Everything in what the inner functions call, compare, test and give back."""
    for one in inside(facts, name):
        for call in facts.calls_in(one):
            yield from walk(call, 6)
        for compared in facts.comparisons_in(one):
            for side in (compared.left, compared.right):
                yield from walk(side, 5)
        for asked in facts.conditions_in(one):
            yield from walk(asked.value, 5)
        for returned in facts.returns_of(one):
            yield from walk(returned.value, 6)
