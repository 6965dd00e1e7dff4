"""What a cursor fetches is what the statement before it asked for: ``cursor.execute(sql)`` and then ``cursor.fetchone()`` is read as
``cursor.execute(sql).fetchone()``, which is what `sqlite3` and SQLAlchemy give where both stand in one line (PEP 249)."""

import ast
from typing import Final

from stopper.core.values import Call, Item, Value
from stopper.scan.source.drafts import new_constant, new_item
from stopper.scan.source.reader import Reader

FETCHES: Final = frozenset({"fetchone", "fetchall", "fetchmany"})
_RUNS: Final = "execute"


def keep_statement(reader: Reader, cursor: ast.expr, call: Call) -> None:
    """``cursor.execute(sql)`` in a function: the cursor stands for it from here on, beside its name."""
    if reader.function and type(cursor) in (ast.Name, ast.Attribute) and call.method == _RUNS:
        reader.scope[_slot(cursor)] = call


def statement_before(reader: Reader, cursor: ast.expr, value: Value) -> Value:
    """What was run on that cursor last, in place of the cursor; *value*, where nothing was, or where it is an answer itself."""
    if type(cursor) not in (ast.Name, ast.Attribute) or (type(value) is Call and value.method == _RUNS):
        return value
    return reader.scope.get(_slot(cursor), value)


def column_of(value: Value, number: int) -> Value:
    """That column of a row which is taken apart: ``for name, price in cursor.fetchall()``."""
    if type(value) is Item and type(value.owner) is Call and value.owner.method in (*FETCHES, _RUNS):
        return new_item(value, new_constant(number))
    return value


def _slot(cursor: ast.expr) -> str:
    """No name that a program can have."""
    return f"{cursor.id if type(cursor) is ast.Name else ast.unparse(cursor)}.{_RUNS}()"
