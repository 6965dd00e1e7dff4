"""Constants of a module, written in another place or kept in another thing."""

import ast
from collections.abc import Callable, Mapping

from tests.rules.respelling.tree import (
    BUILTINS,
    Replaced,
    Rewriting,
    Sources,
    after_head,
    bound_by,
    bound_in,
    expression,
    fresh,
    functions,
    printed,
    python_of,
    read_in,
    words,
)

_MADE = frozenset({"os.environ.get", "os.getenv", "environ.get", "getenv", "timedelta", "datetime.timedelta", "frozenset", "set", "int", "str",
                   "bytes", "bool", "float", "tuple", "list", "dict", "re.compile", "Path"})  # fmt: skip
"""What a constant's value may call."""


def _is_plain(value: ast.expr, *, lasting: bool) -> bool:
    """That the value is made of literals, the environment and imported names; *lasting*: that nothing can change it."""
    for node in ast.walk(value):
        if isinstance(node, ast.Call) and ast.unparse(node.func) not in _MADE:
            return False
        if isinstance(node, (ast.Lambda, ast.Await, ast.NamedExpr, ast.comprehension)):
            return False
        if lasting and isinstance(node, (ast.List, ast.Dict, ast.Set)):
            return False
        if lasting and isinstance(node, ast.Call) and ast.unparse(node.func) in ("set", "list", "dict"):
            return False
    return True


def _constants(sources: Sources, tree: ast.Module, file: str, *, lasting: bool = False) -> dict[str, ast.expr]:
    """The constants of a module that can be moved: bound once, read by this module alone, made of nothing else of the module."""
    known: dict[str, ast.expr] = {}
    counted: dict[str, int] = {}
    for statement in tree.body:
        for one in bound_by(statement):
            counted[one] = counted.get(one, 0) + 1
    elsewhere = bound_in(node for function in functions(tree) for node in (function.args, *function.body))
    elsewhere |= {one for node in ast.walk(tree) if isinstance(node, ast.Global) for one in node.names}
    elsewhere |= {word for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for word in bound_in(node.body)}
    others = " ".join(text for name, text in sources.items() if name != file)
    imported = _imported(tree)
    read_here = read_in([tree])  # what nothing here reads is read by its name, as gunicorn reads ``workers``
    for statement in tree.body:
        target = _target(statement)
        value = getattr(statement, "value", None)
        if target is None or value is None or counted[target] != 1 or target in elsewhere or target in others:
            continue
        if (
            target not in read_here
            or target.startswith("__")
            or not _is_plain(value, lasting=lasting)
            or not _is_settled(value)
        ):
            continue
        if read_in([value]) <= imported | BUILTINS | known.keys():
            known[target] = value
    return known


def _is_settled(value: ast.expr) -> bool:
    return not (isinstance(value, ast.Name) and value.id not in BUILTINS)


