"""The same names, imported in other ways."""

import ast
from collections.abc import Iterator

from tests.rules.respelling.tree import (
    Replaced,
    Sources,
    after_head,
    bound_in,
    each_module,
    expression,
    fresh,
    functions,
    is_docstring,
    name,
    printed,
    python_of,
    read_in,
    words,
)

Import = ast.Import | ast.ImportFrom


def _imports(tree: ast.Module) -> Iterator[Import]:
    """The imports of a module's head that name each thing they bring."""
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom):
            if statement.module != "__future__" and all(one.name != "*" for one in statement.names):
                yield statement
        elif isinstance(statement, ast.Import) and all("." not in one.name for one in statement.names):
            yield statement


def _bound_once(tree: ast.Module) -> set[str]:
    """The names that nothing but one import binds."""
    inside: dict[str, int] = {}
    for statement in tree.body:
        for one in bound_in([statement]):
            inside[one] = inside.get(one, 0) + 1
    shared = {one for node in ast.walk(tree) if isinstance(node, ast.Global) for one in node.names}
    return {one for one, times in inside.items() if times == 1} - shared


def _is_own(statement: Import, own: set[str]) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return bool(statement.level) or (statement.module or "").partition(".")[0] in own
    return any(one.name.partition(".")[0] in own for one in statement.names)


def _own(sources: Sources) -> set[str]:
    return {part.removesuffix(".py") for file in sources for part in file.split("/")}


def _aliased(tree: ast.Module) -> bool:
    once, taken = _bound_once(tree), words(tree)
    made: dict[str, str] = {}
    for statement in _imports(tree):
        for one in statement.names:
            known = one.asname or one.name
            if known in once:
                other = fresh(f"{known}_" if known[:1].isupper() else f"{known}_lib", taken)
                one.asname = other
                made[known] = other
    Replaced(made).visit(tree)
    return bool(made)


def _from_imported(tree: ast.Module) -> bool:
    once, taken = _bound_once(tree), words(tree)
    changed = False
    for statement in list(_imports(tree)):
        if not isinstance(statement, ast.Import) or len(statement.names) != 1:
            continue
        (one,) = statement.names
        known = one.asname or one.name
        attributes = _attributes_alone(tree, known)
        if known not in once or not attributes:
            continue
        names = {
            word: word if word not in taken - attributes else fresh(f"{known}_{word}", taken) for word in attributes
        }
        if any(word in bound_in([tree]) for word in names.values()):
            names = {word: fresh(f"{known}_{word}", taken) for word in attributes}
        _Unqualified(known, names).visit(tree)
        tree.body[tree.body.index(statement)] = ast.ImportFrom(
            one.name, [ast.alias(word, other if other != word else None) for word, other in sorted(names.items())], 0
        )
        changed = True
    return changed


