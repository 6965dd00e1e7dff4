"""Whether two values were written in the same way, wherever they stand.

Values share parts, so their ``repr`` may be longer than any memory: this looks at each part once.
"""

from typing import Final

from stopper.core.values import (
    Call,
    Caught,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Value,
    parts,
)

MOST: Final = 2000
"""Pairs of parts that are compared: what is larger counts as different."""


def written_alike(one: Value, other: Value) -> bool:
    """That both read the same but for their places and the names of variables."""
    waiting, met = [(one, other)], set[tuple[int, int]]()
    while waiting:
        left, right = waiting.pop()
        if left is right or (id(left), id(right)) in met:
            continue
        met.add((id(left), id(right)))
        inside, beside = parts(left), parts(right)
        if len(met) > MOST or len(inside) != len(beside) or _own(left) != _own(right):
            return False
        waiting += zip(inside, beside, strict=True)
    return True


def _own(value: Value) -> tuple[object, ...]:
    """What a value says beside its parts."""
    match value:
        case Constant(value=said):
            return (Constant, type(said), said)
        case Sequence(kind=kind, open=is_open):
            return (Sequence, kind, is_open)
        case Mapping(open=is_open):
            return (Mapping, is_open)
        case Name(dotted=word) | Member(attribute=word) | EnvironmentValue(variable=word) | ConfigValue(key=word):
            return (type(value), word)
        case Parameter(function=function, parameter=word):
            return (Parameter, function, word)
        case Choice(every=every):
            return (Choice, every)
        case Truth(differs=differs):
            return (Truth, differs)
        case Caught(catches=catches):
            return (Caught, catches)
        case Call(callee=callee, keywords=keywords, receiver=receiver):
            return (Call, callee, tuple(name for name, _ in keywords), receiver is None)
        case _:
            return (type(value),)
