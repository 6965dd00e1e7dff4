"""Tests whose outcome stands in the function itself: what the other branch would bind is never bound."""

import ast
import operator
import re
from collections.abc import Callable
from typing import Any, Final

from stopper.core.values import Constant
from stopper.scan.source.folding import OPERATORS
from stopper.scan.source.reader import Reader

_Literal = str | int | float
_COMPARED: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
}


_SHARED: Final = re.compile(r"(?m)^[ \t]+(?:global|nonlocal)[ \t]+([\w, \t]+)")


def shared_names(text: str) -> frozenset[str]:
    """Names that some function of this program writes and that are not its own."""
    return frozenset(name.strip() for found in _SHARED.finditer(text) for name in found[1].split(","))


def outcome(reader: Reader, test: ast.expr) -> bool | None:
    """Whether the test holds, where it compares literals of this function or is one; None where that hangs on anything else: in a loop
    a name may have another value in the next round, and what a module or a class says is a switch that somebody may turn."""
    if reader.loops or reader.scope is reader.module.bindings:
        return None
    if type(test) is ast.Constant and type(test.value) in (bool, int):
        return bool(test.value)
    if type(test) is ast.UnaryOp and type(test.op) is ast.Not:
        inner = outcome(reader, test.operand)
        return None if inner is None else not inner
    if type(test) is not ast.Compare or len(test.ops) != 1:
        return None
    compared = _COMPARED.get(type(test.ops[0]))
    left, right = _literal(reader, test.left), _literal(reader, test.comparators[0])
    if compared is None or left is None or right is None:
        return None
    try:
        return compared(left, right)
    except TypeError:
        return None


def chosen(reader: Reader, node: ast.Match) -> ast.match_case | None:
    """The case that a literal of this function leads to, where all before it are literals too."""
    subject = None if reader.loops or reader.scope is reader.module.bindings else _literal(reader, node.subject)
    if subject is None:
        return None
    for case in node.cases:
        fits = None if case.guard is not None else _fits(subject, case.pattern)
        if fits is None:
            return None
        if fits:
            return case
    return None


def _fits(value: object, pattern: ast.pattern) -> bool | None:
    match pattern:
        case ast.MatchValue(value=ast.Constant(value=said)):
            return value == said
        case ast.MatchAs(pattern=None):
            return True
        case ast.MatchOr(patterns=several):
            fits = [_fits(value, one) for one in several]
            return None if None in fits else True in fits
        case _:
            return None


def _literal(reader: Reader, node: ast.expr) -> _Literal | None:
    match node:
        case ast.Constant(value=str() | int() | float() as said) if type(said) is not bool:
            return said
        case ast.Name(id=name):
            held = None if name in reader.module.shared else reader.scope.get(name)
            plain = held.value if type(held) is Constant else None
            return plain if isinstance(plain, (str, int, float)) and type(plain) is not bool else None
        case ast.BinOp(left=left, op=op, right=right):
            one, other, work = _literal(reader, left), _literal(reader, right), OPERATORS.get(type(op))
            if work is None or not isinstance(one, (int, float)) or not isinstance(other, (int, float)):
                return None
            try:
                worked_out: _Literal | None = work(one, other)
            except (ArithmeticError, TypeError, ValueError):
                return None
            return worked_out
        case _:
            return None
