"""Which values a call passes for a parameter of the function that it calls."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from stopper.core.values import NAMED, REST, Call, Parameter, Value

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def callers(facts: "SourceFacts", function: str) -> Iterator[Call]:
    """The calls that run a function; a constructor is run by calls of its class."""
    yield from facts.calls(function)
    if function.endswith(".__init__"):
        yield from facts.calls(function.removesuffix(".__init__"))


def handed(facts: "SourceFacts", value: Parameter) -> Iterator[Value]:
    """What callers pass for a parameter, call by call; nothing for a call that leaves it out."""
    for call in callers(facts, value.function):
        yield from passed(facts, value, call)


def given(facts: "SourceFacts", value: Parameter) -> tuple[Value, ...]:
    """What a parameter is, one time for each call: what is passed, else its default; without a call its default alone."""
    found: list[Value] = []
    calls = list(callers(facts, value.function))
    for call in calls:
        found += passed(facts, value, call) or (
            (value.default,) if value.default is not None and not call.open else (value,)
        )
    if not calls:
        found.append(value.default if value.default is not None else value)
    return tuple(found)


def passed(facts: "SourceFacts", value: Parameter, call: Call) -> Sequence[Value]:
    """What *call* passes for a parameter; for ``*rest`` and ``**named`` everything that no other parameter takes."""
    if value.index <= REST:
        return call.args[REST - value.index :]
    if value.index == NAMED:
        function = facts.function(value.function)
        own = frozenset(function.parameters if function is not None else ())
        return [given for name, given in call.keywords if name not in own]
    given = call.argument(value.index, value.parameter)
    return () if given is None else (given,)
