"""Things that a view looks up by an id in what the program holds: a dictionary of the module, or a list that it goes through."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.fact import Function
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.guards.named_by_id import is_id
from stopper.core.values import Call, Constant, Item, Mapping, Member, Sequence, Unknown, Value

_ID: Final = re.compile(r"(?i)_?id|pk|uuid|number")
_WHOLE: Final = frozenset({"all", "values", "items", "fetchall", "scalars"})
"""What gives every thing that there is, or every one in a dictionary."""


def kept_under(index: FunctionIndex, function: Function) -> Iterator[Item]:
    """What a view takes out of a dictionary of the module: ``ORDERS.get(order_id)``."""
    for item in index.facts.all_lookups:
        if item.span is None or not function.span.holds(item.span) or not is_id(index, item.key):
            continue
        if isinstance(item.owner, Mapping) and not any(isinstance(value, Constant) for _, value in item.owner.items):
            yield item


def looked_through(index: FunctionIndex, function: Function) -> Iterator[Item]:
    """``next(one for one in Bill.query.all() if one.id == number)``, ``for one in BILLS: if one["id"] == number``: the thing that is found."""
    for one in index.comparisons.get(function.name, ()):
        if one.operator != "==":
            continue
        for side, other in ((one.left, one.right), (one.right, one.left)):
            found = _element(side)
            if found is not None and is_id(index, other):
                yield replace(found, span=one.span)


def _element(value: Value) -> Item | None:
    """The thing of a list whose id is compared."""
    match value:
        case Member(owner=Item(key=Unknown()) as found, attribute=name) if _ID.fullmatch(name):
            pass
        case Item(owner=Item(key=Unknown()) as found, key=Constant(value=str(name))) if _ID.fullmatch(name):
            pass
        case _:
            return None
    held = found.owner
    whole = isinstance(held, Call) and held.method in _WHOLE
    return found if whole or isinstance(held, (Sequence, Mapping)) else None


def kept_keys(index: FunctionIndex, found: Value) -> frozenset[str]:
    """The members of the things in the list or dictionary of which *found* is one, as they are written there or put into it."""
    held = found.owner if isinstance(found, Item) else None
    if not isinstance(held, (Sequence, Mapping)):
        return frozenset()
    rows = list(held.items) if isinstance(held, Sequence) else [value for _, value in held.items]
    for call in index.facts.calls("*.append", "*.insert", "*.add"):
        if call.receiver is held:
            rows += call.args
    rows += [one.value for one in index.facts.assignments() if one.into is held]
    return frozenset(key for row in rows if isinstance(row, Mapping) for key in row.keys())  # noqa: SIM118