def _attributes_alone(tree: ast.Module, known: str) -> set[str]:
    """The attributes under which a module is read; none where it is also read in another way."""
    parents = {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == known:
            parent = parents[id(node)]
            if not isinstance(parent, ast.Attribute) or not isinstance(parent.ctx, ast.Load):
                return set()
            found.add(parent.attr)
    return found


class _Unqualified(ast.NodeTransformer):
    def __init__(self, known: str, names: dict[str, str]) -> None:
        self._known, self._names = known, names

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == self._known and node.attr in self._names:
            return name(self._names[node.attr])
        return node


def module_imported(sources: Sources) -> dict[str, str] | None:
    """``from flask import request`` becomes ``import flask`` and ``flask.request``."""
    trees = python_of(sources)
    own = _own(sources)
    changed = [_qualified(tree, own) for tree in trees.values()]
    return printed(sources, trees) if any(changed) else None


def _qualified(tree: ast.Module, own: set[str]) -> bool:
    once = _bound_once(tree)
    made: dict[str, str] = {}
    taken = bound_in([tree])
    for statement in list(_imports(tree)):
        if not isinstance(statement, ast.ImportFrom) or _is_own(statement, own) or statement.module is None:
            continue
        top = statement.module.partition(".")[0]
        known = [one.asname or one.name for one in statement.names]
        if (top in taken and not _imports_module(tree, top)) or not once.issuperset(known) or _is_submodule(statement):
            continue
        for one in statement.names:
            dotted = f"{statement.module}.{one.name}"
            made[one.asname or one.name] = dotted
        tree.body[tree.body.index(statement)] = ast.Import([ast.alias(statement.module)])
    Replaced(made).visit(tree)
    return bool(made)


def _imports_module(tree: ast.Module, top: str) -> bool:
    return any(
        isinstance(statement, ast.Import) and any(one.name.partition(".")[0] == top and one.asname is None for one in statement.names)
        for statement in tree.body
    )  # fmt: skip


_SUBMODULES = frozenset({"jose", "jwcrypto", "authlib.jose", "cryptography.hazmat.primitives", "urllib", "google", "azure", "lxml",
                         "cryptography.hazmat.primitives.asymmetric", "cryptography", "concurrent", "joserfc", "xml", "cryptography.hazmat.backends"})  # fmt: skip
"""Packages whose parts a plain import of the package does not bring."""


def _is_submodule(statement: ast.ImportFrom) -> bool:
    return statement.module in _SUBMODULES and all(one.name.islower() for one in statement.names)


def reexported(sources: Sources) -> dict[str, str] | None:
    """Libraries come through a module of the project: ``from libs import jwt, request``."""
    if any(file.partition("/")[0].removesuffix(".py") == "libs" for file in sources):
        return None
    trees = python_of(sources)
    own = _own(sources)
    brought: dict[str, str] = {}
    for tree in trees.values():
        moved = [one for one in _imports(tree) if not _is_own(one, own)]
        known = [one.asname or one.name for statement in moved for one in statement.names]
        for statement in moved:
            for one in statement.names:
                alone: Import = (
                    ast.Import([one])
                    if isinstance(statement, ast.Import)
                    else ast.ImportFrom(statement.module, [one], 0)
                )
                if brought.setdefault(one.asname or one.name, ast.unparse(alone)) != ast.unparse(alone):
                    return None
        if known:
            first = tree.body.index(moved[0])
            tree.body = [one for one in tree.body if one not in moved]
            tree.body.insert(first, ast.ImportFrom("libs", [ast.alias(one) for one in known], 0))
    if not brought:
        return None
    made = printed(sources, trees)
    made["libs.py"] = "\n".join([*brought.values(), "", f"__all__ = {sorted(brought)!r}", ""])
    return made


def _lazy(tree: ast.Module) -> bool:
    once = _bound_once(tree)
    outside = _read_outside(tree)
    changed = False
    for statement in list(_imports(tree)):
        late = [one for one in statement.names if (known := one.asname or one.name) in once and known not in outside]
        late = [
            one for one in late if any((one.asname or one.name) in read_in(outer.body) for outer in _outermost(tree))
        ]
        if not late:
            continue
        for outer in _outermost(tree):
            used = [one for one in late if (one.asname or one.name) in read_in(outer.body)]
            if used:
                outer.body.insert(1 if is_docstring(outer.body[0]) else 0, _with(statement, used))
        kept = [one for one in statement.names if one not in late]
        number = tree.body.index(statement)
        tree.body[number : number + 1] = [_with(statement, kept)] if kept else []
        changed = True
    return changed


def _with(statement: Import, names: list[ast.alias]) -> ast.stmt:
    if isinstance(statement, ast.Import):
        return ast.Import(names)
    return ast.ImportFrom(statement.module, names, statement.level)


def _outermost(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    inner = {id(deep) for one in functions(tree) for top in one.body for deep in ast.walk(top)}
    return [one for one in functions(tree) if id(one) not in inner]


def _read_outside(tree: ast.Module) -> set[str]:
    """What is read when the module itself runs: all but the bodies of functions."""
    inside = {id(deep) for one in _outermost(tree) for top in one.body for deep in ast.walk(top)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in inside}


def _below(tree: ast.Module) -> bool:
    """Names brought below the imports by an assignment: ``fetch = requests.get``."""
    once, taken = _bound_once(tree), words(tree)
    calls = [
        node.func
        for outer in _outermost(tree)
        for top in outer.body
        for node in ast.walk(top)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    ]
    modules = {
        one.asname or one.name
        for statement in _imports(tree)
        if isinstance(statement, ast.Import)
        for one in statement.names
    }
    wanted = {
        (one.value.id, one.attr) for one in calls if isinstance(one.value, ast.Name) and one.value.id in modules & once
    }
    if not wanted:
        return False
    head = after_head(tree)
    for number, (module, attribute) in enumerate(sorted(wanted)):
        known = fresh(f"{module}_{attribute}", taken)
        for outer in _outermost(tree):
            for top in outer.body:
                _Calls(module, attribute, known).visit(top)
        tree.body.insert(head + number, ast.Assign([ast.Name(known, ast.Store())], expression(f"{module}.{attribute}")))
    return True


class _Calls(ast.NodeTransformer):
    def __init__(self, module: str, attribute: str, known: str) -> None:
        self._wanted, self._known = (module, attribute), known

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        function = node.func
        if (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and (function.value.id, function.attr) == self._wanted
        ):
            node.func = name(self._known)
        return node


aliased = each_module(_aliased)
from_imported = each_module(_from_imported)
lazy = each_module(_lazy)
functions_by_another_name = each_module(_below)
