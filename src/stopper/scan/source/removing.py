"""What a mapping holds after a key was taken out of it, or written over."""

import ast
from collections.abc import Sequence
from typing import Final

from stopper.core.flow.left_out import is_spread, kinds_under
from stopper.core.values import Call, Choice, Mapping, Parameter, Value, options, text_of
from stopper.scan.source.drafts import new_mapping
from stopper.scan.source.reader import NONE, NOTHING, Reader, either

MOST_ITEMS: Final = 4096
"""As many things of a display or a mapping are kept."""

Pairs = tuple[tuple[Value, Value], ...]


def latest(pairs: Sequence[tuple[Value, Value]]) -> Pairs:
    """The pairs without those whose literal key is written over further on; what comes out of another mapping stays."""
    met: set[str] = set()
    kept: list[tuple[Value, Value]] = []
    for pair in reversed(pairs):
        name = text_of(pair[0])
        if name is None or name not in met:
            kept.append(pair)
        if name is not None:
            met.add(name)
    return tuple(reversed(kept))


def take_out(reader: Reader, target: ast.expr, key: Value) -> None:
    """``target.pop(key)``, ``del target[key]``: the name stands for a mapping without that key from here on."""
    if type(target) is ast.Subscript:
        _take_out_of_member(reader, target, key)
    if type(target) is not ast.Name:
        return
    for one in options(key):
        name = text_of(one)
        owner = reader.scope.get(target.id)
        if name is None or owner is None:
            continue
        reader.taken.append((target.id, owner))
        reader.scope[target.id] = _without_in_each(owner, one, name)


def _take_out_of_member(reader: Reader, target: ast.Subscript, key: Value) -> None:
    """``del told["params"]["token"]``, where ``told`` is a mapping that was put together here."""
    name, word = text_of(key), target.slice.value if type(target.slice) is ast.Constant else None
    owner = reader.scope.get(target.value.id) if type(target.value) is ast.Name else None
    if type(target.value) is not ast.Name or type(owner) is not Mapping or name is None or type(word) is not str:
        return
    items = tuple(
        (said, _without_in_each(_copied(held), key, name) if text_of(said) == word else held)
        for said, held in owner.items
    )
    reader.taken.append((target.value.id, owner))
    reader.scope[target.value.id] = new_mapping(items, owner.open, owner.span, owner.name)


def _copied(value: Value) -> Value:
    """``params.copy()`` holds what ``params`` does."""
    return value.receiver if type(value) is Call and value.method == "copy" and value.receiver is not None else value


def _without_in_each(owner: Value, key: Value, name: str) -> Value:
    if type(owner) is Choice and not owner.every:  # a branch before it may have changed the mapping
        return either(*[_without(held, key, name) for held in owner.options])
    return _without(owner, key, name)


def _without(owner: Value, key: Value, name: str) -> Value:
    if type(owner) is Mapping:
        items = tuple(pair for pair in owner.items if text_of(pair[0]) != name)
        if any(is_spread(said) for said, _ in items) and kinds_under(name) and len(items) < MOST_ITEMS:
            items = (*items, (key, NONE))
        return new_mapping(items, owner.open, owner.span, owner.name)
    if type(owner) in (Call, Parameter) and kinds_under(name):
        return new_mapping(((NOTHING, owner), (key, NONE)), True, None, owner.name)
    return owner


def or_as_before(reader: Reader, taken: int) -> None:
    """What was taken out since *taken* things were may still lie there: the part of the expression that did it may not have been run."""
    for name, held in reader.taken[taken:]:
        now = reader.scope.get(name)
        if now is not None and now is not held:
            reader.scope[name] = either(held, now)
