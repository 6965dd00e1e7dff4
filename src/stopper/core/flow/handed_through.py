"""What a decorator sees of the calls that go through it: ``def wrapper(*args, **kwargs)`` around functions whose parameters have names."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.fact import Function
from stopper.core.flow.passing import callers
from stopper.core.values import NAMED, Call, Format, Parameter, Sequence, Unknown, Value, parts

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_WHOLE: Final = frozenset({"str", "repr", "dict", "json.dumps", "pprint.pformat", "format", "items", "values"})
"""Calls that show all of what they are given; ``", ".join(kwargs)`` and ``list(kwargs)`` show names alone."""
_DEPTH: Final = 5


def handed_through(facts: "SourceFacts", value: Value, function: str) -> frozenset[str]:
    """The names of the parameters whose values are in the ``args`` or ``kwargs`` of the wrapper *function* that *value* shows as a whole."""
    wrapped = _wrapped(facts, function)
    if not wrapped:
        return frozenset()
    by_name = {one.index == NAMED for one in _rests(value)}
    return frozenset(name for each in by_name for one in wrapped for name in _given(facts, one, each))


def _rests(value: Value, depth: int = _DEPTH) -> Iterator[Parameter]:
    if isinstance(value, Parameter):
        if value.index <= NAMED and "." in value.function:
            yield value
    elif depth and (isinstance(value, (Format, Sequence)) or (isinstance(value, Call) and _shows(value))):
        for part in parts(value):
            yield from _rests(part, depth - 1)
    elif isinstance(value, Unknown) and depth == _DEPTH:  # the template and what is put into it
        for part in value.parts:
            yield from _rests(part, depth - 1)


def _shows(call: Call) -> bool:
    return call.callee in _WHOLE or call.method in _WHOLE


def _wrapped(facts: "SourceFacts", wrapper: str) -> tuple[Function, ...]:
    """The functions around which a decorator puts that one, which stands in it or in what it gives back."""
    outer = wrapper.rpartition(".")[0]
    known = facts.once("functions by their decorator", lambda: _by_decorator(facts))
    return known.get(outer, ()) or known.get(outer.rpartition(".")[0], ())


def _by_decorator(facts: "SourceFacts") -> dict[str, tuple[Function, ...]]:
    found: dict[str, tuple[Function, ...]] = {}
    for function in facts.functions():
        for one in function.decorators:
            found[one.name] = (*found.get(one.name, ()), function)
    return found


def _given(facts: "SourceFacts", function: Function, by_name: bool) -> Iterator[str]:
    """The parameters that calls fill, by their names or by their places; a route fills by name what stands in its path."""
    if by_name:
        yield from (name for route in facts.routes_of_view(function.name) for name, _ in route.parameters)
    for call in callers(facts, function.name):
        if by_name:
            yield from (name for name, _ in call.keywords if name in function.parameters)
        else:
            yield from function.parameters[: len(call.args)]
