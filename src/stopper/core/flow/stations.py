"""The functions of the project that a value goes through on its way, and what it is made of in each."""

from collections.abc import Iterator

from stopper.core.fact import Function
from stopper.core.facts import SourceFacts
from stopper.core.flow.read_parts import Origin, origins
from stopper.core.values import Call, Value, walk


def stations(
    facts: SourceFacts, value: Value, function: str, depth: int = 3
) -> Iterator[tuple[str, frozenset[Origin]]]:
    """Each function that a value goes through on its way to *function*, itself first, with what the value is made of there."""
    mine = origins(value)
    if mine:
        yield function, mine
    for call in walk(value):
        called = facts.function(call.callee) if isinstance(call, Call) and depth else None
        if called is None or not isinstance(call, Call):
            continue
        reached = reached_in(called, call, mine)
        if reached:
            yield called.name, mine | reached
        if reached or not mine:  # a function without parameters may read the request itself
            for one in facts.returns_of(called.name):
                yield from stations(facts, one.value, called.name, depth - 1)


def reached_in(called: Function, call: Call, mine: frozenset[Origin]) -> frozenset[Origin]:
    """The parameters for which that call passes something that is made of these."""
    return frozenset(
        ("parameter", (called.name, name))
        for index, name in enumerate(called.parameters)
        if mine & origins(call.argument(index, name))
    )
