"""What a look-up in a table of the project gives: one of the things that stand in it, whatever it was looked up by."""

from collections.abc import Iterator

from stopper.core.values import Call, ConfigValue, Constant, Item, Mapping, Name, Value, parts


def walk_answers(value: Value | None, depth: int) -> Iterator[Value]:
    """The value and everything inside it to that depth, but for what a table of the project is asked by: ``URLS.get(request.host, DEFAULT)``."""
    if value is None:
        return
    yield value
    for part in answer_parts(value) if depth else ():
        yield from walk_answers(part, depth - 1)


def answer_parts(value: Value) -> tuple[Value, ...]:
    """The values directly inside it, without the key of such a look-up."""
    match value:
        case Call(method="get", receiver=table, args=(_, *rest)) if table is not None and _is_table(table):
            return (table, *rest)
        case Item(owner=table, key=key, default=default) if not isinstance(key, Constant) and _is_table(table):
            return (table,) if default is None else (table, default)
        case _:
            return parts(value)


def _is_table(value: Value) -> bool:
    """A setting, a mapping that is written in the source, or what stands under a literal name in one of them."""
    while isinstance(value, Item) and isinstance(value.key, Constant):
        value = value.owner
    if isinstance(value, Name):
        return value.dotted.rpartition(".")[2].isupper()
    return isinstance(value, (ConfigValue, Mapping)) and not (isinstance(value, Mapping) and value.open)
