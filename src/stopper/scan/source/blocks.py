"""Reads statements one after the other, and tells how the last of them leaves."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from stopper.scan.source.reader import Reader


@dataclass(slots=True)
class Body:
    """What a block does: whether it surely leaves the function, and whether with a refusal."""

    stops: bool = False
    refuses: bool = False


STATEMENTS: Final[dict[type[ast.stmt], Callable[[Reader, Any], Body | None]]] = {}
"""How each kind of statement is read; :mod:`stopper.scan.source.statements` brings the kinds together."""


def block(reader: Reader, statements: list[ast.stmt]) -> Body:
    """Read statements in order. What follows a statement that stops is read too, but cannot un-stop the block."""
    done = Body()
    for statement in statements:
        read = STATEMENTS.get(type(statement))
        body = read(reader, statement) if read is not None else _unknown(reader, statement)
        if body is not None and body.stops and not done.stops:
            done = body
    return done


def _unknown(reader: Reader, node: ast.stmt) -> Body | None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            reader.value(child)
    return None