def _target(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    return None


def _imported(tree: ast.Module) -> set[str]:
    return {one for top in tree.body if isinstance(top, (ast.Import, ast.ImportFrom)) for one in bound_by(top)}


def _without(tree: ast.Module, known: Mapping[str, ast.expr]) -> None:
    tree.body = [one for one in tree.body if _target(one) not in known]


def imports_for(tree: ast.Module, read: set[str]) -> list[ast.stmt]:
    """Those imports of a module's head that bring these names."""
    found: list[ast.stmt] = []
    for statement in tree.body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            used = [one for one in statement.names if (one.asname or one.name).partition(".")[0] in read]
            if used and isinstance(statement, ast.Import):
                found.append(ast.Import(used))
            elif used and isinstance(statement, ast.ImportFrom):
                found.append(ast.ImportFrom(statement.module, used, statement.level))
    return found


def assignments(known: Mapping[str, ast.expr]) -> list[ast.stmt]:
    return [ast.Assign([ast.Name(one, ast.Store())], value) for one, value in known.items()]


def apart(file: str, arrange: Callable[[ast.Module, dict[str, ast.expr], str], dict[str, ast.Module]]) -> Rewriting:
    """Constants of the one module at the root move to a module of their own, as *arrange* lays them out."""

    def rewriting(sources: Sources) -> dict[str, str] | None:
        trees = python_of(sources)
        if any(one.partition("/")[0].removesuffix(".py") == file for one in sources) or file in _all_words(trees):
            return None
        for name, tree in trees.items():
            known = _constants(sources, tree, name) if "/" not in name else {}
            if known:
                _without(tree, known)
                made = arrange(tree, known, file)
                return printed(sources, {**trees, **made})
        return None

    return rewriting


def _all_words(trees: Mapping[str, ast.Module]) -> set[str]:
    return {word for tree in trees.values() for word in words(tree)}


def home_of(tree: ast.Module, known: Mapping[str, ast.expr], statements: list[ast.stmt]) -> ast.Module:
    return ast.Module([*imports_for(tree, read_in(known.values())), *statements], [])


def _imported_by_name(tree: ast.Module, known: dict[str, ast.expr], file: str) -> dict[str, ast.Module]:
    made = home_of(tree, known, assignments(known))
    tree.body.insert(after_head(tree), ast.ImportFrom(file, [ast.alias(one) for one in known], 0))
    return {f"{file}.py": made}


def _imported_whole(tree: ast.Module, known: dict[str, ast.expr], file: str) -> dict[str, ast.Module]:
    made = home_of(tree, known, assignments(known))
    Replaced({one: f"{file}.{one}" for one in known}).visit(tree)
    tree.body.insert(after_head(tree), ast.Import([ast.alias(file)]))
    return {f"{file}.py": made}


def _through_a_package(tree: ast.Module, known: dict[str, ast.expr], file: str) -> dict[str, ast.Module]:
    made = home_of(tree, known, assignments(known))
    names = [ast.alias(one) for one in known]
    tree.body.insert(after_head(tree), ast.ImportFrom(file, names, 0))
    return {f"{file}/__init__.py": ast.Module([ast.ImportFrom("values", names, 1)], []), f"{file}/values.py": made}


def _in_a_class_elsewhere(tree: ast.Module, known: dict[str, ast.expr], file: str) -> dict[str, ast.Module]:
    holder = ast.ClassDef("Values", [], [], assignments(known), [])
    made = home_of(tree, known, [holder])
    Replaced({one: f"Values.{one}" for one in known}).visit(tree)
    tree.body.insert(after_head(tree), ast.ImportFrom(file, [ast.alias("Values")], 0))
    return {f"{file}.py": made}


def here(hold: Callable[[dict[str, ast.expr], set[str]], tuple[list[ast.stmt], str]], *, lasting: bool) -> Rewriting:
    """The constants of each module in one thing of that module; *hold* makes it and says how a constant is read from it."""

    def rewriting(sources: Sources) -> dict[str, str] | None:
        trees = python_of(sources)
        changed = False
        for name, tree in trees.items():
            known = _constants(sources, tree, name, lasting=lasting)
            if not known:
                continue
            statements, read = hold(known, words(tree))
            first = min(number for number, one in enumerate(tree.body) if _target(one) in known)
            _without(tree, known)
            Replaced({one: read % one for one in known}).visit(tree)
            tree.body[first:first] = statements
            changed = True
        return printed(sources, trees) if changed else None

    return rewriting


def independent(known: dict[str, ast.expr]) -> None:
    """Leave out those that stand on others: a dict or an object's constructor cannot read what it is about to hold."""
    for one in [one for one, value in known.items() if read_in([value]) & known.keys()]:
        del known[one]


def _class(known: dict[str, ast.expr], taken: set[str]) -> tuple[list[ast.stmt], str]:
    title = fresh("Values", taken)
    return [ast.ClassDef(title, [], [], assignments(known), [])], title + ".%s"


def _dict(known: dict[str, ast.expr], taken: set[str]) -> tuple[list[ast.stmt], str]:
    independent(known)
    title = fresh("VALUES", taken)
    held = ast.Dict([ast.Constant(one) for one in known], list(known.values()))
    return [ast.Assign([ast.Name(title, ast.Store())], held)], title + "['%s']"


def _enum(known: dict[str, ast.expr], taken: set[str]) -> tuple[list[ast.stmt], str]:
    independent(known)
    title, base = fresh("Values", taken), fresh("Enum", taken)
    brought = ast.ImportFrom("enum", [ast.alias("Enum", base if base != "Enum" else None)], 0)
    return [
        brought,
        ast.ClassDef(title, [ast.Name(base, ast.Load())], [], assignments(known), []),
    ], title + ".%s.value"


def _dataclass(known: dict[str, ast.expr], taken: set[str]) -> tuple[list[ast.stmt], str]:
    independent(known)
    title, held = fresh("Values", taken), fresh("values", taken)
    decorator, anything = fresh("dataclass", taken), fresh("Any", taken)
    fields: list[ast.stmt] = [
        ast.AnnAssign(ast.Name(one, ast.Store()), ast.Name(anything, ast.Load()), value, 1)
        for one, value in known.items()
    ]
    return [
        ast.ImportFrom("dataclasses", [ast.alias("dataclass", decorator)], 0),
        ast.ImportFrom("typing", [ast.alias("Any", anything)], 0),
        ast.ClassDef(title, [], [], fields, [expression(f"{decorator}(frozen=True)")]),
        ast.Assign([ast.Name(held, ast.Store())], expression(f"{title}()")),
    ], held + ".%s"


def _object(known: dict[str, ast.expr], taken: set[str]) -> tuple[list[ast.stmt], str]:
    independent(known)
    title, held = fresh("Values", taken), fresh("values", taken)
    maker = ast.parse("def __init__(self): pass").body[0]
    assert isinstance(maker, ast.FunctionDef)
    maker.body = [
        ast.Assign([ast.Attribute(ast.Name("self", ast.Load()), one, ast.Store())], value)
        for one, value in known.items()
    ]
    return [
        ast.ClassDef(title, [], [], [maker], []),
        ast.Assign([ast.Name(held, ast.Store())], expression(f"{title}()")),
    ], held + ".%s"


def _function(known: dict[str, ast.expr], taken: set[str]) -> tuple[list[ast.stmt], str]:
    independent(known)
    made: list[ast.stmt] = []
    for one, value in known.items():
        maker = ast.parse("def f(): pass").body[0]
        assert isinstance(maker, ast.FunctionDef)
        maker.name, maker.body = f"get_{one.lower()}", [ast.Return(value)]
        made.append(maker)
    return made, "get_%s()"


def _by_functions(sources: Sources) -> dict[str, str] | None:
    """``get_key()`` in place of ``KEY``; only where every name is small letters or capitals and its function is new."""
    trees = python_of(sources)
    changed = False
    for file, tree in trees.items():
        known = _constants(sources, tree, file, lasting=True)
        independent(known)
        known = {one: value for one, value in known.items() if f"get_{one.lower()}" not in words(tree)}
        if not known:
            continue
        statements, _ = _function(known, words(tree))
        first = min(number for number, one in enumerate(tree.body) if _target(one) in known)
        _without(tree, known)
        Replaced({one: f"get_{one.lower()}()" for one in known}).visit(tree)
        tree.body[first:first] = statements
        changed = True
    return printed(sources, trees) if changed else None


def _used_where_read(sources: Sources) -> dict[str, str] | None:
    """A literal or a variable of the environment stands where it is read: no constant at all."""
    trees = python_of(sources)
    changed = False
    for file, tree in trees.items():
        known = _constants(sources, tree, file, lasting=True)
        independent(known)
        if known:
            _without(tree, known)
            Replaced({one: ast.unparse(value) for one, value in known.items()}).visit(tree)
            changed = True
    return printed(sources, trees) if changed else None


in_a_module = apart("values_of_app", _imported_by_name)
in_a_module_read_whole = apart("values_of_app", _imported_whole)
through_a_package = apart("values_of_app", _through_a_package)
in_a_class_elsewhere = apart("values_of_app", _in_a_class_elsewhere)
in_a_class = here(_class, lasting=False)
in_a_dict = here(_dict, lasting=False)
in_an_enum = here(_enum, lasting=True)
in_a_dataclass = here(_dataclass, lasting=True)
in_an_object = here(_object, lasting=False)
by_functions = _by_functions
used_where_read = _used_where_read
