"""Every kind of statement with the function that reads it, and the reading of a whole module."""

import ast

from stopper.core.values import (
    Call,
)
from stopper.scan.source.binding import annotated, augmented, grow
from stopper.scan.source.blocks import STATEMENTS, Body, block
from stopper.scan.source.branches import read_for, read_if, read_try, read_while, read_with
from stopper.scan.source.calls import read_call
from stopper.scan.source.definitions import read_class, read_definition, read_function
from stopper.scan.source.expressions import EXPRESSIONS
from stopper.scan.source.imports import read_import, read_import_from
from stopper.scan.source.leaving import read_assert, read_raise, read_return, refuse, refuses, says
from stopper.scan.source.matching import read_match
from stopper.scan.source.named_lambdas import assign_or_define
from stopper.scan.source.project import Module, Project
from stopper.scan.source.reader import READERS, Reader
from stopper.scan.source.removing import take_out


def read_module(project: Project, module: Module, tree: ast.Module) -> None:
    """Read a module's top level in order, then, once no module waits for another, the functions that waited."""
    reader = Reader(project, module, "", module.bindings)
    reader.scope = module.bindings
    project.nested += 1
    try:
        block(reader, tree.body)
    finally:
        project.nested -= 1
    module.done = True
    project.unfinished.append(module)
    if not project.nested:
        finish(project)


def finish(project: Project) -> None:
    """Read the functions of modules that waited for others."""
    while project.unfinished:
        one = project.unfinished.pop(0)
        try:
            read_waiting(project, one)
        except RecursionError:
            project.too_deep.append(one)
        one.wide = None


def read_waiting(project: Project, module: Module) -> None:
    """Read the bodies of that module's functions that nobody needed earlier."""
    while True:
        names_waiting = [name for name, waiting in project.pending.items() if waiting.module is module]
        if not names_waiting:
            return
        for name in names_waiting:
            waiting = project.pending.pop(name, None)
            if waiting is not None:
                read_function(project, waiting)


def _expression(reader: Reader, node: ast.Expr) -> Body | None:
    inner = node.value
    if type(inner) is ast.Constant:
        return None
    value = reader.value(inner)
    if type(value) is not Call:
        return None
    grow(reader, inner, value)
    if value.method == "abort":
        refuse(reader, node, says(value, 401, "401"))
        return Body(True, refuses(value))
    return Body(True, False) if value.callee in ("sys.exit", "os._exit", "exit", "quit") else None


def _global(reader: Reader, node: ast.Global | ast.Nonlocal) -> None:
    """Names of the module that a function changes stay what the module made of them."""


def _break(reader: Reader, node: ast.Break) -> None:
    if reader.loops:
        reader.loops[-1].append(dict(reader.scope))


def _delete(reader: Reader, node: ast.Delete) -> None:
    for target in node.targets:
        if type(target) is ast.Name and reader.function:
            reader.scope.pop(target.id, None)
        elif type(target) is ast.Subscript and type(target.slice) is not ast.Slice:
            # ``del kept[key]`` is what this function of the standard library does
            taken = (reader.value(target.value), reader.value(target.slice))
            take_out(reader, target.value, taken[1])
            reader.project.calls.append(
                Call("operator.delitem", taken, function=reader.function, span=reader.span(node))
            )


def _nothing(reader: Reader, node: ast.stmt) -> None:
    """``pass``, ``break`` and ``continue`` bind nothing."""


READERS.update(EXPRESSIONS)
READERS[ast.Call] = read_call

STATEMENTS.update({
    ast.Expr: _expression, ast.Assign: assign_or_define, ast.AnnAssign: annotated, ast.AugAssign: augmented, ast.Return: read_return,
    ast.Assert: read_assert, ast.Raise: read_raise, ast.If: read_if, ast.For: read_for, ast.AsyncFor: read_for, ast.While: read_while, ast.With: read_with, ast.AsyncWith: read_with,
    ast.Try: read_try, ast.TryStar: read_try, ast.Match: read_match, ast.Import: read_import, ast.ImportFrom: read_import_from,
    ast.FunctionDef: read_definition, ast.AsyncFunctionDef: read_definition, ast.ClassDef: read_class, ast.Global: _global,
    ast.Nonlocal: _global, ast.Delete: _delete, ast.Pass: _nothing, ast.Break: _break, ast.Continue: _nothing,
})  # fmt: skip
