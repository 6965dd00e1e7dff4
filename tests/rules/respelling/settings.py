"""Settings of the application, given in other ways."""

import ast
from collections.abc import Callable, Iterator

from tests.rules.respelling.constants import imports_for
from tests.rules.respelling.tree import (
    BUILTINS,
    Rewriting,
    Sources,
    bodies,
    bound_by,
    each_module,
    expression,
    fresh,
    holds,
    printed,
    python_of,
    read_in,
    words,
)

ATTRIBUTES = {"SECRET_KEY": "secret_key", "DEBUG": "debug", "TESTING": "testing"}


def _written(statement: ast.stmt) -> tuple[ast.expr, str, ast.expr] | None:
    """The application, the setting and the value of ``app.config["X"] = value``."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    if (
        isinstance(target, ast.Subscript)
        and isinstance(target.value, ast.Attribute)
        and target.value.attr == "config"
        and isinstance(target.value.value, ast.Name)
        and isinstance(target.slice, ast.Constant)
        and isinstance(target.slice.value, str)
        and target.slice.value.isidentifier()
        and target.slice.value.isupper()
    ):
        return target.value.value, target.slice.value, statement.value
    return None


def _runs(body: list[ast.stmt]) -> Iterator[tuple[int, int]]:
    """From and to of each run of such writes one below the other, last first."""
    end = len(body)
    while end > 0:
        start = end
        while start > 0 and _written(body[start - 1]) is not None:
            start -= 1
        if start < end:
            yield start, end
        end = start - 1


def _each_run(made: Callable[[ast.expr, dict[str, ast.expr], set[str]], list[ast.stmt] | None]) -> Rewriting:
    def change(tree: ast.Module) -> bool:
        changed = False
        taken = words(tree)
        for body in list(bodies(tree)):
            for start, end in list(_runs(body)):
                written = [found for one in body[start:end] if (found := _written(one)) is not None]
                settings = {key: value for _, key, value in written}
                statements = made(written[0][0], settings, taken) if len(settings) == len(written) else None
                if statements is not None:
                    body[start:end] = statements
                    changed = True
        return changed

    return each_module(change)


def _call(application: ast.expr, method: str, *args: ast.expr, **keywords: ast.expr) -> ast.stmt:
    owner = ast.Attribute(application, "config", ast.Load())
    passed = [ast.keyword(key, value) for key, value in keywords.items()]
    return ast.Expr(ast.Call(ast.Attribute(owner, method, ast.Load()), list(args), passed))


def _display(settings: dict[str, ast.expr]) -> ast.Dict:
    return ast.Dict([ast.Constant(key) for key in settings], list(settings.values()))


def _class(title: str, settings: dict[str, ast.expr]) -> ast.stmt:
    return ast.ClassDef(
        title, [], [], [ast.Assign([ast.Name(key, ast.Store())], value) for key, value in settings.items()], []
    )


def _from_class(application: ast.expr, settings: dict[str, ast.expr], taken: set[str]) -> list[ast.stmt] | None:
    title = fresh("Config", taken)
    return [_class(title, settings), _call(application, "from_object", ast.Name(title, ast.Load()))]


def _from_instance(application: ast.expr, settings: dict[str, ast.expr], taken: set[str]) -> list[ast.stmt] | None:
    title = fresh("Config", taken)
    return [_class(title, settings), _call(application, "from_object", expression(f"{title}()"))]


def _by_variable(application: ast.expr, settings: dict[str, ast.expr], taken: set[str]) -> list[ast.stmt] | None:
    title = fresh("settings", taken)
    return [
        ast.Assign([ast.Name(title, ast.Store())], _display(settings)),
        _call(application, "update", ast.Name(title, ast.Load())),
    ]


def _by_alias(application: ast.expr, settings: dict[str, ast.expr], taken: set[str]) -> list[ast.stmt] | None:
    title = fresh("settings", taken)
    made: list[ast.stmt] = [
        ast.Assign([ast.Name(title, ast.Store())], ast.Attribute(application, "config", ast.Load()))
    ]
    for key, value in settings.items():
        target = ast.Subscript(ast.Name(title, ast.Load()), ast.Constant(key), ast.Store())
        made.append(ast.Assign([target], value))
    return made


def _by_function(application: ast.expr, settings: dict[str, ast.expr], taken: set[str]) -> list[ast.stmt] | None:
    if any(holds(value, ast.Await, ast.NamedExpr) for value in settings.values()):
        return None
    title, given = fresh("configure", taken), fresh("application", taken)
    maker = ast.parse(f"def {title}({given}): pass").body[0]
    assert isinstance(maker, ast.FunctionDef)
    maker.body = []
    for key, value in settings.items():
        owner = ast.Attribute(ast.Name(given, ast.Load()), "config", ast.Load())
        maker.body.append(ast.Assign([ast.Subscript(owner, ast.Constant(key), ast.Store())], value))
    return [maker, ast.Expr(ast.Call(ast.Name(title, ast.Load()), [application], []))]


def _by_loop(application: ast.expr, settings: dict[str, ast.expr], taken: set[str]) -> list[ast.stmt] | None:
    key, value = fresh("key", taken), fresh("value", taken)
    loop = ast.parse(f"for {key}, {value} in X.items():\n    Y.config[{key}] = {value}").body[0]
    assert isinstance(loop, ast.For)
    loop.iter = ast.Call(ast.Attribute(_display(settings), "items", ast.Load()), [], [])
    target = ast.Subscript(ast.Attribute(application, "config", ast.Load()), ast.Name(key, ast.Load()), ast.Store())
    loop.body = [ast.Assign([target], ast.Name(value, ast.Load()))]
    return [loop]


def _as_attributes(tree: ast.Module) -> bool:
    changed = False
    for body in bodies(tree):
        for statement in body:
            found = _written(statement)
            if found is not None and found[1] in ATTRIBUTES and isinstance(statement, ast.Assign):
                statement.targets = [ast.Attribute(found[0], ATTRIBUTES[found[1]], ast.Store())]
                changed = True
    return changed


def _as_items(tree: ast.Module) -> bool:
    """The way back: attributes and ``update`` become one item each."""
    keys = {attribute: key for key, attribute in ATTRIBUTES.items()}
    changed = False
    for body in bodies(tree):
        for number, statement in reversed(list(enumerate(body))):
            target = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
            if isinstance(target, ast.Attribute) and target.attr == "secret_key" and isinstance(target.value, ast.Name):
                assert isinstance(statement, ast.Assign)
                statement.targets = [_item(target.value, keys[target.attr])]
                changed = True
            pairs = _updated(statement)
            if pairs is not None:
                body[number : number + 1] = [ast.Assign([_item(owner, key)], value) for owner, key, value in pairs]
                changed = True
    return changed


def _item(application: ast.expr, key: str) -> ast.expr:
    return ast.Subscript(ast.Attribute(application, "config", ast.Load()), ast.Constant(key), ast.Store())


def _updated(statement: ast.stmt) -> list[tuple[ast.expr, str, ast.expr]] | None:
    call = statement.value if isinstance(statement, ast.Expr) else None
    if (
        not isinstance(call, ast.Call)
        or not isinstance(call.func, ast.Attribute)
        or call.func.attr not in ("update", "from_mapping")
        or not isinstance(call.func.value, ast.Attribute)
        or call.func.value.attr != "config"
        or not isinstance(call.func.value.value, ast.Name)
    ):
        return None
    found: list[tuple[ast.expr, str, ast.expr]] = []
    for argument in call.args:
        if not isinstance(argument, ast.Dict):
            return None
        for key, value in zip(argument.keys, argument.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                return None
            found.append((call.func.value.value, key.value, value))
    for passed in call.keywords:
        if passed.arg is None:
            return None
        found.append((call.func.value.value, passed.arg, passed.value))
    return found or None


def _elsewhere(file: str, argument: Callable[[str], tuple[str, ast.expr]], title: str) -> Rewriting:
    """The settings of a module's first run in a file of their own, where they stand on nothing but imports and literals."""

    def rewriting(sources: Sources) -> dict[str, str] | None:
        trees = python_of(sources)
        if any(one.partition("/")[0].partition(".")[0] == file.partition(".")[0] for one in sources):
            return None
        for name, tree in trees.items():
            made = _moved(tree, argument(file), title) if "/" not in name else None
            if made is not None:
                return {**printed(sources, trees), file: ast.unparse(ast.fix_missing_locations(made)) + "\n"}
        return None

    return rewriting


