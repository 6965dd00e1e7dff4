"""What a value is made of across functions: what the project's own functions give back, and what callers pass."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.passing import handed
from stopper.core.values import Call, Parameter, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

MOST: Final = 400
"""Values that one question looks at: more are generated code or a cycle that grows."""


def through(
    facts: "SourceFacts", value: Value | None, steps: int = 3, depth: int = 6, closed: frozenset[int] | set[int] = frozenset()
) -> Iterator[Value]:  # fmt: skip
    """The value and everything inside it; where that is a call of a function of the project also what it returns, and where it is
    a parameter also what its callers pass, over at most *steps* functions.

    Values whose identity is in *closed* are left out; whoever asks may add to it on the way.
    """
    level = [value] if value is not None else []
    seen: set[int] = set()
    while level and steps >= 0:
        beyond: list[Value] = []
        for start in level:
            for inner in walk(start, depth):
                if id(inner) in seen or id(inner) in closed:
                    continue
                if len(seen) == MOST:
                    return
                seen.add(id(inner))
                yield inner
                beyond.extend(_beyond(facts, inner))
        level = beyond
        steps -= 1


def _beyond(facts: "SourceFacts", value: Value) -> Iterator[Value]:
    if isinstance(value, Parameter):
        yield from handed(facts, value)
    elif isinstance(value, Call) and value.callee[:1] != "?":
        yield from (one.value for one in facts.returns_of(value.callee))
