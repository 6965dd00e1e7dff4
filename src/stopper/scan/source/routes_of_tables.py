"""Routes that a function registers out of a table which each of its callers hands over:
``for path, view in rows: blueprint.add_url_rule(path, view_func=view)``."""

from dataclasses import replace
from typing import Final

from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Format,
    Item,
    Member,
    Name,
    Parameter,
    Sequence,
    Unknown,
    Value,
    walk,
)
from stopper.scan.source.loops import MOST_ROWS
from stopper.scan.source.project import Registration

MOST_CALLERS: Final = 256
"""Calls of one function that are followed."""
_DEEPEST: Final = 12


def by_tables(registration: Registration, callers: dict[str, list[Call]]) -> tuple[Registration, ...]:
    """The registrations that each row makes which a caller hands over; none where the call is told nothing of a row."""
    call = registration.call
    row = _row_in(call) if call is not None and call.function else None
    if call is None or row is None:
        return ()
    made: list[Registration] = []
    for caller in callers.get(call.function, ())[:MOST_CALLERS]:
        for held in _rows(row, caller):
            told = _Told(call.function, caller, row, held)
            filled = told.whole(call)
            owner = told.filled(registration.owner) if registration.owner is not None else None
            made.append(replace(registration, owner=owner, call=filled, span=caller.span or registration.span))
    return tuple(made)


def _row_in(call: Call) -> Item | None:
    """One of what a parameter of the function around holds, where the call is told a part of it."""
    for given in (*call.args, *(value for _, value in call.keywords)):
        for part in walk(given, _DEEPEST):
            if isinstance(part, Item) and isinstance(part.key, Unknown) and _is_handed(part.owner, call.function):
                return part
    return None


def _is_handed(value: Value, function: str) -> bool:
    return isinstance(value, Parameter) and value.function == function


def _rows(row: Item, caller: Call) -> tuple[Sequence, ...]:
    parameter = row.owner
    if not isinstance(parameter, Parameter):
        return ()
    table = caller.argument(parameter.index if parameter.index >= 0 else None, parameter.parameter)
    items = table.items[:MOST_ROWS] if isinstance(table, Sequence) else ()
    return tuple(one for one in items if isinstance(one, Sequence) and not one.open)


class _Told:
    """What one caller says in place of the parameters of a function, and one row of its table in place of each."""

    def __init__(self, function: str, caller: Call, row: Item, held: Sequence) -> None:
        self.function = function
        self.caller = caller
        self.row = row
        self.held = held

    def whole(self, call: Call) -> Call:
        args = tuple(map(self.filled, call.args))
        return replace(call, args=args, keywords=tuple((key, self.filled(value)) for key, value in call.keywords))

    def filled(self, value: Value, depth: int = _DEEPEST) -> Value:
        if depth < 0:
            return value
        match value:
            case Item():
                return self._item(value, depth)
            case Parameter(function=function) if function == self.function:
                place = value.index if value.index >= 0 else None
                return self.caller.argument(place, value.parameter) or value
            case Choice():
                several = tuple(self.filled(one, depth - 1) for one in value.options)
                made = tuple(one for one in several if _makes_view(one))  # beside it stands what was made of it before
                return made[0] if len(made) == 1 else replace(value, options=made or several)
            case Format():
                return replace(value, parts=tuple(self.filled(one, depth - 1) for one in value.parts))
            case Member():
                return replace(value, owner=self.filled(value.owner, depth - 1))
            case Call(receiver=receiver) if value.method == "as_view" and receiver is not None:
                owner = self.filled(receiver, depth - 1)
                return (
                    replace(value, callee=f"{owner.dotted}.as_view", receiver=None)
                    if isinstance(owner, Name)
                    else value
                )
            case Call():
                return replace(value, args=tuple(self.filled(one, depth - 1) for one in value.args))
            case _:
                return value

    def _item(self, value: Item, depth: int) -> Value:
        if value == self.row:
            return self.held
        owner = self.filled(value.owner, depth - 1)
        place = value.key.value if isinstance(value.key, Constant) else None
        if isinstance(owner, Sequence) and type(place) is int and -len(owner.items) <= place < len(owner.items):
            return owner.items[place]
        return replace(value, owner=owner)


def _makes_view(value: Value) -> bool:
    return any(isinstance(part, Call) and part.method == "as_view" for part in walk(value, 4))
