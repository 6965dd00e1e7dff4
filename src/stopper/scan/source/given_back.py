"""Functions that give back what they are given, for the sake of a type checker: ``@typed(login_required)`` is ``@login_required``."""

import ast
from typing import Final

from stopper.core.values import Call, Value
from stopper.scan.source.project import Project

_CASTS: Final = ("typing.cast", "typing_extensions.cast")


def given_back(project: Project, value: Value) -> Value:
    """What the call comes to, where it only says another type of its argument; any other value as it is."""
    if type(value) is not Call or value.keywords or value.open:
        return value
    if value.callee in _CASTS:
        return given_back(project, value.args[-1]) if len(value.args) == len(("type", "value")) else value
    known = project.pending.get(value.callee)
    if known is None or known.decorators or len(value.args) != 1 or not _gives_back(known.node):
        return value
    return given_back(project, value.args[0])


def _gives_back(node: ast.AST) -> bool:
    """``def typed(one): return cast(Kind, one)``"""
    if not isinstance(node, ast.FunctionDef) or not node.args.args:
        return False
    *said, last = node.body
    if not isinstance(last, ast.Return):
        return False
    if not all(isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) for one in said):
        return False
    given = last.value
    if isinstance(given, ast.Call) and ast.unparse(given.func).rpartition(".")[2] == "cast" and len(given.args) > 1:
        given = given.args[1]
    return isinstance(given, ast.Name) and given.id == node.args.args[0].arg