def _moved(tree: ast.Module, how: tuple[str, ast.expr], title: str) -> ast.Module | None:
    imported = {one for top in tree.body if isinstance(top, (ast.Import, ast.ImportFrom)) for one in bound_by(top)}
    for body in list(bodies(tree)):
        for start, end in _runs(body):
            written = [found for one in body[start:end] if (found := _written(one)) is not None]
            settings = {key: value for _, key, value in written}
            if len(settings) == len(written) and read_in(settings.values()) <= imported | BUILTINS:
                body[start:end] = [_call(written[0][0], how[0], how[1])]
                held = _class(title, settings)
                assert isinstance(held, ast.ClassDef)
                statements: list[ast.stmt] = [held] if title else held.body
                return ast.Module([*imports_for(tree, read_in(settings.values())), *statements], [])
    return None


def _said_class(sources: Sources) -> dict[str, str] | None:
    made = from_named_class(sources)
    if made is None:
        return None
    for name, text in made.items():
        if name.endswith(".py") and "from_object('config.Config')" in text:
            made[name] = "from config import Config\n" + text.replace(
                "from_object('config.Config')", "from_object(Config)"
            )
            if text.startswith("from __future__"):
                return None
    return made


updated_by_keywords = _each_run(lambda application, settings, _: [_call(application, "update", **settings)])
updated_by_dict = _each_run(lambda application, settings, _: [_call(application, "update", _display(settings))])
updated_by_variable = _each_run(_by_variable)
from_mapping = _each_run(lambda application, settings, _: [_call(application, "from_mapping", **settings)])
from_class = _each_run(_from_class)
from_instance = _each_run(_from_instance)
by_alias = _each_run(_by_alias)
by_function = _each_run(_by_function)
by_loop = _each_run(_by_loop)
as_attributes = each_module(_as_attributes)
as_items = each_module(_as_items)
from_named_class = _elsewhere("config.py", lambda _: ("from_object", ast.Constant("config.Config")), "Config")
from_imported_class = _said_class
from_module = _elsewhere("config.py", lambda _: ("from_object", ast.Constant("config")), "")
from_file = _elsewhere("settings.py", lambda file: ("from_pyfile", ast.Constant(file)), "")
