"""Functions that are called through a table or a loop: ``SETTERS[name](account, value)``, ``for way in WAYS: way()``."""

import ast
from collections.abc import Iterator
from typing import Final

from stopper.core.values import Call, Choice, Constant, Item, Mapping, Member, Name, Sequence, Value, text_of
from stopper.scan.source.drafts import new_call
from stopper.scan.source.project import Project
from stopper.scan.source.reader import Reader, canonical

_MOST: Final = 24
"""Functions of one table that are followed."""


def also_called(project: Project, called: Value, callee: str, word: str = "") -> Iterator[str]:
    """The functions of the project that a call may run beside *callee*: every function in the table that *called* is out of, or, where a
    method is called, that method of every object in it."""
    met = {callee}
    for one in _members(called)[:_MOST]:
        name = one.dotted if type(one) is Name else one.callee if type(one) is Call and word else ""
        if word and name in project.classes:
            method = project.attribute(name, word)
            name = method.dotted if type(method) is Name else ""
        elif word:
            continue
        if name not in met and project.has_function(name):
            met.add(name)
            yield name


def rows_called(reader: Reader, node: ast.Call, called: Value) -> Iterator[Call]:
    """``for layer, options in LAYERS: app = layer(app, **options)`` over classes and functions of libraries: a call for each row, with what
    that row passes."""
    several = called.options if type(called) is Choice and not called.every else ()
    names = [_named(reader, one) for one in several] if 1 < len(several) <= _MOST else []
    if not names or not all("." in one for one in names):
        return
    told = [(one.arg, reader.value(one.value)) for one in node.keywords if isinstance(one.value, _READ_AGAIN)]
    args = [reader.value(one) for one in node.args if isinstance(one, _READ_AGAIN)]
    if len(told) != len(node.keywords) or len(args) != len(node.args):
        return
    for row, one in enumerate(names):
        if not reader.project.has_function(one):
            passed = tuple([_of_row(value, row, len(names)) for value in args])
            yield _call_of(reader, node, one, passed, [(name, _of_row(value, row, len(names))) for name, value in told])


def _named(reader: Reader, value: Value) -> str:
    """What is called by that name, which may be a method of a known object: ``for hook in (jwt.expired_token_loader, …): hook(refuse)``."""
    if type(value) is Member:
        base = reader.dotted(value.owner)
        return f"{base}.{value.attribute}" if base else ""
    return value.dotted if type(value) is Name else ""


_READ_AGAIN: Final = (ast.Name, ast.Attribute, ast.Constant)
"""Arguments that may be read several times: nothing in them is a fact."""


def _of_row(value: Value, row: int, rows: int) -> Value:
    return value.options[row] if type(value) is Choice and not value.every and len(value.options) == rows else value


def _call_of(
    reader: Reader, node: ast.Call, name: str, args: tuple[Value, ...], told: list[tuple[str | None, Value]]
) -> Call:
    keywords: list[tuple[str, Value]] = []
    is_open = False
    for word, value in told:
        if word is not None:
            keywords.append((word, value))
        elif type(value) is Mapping:
            keywords += [(text, held) for key, held in value.items if (text := text_of(key)) is not None]
            is_open = is_open or value.open
        else:
            is_open = True
    return new_call(canonical(name), args, tuple(keywords), is_open, None, reader.function, reader.span(node))


def _members(value: Value) -> tuple[Value, ...]:
    if type(value) is Choice:
        return tuple([inner for one in value.options for inner in (_members(one) or (one,))])
    if type(value) is not Item or type(value.key) is Constant:
        return ()
    held: tuple[Value, ...] = ()
    if type(value.owner) is Mapping:
        held = tuple([one for _, one in value.owner.items])
    elif type(value.owner) is Sequence:
        held = value.owner.items
    return held if value.default is None else (*held, value.default)
