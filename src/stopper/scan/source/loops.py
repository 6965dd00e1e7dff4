"""A call in a loop over a table that stands in the source: one row of values for each time it is made."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Sequence,
    Unknown,
    Value,
    options,
)
from stopper.scan.source.drafts import new_item, new_member
from stopper.scan.source.folding import one_mapping

MOST_ROWS: Final = 128


def mapping_by_setting(value: Item) -> Value:
    """``STAGES[os.environ["STAGE"]]`` as what the stages hold together; any other look-up itself."""
    if (
        not isinstance(value.key, (EnvironmentValue, ConfigValue))
        or not isinstance(value.owner, Mapping)
        or value.owner.open
    ):
        return value
    several = tuple([held for _, held in value.owner.items if isinstance(held, Mapping)])
    return one_mapping(Choice(several)) if len(several) > 1 else several[0] if several else value


def is_table(items: tuple[Value, ...]) -> bool:
    """That the items are rows whose columns belong together: a path beside something else, or a name of its own beside a value."""
    return len(items) > 1 and (_is_of_routes(items) or _is_of_names(items))


def column_under(rows: Choice, key: str) -> tuple[Value, ...]:
    """What stands under that key of each row, where every row is a mapping that has it; else nothing."""
    held = [one.get(key) for one in rows.options if isinstance(one, Mapping)]
    found = tuple([one for one in held if one is not None])
    return found if len(found) == len(rows.options) else ()


def _is_of_names(items: tuple[Value, ...]) -> bool:
    names = [
        _name_of(one.items[0]) for one in items if isinstance(one, Sequence) and not one.open and len(one.items) == 2
    ]
    return len(names) == len(items) == len(set(names)) and None not in names


def _name_of(value: Value) -> str | None:
    """A literal text, or the name of a class or function."""
    if isinstance(value, Constant):
        return value.value if isinstance(value.value, str) else None
    return value.dotted if isinstance(value, Name) else None


def _is_of_routes(items: tuple[Value, ...]) -> bool:
    """Rows of a path beside something else, each a tuple or a mapping: ``{"view": Notes, "url": "/notes"}``."""
    return all(len(held := _held_by(one)) > 1 and any(map(_is_path, held)) for one in items)


def _held_by(row: Value) -> tuple[Value, ...]:
    if isinstance(row, Mapping):
        return () if row.open else tuple(value for _, value in row.items)
    return row.items if isinstance(row, Sequence) and not row.open else ()


def _is_path(value: Value) -> bool:
    return isinstance(value, Constant) and isinstance(value.value, str) and value.value.startswith("/")


def rows(call: Call, *places: int | tuple[int, str]) -> Iterator[tuple[Value, ...]]:
    """The arguments at these places, each time the call is made; nothing where one of them is not given.

    ``for view, rule in TABLE: api.add_resource(view, rule)``, ``row[0]`` and ``row[1]`` in place of two names, and
    ``add_resource(*row)``, where the items of a row are taken in their order.
    """
    if call.open and len(call.args) == 1 and isinstance(call.args[0], Unknown):
        yield from (
            one.items for part in call.args[0].parts for one in options(part) if isinstance(one, Sequence) and one.items
        )
        return
    given = [call.argument(place) if isinstance(place, int) else call.argument(*place) for place in places]
    values = [value for value in given if value is not None]
    if len(values) == len(places):
        yield from row_by_row(*values)


def each_time(call: Call, *places: int | tuple[int, str]) -> Iterator[tuple[Call, tuple[Value, ...]]]:
    """The same, each with the call as it is made that time: ``for rule, view, methods in TABLE: app.add_url_rule(rule, view_func=view, methods=methods)``."""
    said = call.keyword("methods")
    if not isinstance(said, Choice):
        yield from ((call, row) for row in rows(call, *places))
        return
    for row in rows(call, *places, (len(call.args), "methods")):
        keywords = tuple((key, row[-1] if key == "methods" else value) for key, value in call.keywords)
        yield replace(call, keywords=keywords), row[:-1]


def row_by_row(*values: Value) -> Iterator[tuple[Value, ...]]:
    """What these are together, one time after the other: once, unless they come out of a table that a loop goes through."""
    columns = [_column(value) for value in values]
    times = max((len(column) for column in columns), default=0)
    if times > 1 and all(len(column) in (1, times) for column in columns):
        yield from (tuple(column[-1 if len(column) == 1 else at] for column in columns) for at in range(times))
    elif values:
        yield tuple(values)


def pairs_of(value: Value) -> tuple[Value, ...]:
    """The rows that ``.items()`` of a mapping in the source gives; nothing where it is no such call, or more rows may come."""
    held = value.receiver if isinstance(value, Call) and value.method == "items" and not value.args else None
    held = mapping_by_setting(held) if isinstance(held, Item) else held
    if not isinstance(held, Mapping) or not held.items or len(held.items) > MOST_ROWS:
        return ()
    if held.open and not (
        all(isinstance(key, (Constant, Name)) for key, _ in held.items)
        and any(isinstance(key, Name) for key, _ in held.items)
    ):
        return ()
    return tuple(Sequence(pair, "tuple") for pair in held.items)


def _column(value: Value) -> tuple[Value, ...]:
    """What the value is, one time after the other."""
    if isinstance(value, Choice) and not value.every:
        return tuple(options(value))
    if isinstance(value, Item) and isinstance(value.owner, Choice) and isinstance(value.key, Constant):
        place = value.key.value
        found = [
            one.items[place]
            for one in options(value.owner)
            if isinstance(one, Sequence) and type(place) is int and 0 <= place < len(one.items)
        ]
        return tuple(found) or (value,)
    if isinstance(value, Item) and isinstance(value.key, Choice) and not value.key.every:
        keys = options(value.key)  # ``answer[name] = found[name]``
        return tuple([new_item(value.owner, one, value.default, value.span, value.name) for one in keys])
    if (
        isinstance(value, Call)
        and value.method == "as_view"
        and isinstance(value.receiver, Choice)
        and not value.receiver.every
    ):
        classes = [one for one in options(value.receiver) if isinstance(one, Name)]
        return tuple(replace(value, callee=f"{one.dotted}.as_view", receiver=one) for one in classes) or (value,)
    if isinstance(value, Member) and isinstance(value.owner, Choice) and not value.owner.every:
        return tuple([new_member(one, value.attribute) for one in options(value.owner)])  # ``form[name].data``
    return (value,)
