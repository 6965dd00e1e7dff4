"""Names, annotations and notes that say nothing about what a program does."""

import ast
from collections.abc import Callable

from tests.rules.respelling.texts import import_first
from tests.rules.respelling.tree import (
    bound_in,
    each_module,
    fresh,
    functions,
    is_docstring,
    is_view,
    locals_of,
    parameters,
    read_in,
    words,
)

from stopper.core.naming import sensitive


def _noted(tree: ast.Module) -> bool:
    """Docstrings, annotations and statements that do nothing."""
    changed = False
    brought = fresh("Any", words(tree))
    for function in functions(tree):
        for given in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]:
            if given.annotation is None and given.arg not in ("self", "cls"):
                given.annotation = ast.Name(brought, ast.Load())
        function.returns = function.returns or ast.Name(brought, ast.Load())
        if not is_docstring(function.body[0]):
            function.body.insert(0, ast.Expr(ast.Constant("Do what the name says.")))
        for node in ast.walk(function):
            held = getattr(node, "body", None)
            for number, one in enumerate(held if isinstance(held, list) else []):
                plain = isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name)
                if (
                    plain
                    and not isinstance(node, ast.ClassDef)
                    and isinstance(held, list)
                    and not _is_shared(function, one)
                ):
                    held[number] = ast.AnnAssign(one.targets[0], ast.Name(brought, ast.Load()), one.value, 1)
        changed = True
    if changed:
        import_first(tree, f"from typing import Any as {brought}" if brought != "Any" else "from typing import Any")
    return changed


def _is_shared(function: ast.AST, one: ast.Assign) -> bool:
    shared = {
        word for node in ast.walk(function) if isinstance(node, (ast.Global, ast.Nonlocal)) for word in node.names
    }
    return isinstance(one.targets[0], ast.Name) and one.targets[0].id in shared


def _longer_names(tree: ast.Module) -> bool:
    """The names that a function gives itself, each with a word before it that says nothing."""
    return _renamed(tree, lambda word: f"the_{word}")


def _neutral_names(tree: ast.Module) -> bool:
    """The names that functions give themselves say nothing, but those that say what kind of secret they hold."""
    return _renamed(tree, lambda word: "value" if sensitive(word) is None and word not in _TELLING else word)


_TELLING = frozenset(
    {
        "user",
        "users",
        "account",
        "admin",
        "role",
        "claims",
        "payload",
        "data",
        "body",
        "response",
        "headers",
        "query",
        "sql",
        "url",
    }
)
"""Names that say what they hold where nothing else does; rules may lean on them, and say so by their certainty."""


def _renamed(tree: ast.Module, make: Callable[[str], str]) -> bool:
    taken = words(tree)
    changed = False
    inner = {
        id(deep)
        for one in functions(tree)
        for top in one.body
        for deep in ast.walk(top)
        if isinstance(deep, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    for function in functions(tree):
        if id(function) in inner or id(function) in inner:
            continue
        nested = [
            one
            for one in ast.walk(function)
            if one is not function and isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        ]
        given = {word for one in nested if not isinstance(one, ast.ClassDef) for word in parameters(one)} | set(
            parameters(function)
        )
        mine = (
            {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
            - given
            - {one.name for one in nested}
            - {word for one in nested for word in bound_in(one.body)}
        )
        mine -= {
            word for node in ast.walk(function) if isinstance(node, (ast.Global, ast.Nonlocal)) for word in node.names
        }
        mine -= {
            word
            for node in ast.walk(function)
            if isinstance(node, (ast.ExceptHandler, ast.alias))
            for word in bound_in([node])
        }
        mine &= locals_of(function) | mine
        other = {word: made if (made := make(word)) == word else fresh(made, taken) for word in sorted(mine)}
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and other.get(node.id, node.id) != node.id:
                node.id = other[node.id]
                changed = True
    return changed


def _renamed_functions(tree: ast.Module) -> bool:
    """Views that nothing else names get names that say nothing."""
    changed = False
    if "url_for" in words(tree) or "endpoint" in words(tree) or "view_functions" in words(tree):
        return False
    read = read_in(tree.body)
    for number, function in enumerate(one for one in functions(tree) if is_view(one)):
        if function.name not in read:
            function.name = f"door_{number}"
            changed = True
    return changed


noted = each_module(_noted)
longer_names = each_module(_longer_names)
neutral_names = each_module(_neutral_names)
renamed_views = each_module(_renamed_functions)
