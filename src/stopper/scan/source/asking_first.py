"""What a small function gives that asks before it gives anything, as one that reads a variable of the environment and refuses without it:
``if value is None: raise RuntimeError(…)``. Only what is seen is followed: both ways of a test about the variable, one of any other."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.values import Call, Constant, EnvironmentValue, Value
from stopper.scan.source.blocks import STATEMENTS
from stopper.scan.source.reader import Reader, set_scope

Outcome = Value | str
"""A value, or one of the next three."""
RAISES: Final = "raises"
UNKNOWN: Final = "unknown"
FROM_FILE: Final = "from a file"
"""What stands in a file that whoever runs it names: it takes the place of the variable, and is none of the source."""
_LINES: Final = (ast.Assign, ast.AnnAssign, ast.Pass)
_FOLLOWED: Final = frozenset({ast.If, ast.Try, ast.With, ast.Return, ast.Raise, ast.Expr, *_LINES})
_VARIABLE: Final = frozenset({"getenv", "environ"})
_READS: Final = frozenset({"read", "read_text", "readline"})
_DEEPEST: Final = 4


def asks_first(body: list[ast.stmt]) -> bool:
    """That the body has nothing but plain lines, tests and ``try``, and some of its ends give a value while another is an error, or a variable
    while another is what a file holds."""
    inside = list(_statements(body))
    kinds = {type(one) for one in inside}
    if not kinds.isdisjoint((ast.Raise, ast.If)) and not kinds - _FOLLOWED and ast.Return in kinds:
        return ast.Raise in kinds or _reads_variable(inside)
    return False


def _reads_variable(statements: list[ast.stmt]) -> bool:
    """``return os.getenv(name, default)`` at one of its ends, and a file that is read at another."""
    given = [one.value for one in statements if isinstance(one, ast.Return) and one.value is not None]
    words = [{part.attr for part in ast.walk(one) if isinstance(part, ast.Attribute)} for one in given]
    return any(_VARIABLE & said for said in words) and any(_READS & said for said in words)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for one in body:
        yield one
        if isinstance(one, ast.If):
            yield from _statements([*one.body, *one.orelse])
        elif isinstance(one, ast.Try):
            yield from _statements([*one.body, *one.orelse, *one.finalbody])
            yield from (inner for handler in one.handlers for inner in _statements(handler.body))
        elif isinstance(one, ast.With):
            yield from _statements(one.body)


def variable_given(reader: Reader, body: list[ast.stmt]) -> EnvironmentValue | None:
    """The variable that the body gives, with what stands in for it where it is not set; without anything where the body refuses then."""
    made = _outcome(reader, body, 0)
    return made if isinstance(made, EnvironmentValue) else None


def _outcome(reader: Reader, body: list[ast.stmt], depth: int) -> Outcome:
    for number, one in enumerate(body):
        rest = body[number + 1 :]
        if isinstance(one, ast.Return):
            given = UNKNOWN if one.value is None else _bare(reader.value(one.value))
            return FROM_FILE if isinstance(given, Call) and given.method in _READS else given
        if isinstance(one, ast.Raise):
            return RAISES
        if isinstance(one, ast.If):
            held = decided(reader, one.test)
            ways = ([*one.body, *rest], [*one.orelse, *rest])
            if held is not None:
                return _outcome(reader, ways[0] if held else ways[1], depth)
            if depth == _DEEPEST:
                return UNKNOWN
            return _either(*(_apart(reader, way, depth + 1) for way in ways))
        if isinstance(one, ast.Try):
            if depth == _DEEPEST or len(one.handlers) != 1 or one.finalbody:
                return UNKNOWN
            tried = _apart(reader, [*one.body, *one.orelse, *rest], depth + 1)
            return _either(tried, _apart(reader, [*one.handlers[0].body, *rest], depth + 1))
        if isinstance(one, ast.With):
            return _outcome(reader, [*one.body, *rest], depth)
        if isinstance(one, _LINES):
            STATEMENTS[type(one)](reader, one)
    return UNKNOWN


def _bare(value: Value) -> Value:
    """What ``.strip()`` only trims."""
    trims = isinstance(value, Call) and value.method in ("strip", "rstrip", "lstrip")
    return value.receiver if trims and isinstance(value, Call) and value.receiver is not None else value


def _apart(reader: Reader, way: list[ast.stmt], depth: int) -> Outcome:
    """One of two ways: what it binds is nothing to the other."""
    before = dict(reader.scope)
    made = _outcome(reader, way, depth)
    set_scope(reader, before)
    return made


def _either(one: Outcome, other: Outcome) -> Outcome:
    """One variable that is set or not: what it holds, or what stands in for it."""
    for first, second in ((one, other), (other, one)):
        if isinstance(first, EnvironmentValue):
            bare = first.default is None or (isinstance(first.default, Constant) and not first.default.value)
            if second == FROM_FILE:
                return first
            if second == RAISES:
                return replace(first, default=None) if bare else first
            if isinstance(second, Constant) and bare:
                return replace(first, default=second)
            if isinstance(second, EnvironmentValue) and first.variable == second.variable:
                return first if second.default is None else second
    return one if other == RAISES else other if one == RAISES else UNKNOWN


def decided(reader: Reader, test: ast.expr) -> bool | None:
    """Whether a test holds, whatever is set; None where that is not seen."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            told = decided(reader, inner)
            return None if told is None else not told
        case ast.BoolOp(op=op, values=several):
            each = [decided(reader, one) for one in several]
            sure = isinstance(op, ast.Or)
            return sure if sure in each else None if None in each else not sure
        case ast.Compare(left=left, ops=[ast.Is() | ast.Eq() | ast.IsNot() | ast.NotEq() as op], comparators=[right]):
            first, second = reader.value(left), reader.value(right)
            if not isinstance(first, Constant) or not isinstance(second, Constant):
                return None
            return (first.value == second.value) is isinstance(op, (ast.Is, ast.Eq))
        case _:
            value = reader.value(test)
            return bool(value.value) if isinstance(value, Constant) else None
