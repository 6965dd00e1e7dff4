"""What the rewritings ask of a syntax tree: which names a piece binds and reads, which functions are views, which words are free."""

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator, Mapping

Sources = Mapping[str, str]
"""File name → text, as a page's example has them."""
Rewriting = Callable[[Sources], "dict[str, str] | None"]
"""Another spelling of the same program, or None where there is nothing of that kind to rewrite."""
Function = ast.FunctionDef | ast.AsyncFunctionDef

VERBS = frozenset({"get", "post", "put", "patch", "delete"})
BUILTINS = frozenset(dir(builtins))


def python_of(sources: Sources) -> dict[str, ast.Module]:
    """The trees of the Python files."""
    return {name: ast.parse(text) for name, text in sources.items() if name.endswith(".py")}


def printed(sources: Sources, trees: Mapping[str, ast.Module]) -> dict[str, str]:
    """The program with these trees in place of its Python files; other files stay as they are."""
    made = dict(sources)
    for name, tree in trees.items():
        made[name] = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    return made


def each_module(change: Callable[[ast.Module], bool]) -> Rewriting:
    """The rewriting that changes every module by itself. *change* says whether there was anything to change."""

    def rewriting(sources: Sources) -> dict[str, str] | None:
        trees = python_of(sources)
        changed = [change(tree) for tree in trees.values()]
        return printed(sources, trees) if any(changed) else None

    return rewriting


def words(tree: ast.AST) -> set[str]:
    """Every word that a new name could be taken for."""
    found: set[str] = set(BUILTINS)
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "asname"):
            word = getattr(node, field, None)
            if isinstance(word, str):
                found.add(word)
    return found


def fresh(wish: str, taken: set[str]) -> str:
    """A name like *wish* that is not taken; it is from now on."""
    name, number = wish, 1
    while name in taken:
        number += 1
        name = f"{wish}_{number}"
    taken.add(name)
    return name


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function, outer ones first."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def bodies(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every list of statements."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            held = getattr(node, field, None)
            if isinstance(held, list) and held and isinstance(held[0], ast.stmt):
                yield held


def parameters(function: Function) -> list[str]:
    """The names of a function's parameters."""
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    every += [one for one in (given.vararg, given.kwarg) if one is not None]
    return [one.arg for one in every]


def bound_in(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that these pieces bind, those of nested functions too."""
    found: set[str] = set()
    for top in nodes:
        for node in ast.walk(top):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                found.add(node.id)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.update((node.name, *parameters(node)))
            elif isinstance(node, (ast.ClassDef, ast.ExceptHandler)):
                found.update(filter(None, [node.name]))
            elif isinstance(node, ast.alias):
                found.add((node.asname or node.name).partition(".")[0])
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
                found.add(node.name)
    return found


def read_in(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that these pieces read."""
    return {
        node.id
        for top in nodes
        for node in ast.walk(top)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def bound_by(statement: ast.stmt) -> set[str]:
    """The names that one statement binds in the scope where it stands."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    found: set[str] = set()
    for node in _same_scope(statement):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)):
            found.update(filter(None, [node.name]))
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
    return found


def _same_scope(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _same_scope(child)


def locals_of(function: Function) -> set[str]:
    """The names that are a function's own."""
    found = set(parameters(function))
    for statement in function.body:
        found |= bound_by(statement)
    shared = {
        name for node in ast.walk(function) if isinstance(node, (ast.Global, ast.Nonlocal)) for name in node.names
    }
    return found - shared


def holds(node: ast.AST, *kinds: type[ast.AST]) -> bool:
    """That a node of one of these kinds stands in it."""
    return any(isinstance(inner, kinds) for inner in ast.walk(node))


def is_docstring(statement: ast.stmt) -> bool:
    """That the statement is nothing but a text."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def after_head(tree: ast.Module) -> int:
    """Where a module's first statement after docstring and imports stands."""
    for number, statement in enumerate(tree.body):
        if not is_docstring(statement) and not isinstance(statement, (ast.Import, ast.ImportFrom)):
            return number
    return len(tree.body)


def route_of(decorator: ast.expr) -> ast.Call | None:
    """The decorator as ``app.route("/…")`` or one of its short forms, else None."""
    if (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and isinstance(decorator.func.value, ast.Name)
        and decorator.func.attr in VERBS | {"route"}
        and decorator.args
        and isinstance(decorator.args[0], ast.Constant)
        and isinstance(decorator.args[0].value, str)
        and (decorator.args[0].value.startswith(("/", "<")) or not decorator.args[0].value)
    ):
        return decorator
    return None


def is_view(function: ast.stmt) -> bool:
    """That the function has a route's decorator."""
    return isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(
        route_of(one) is not None for one in function.decorator_list
    )


def name(word: str) -> ast.Name:
    """A name that is read."""
    return ast.Name(word, ast.Load())


def expression(text: str) -> ast.expr:
    """The expression that a text is."""
    return ast.parse(text, mode="eval").body


def statement(text: str) -> ast.stmt:
    """The statement that a text is."""
    return ast.parse(text).body[0]


class Replaced(ast.NodeTransformer):
    """Names that are read, replaced by the expressions that *made* has for them."""

    def __init__(self, made: Mapping[str, str]) -> None:
        self._made = made

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self._made:
            return expression(self._made[node.id])
        return node
