"""A call in a loop over a table that stands in the source: one row of values for each time it is made."""

from collections.abc import Iterator
from typing import Final

from stopper.core.values import Call, Choice, Constant, Item, Sequence, Unknown, Value, options

MOST_ROWS: Final = 128


def is_table_of_routes(items: tuple[Value, ...]) -> bool:
    """That the items are rows in each of which a path stands beside something else."""
    return len(items) > 1 and all(
        isinstance(one, Sequence) and not one.open and len(one.items) > 1 and any(map(_is_path, one.items))
        for one in items
    )


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
    if len(values) < len(places):
        return
    columns = [_column(value) for value in values]
    times = max((len(column) for column in columns), default=0)
    if times > 1 and all(len(column) in (1, times) for column in columns):
        yield from (tuple(column[-1 if len(column) == 1 else at] for column in columns) for at in range(times))
    elif values:
        yield tuple(values)


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
    return (value,)
