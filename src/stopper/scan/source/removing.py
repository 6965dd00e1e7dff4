"""What a mapping holds after a key was taken out of it, or written over."""

import ast
from typing import Final

from stopper.core.left_out import is_spread, kinds_under
from stopper.core.values import Call, Constant, Mapping, Parameter, Value, options, text_of
from stopper.scan.source.reader import NOTHING, Reader

_MOST: Final = 256
NO_VALUE: Final = Constant(None)


def written(items: tuple[tuple[Value, Value], ...], key: Value, held: Value) -> tuple[tuple[Value, Value], ...]:
    """The pairs once *held* lies under *key*: what lay there before is gone, unless it came out of another mapping."""
    name = text_of(key)
    if name is None:
        return (*items, (key, held))
    return (*(pair for pair in items if text_of(pair[0]) != name), (key, held))


def take_out(reader: Reader, target: ast.expr, key: Value) -> None:
    """``target.pop(key)``, ``del target[key]``: the name stands for a mapping without that key from here on."""
    if type(target) is not ast.Name:
        return
    for one in options(key):
        name = text_of(one)
        owner = reader.scope.get(target.id)
        if name is None or owner is None:
            continue
        if type(owner) is Mapping:
            items = tuple(pair for pair in owner.items if text_of(pair[0]) != name)
            if any(is_spread(said) for said, _ in items) and kinds_under(name) and len(items) < _MOST:
                items = (*items, (one, NO_VALUE))
            reader.scope[target.id] = Mapping(items, owner.open, owner.span, owner.name)
        elif type(owner) in (Call, Parameter) and kinds_under(name):
            reader.scope[target.id] = Mapping(((NOTHING, owner), (one, NO_VALUE)), True, None, owner.name)
