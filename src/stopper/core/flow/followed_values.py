"""What a value is made of across functions: what the project's own functions give back, and what callers pass."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.flow.kept_values import kept_for
from stopper.core.flow.passing import handed
from stopper.core.values import Call, Item, Mapping, Parameter, Value, parts, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

MOST: Final = 400
"""Values that one question looks at: more are generated code or a cycle that grows."""


def through(
    facts: "SourceFacts", value: Value | None, steps: int = 3, depth: int = 6, closed: frozenset[int] | set[int] = frozenset()
) -> Iterator[Value]:  # fmt: skip
    """The value and everything inside it; where that is a call of a function of the project also what it returns, and where it is
    a parameter also what its callers pass, over at most *steps* functions. Of a mapping that is passed for ``data`` in ``data["url"]`` only
    what stands under that key.

    What a function that is called on the way is given stands in its call: what others give it is nothing to this value. Values whose identity
    is in *closed* are left out; whoever asks may add to it on the way.
    """
    level: list[tuple[Value, frozenset[str]]] = [(value, frozenset())] if value is not None else []
    seen: set[int] = set()
    opened: set[int] = set()
    while level and steps >= 0:
        beyond: list[tuple[Value, frozenset[str]]] = []
        for start, called in level:
            keys = _keys(start, depth)
            for inner in walk(start, depth):
                if id(inner) in closed:
                    continue
                if id(inner) not in seen:
                    if len(seen) == MOST:
                        return
                    seen.add(id(inner))
                    yield inner
                if id(inner) in opened or (isinstance(inner, Parameter) and inner.function in called):
                    continue
                opened.add(id(inner))
                within = called | {inner.callee} if isinstance(inner, Call) and not inner.open else called
                beyond.extend((one, within) for one in _beyond(facts, inner, keys.get(id(inner), frozenset())))
        level = beyond
        steps -= 1


def _keys(start: Value, depth: int) -> dict[int, frozenset[str]]:
    """By the identity of a parameter: the keys that are taken out of it, where nothing else is done with it."""
    found: dict[int, set[str]] = {}
    whole: set[int] = {id(start)}
    for one in walk(start, depth):
        for part in parts(one):
            if not isinstance(part, Parameter):
                continue
            if isinstance(one, Item) and part is one.owner and (key := text_of(one.key)) is not None:
                found.setdefault(id(part), set()).add(key)
            else:
                whole.add(id(part))
    return {identity: frozenset(keys) for identity, keys in found.items() if identity not in whole}


def _beyond(facts: "SourceFacts", value: Value, keys: frozenset[str]) -> Iterator[Value]:
    if isinstance(value, Parameter):
        for one in handed(facts, value):
            if keys and isinstance(one, Mapping) and not one.open:
                yield from (found for key in keys if (found := one.get(key)) is not None)
            else:
                yield one
    elif isinstance(value, Call) and value.callee[:1] != "?":
        yield from (one.value for one in facts.returns_of(value.callee))
        known = facts.function(value.callee)
        yield from known.yields if known is not None else kept_for(facts, value)
    else:
        yield from kept_for(facts, value)
