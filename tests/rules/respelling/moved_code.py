"""Steps of a function in a function of their own: in the same module, in another one, in a service."""

import ast
from collections.abc import Callable
from dataclasses import dataclass

from tests.rules.respelling.constants import imports_for
from tests.rules.respelling.tree import (
    BUILTINS,
    Function,
    Replaced,
    Rewriting,
    Sources,
    after_head,
    bound_by,
    bound_in,
    each_module,
    expression,
    fresh,
    functions,
    holds,
    is_docstring,
    is_view,
    locals_of,
    name,
    parameters,
    printed,
    python_of,
    read_in,
    statement,
    words,
)

_STOPS = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom, ast.Lambda, ast.Global, ast.Nonlocal)


@dataclass(frozen=True, slots=True)
class Step:
    """An expression that can stand in a function of its own: where it is read from, which local names it needs, and whether a view has it."""

    statement: ast.stmt
    value: ast.expr
    needs: tuple[str, ...]
    in_view: bool = False


def steps_of(tree: ast.Module) -> list[Step]:
    """The calls whose result a function gives a name, returns or throws away, and the tests of its branches."""
    found: list[Step] = []
    inner = {
        id(deep)
        for one in functions(tree)
        for top in one.body
        for deep in ast.walk(top)
        if isinstance(deep, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    for function in functions(tree):
        if id(function) in inner or "locals" in words(function) - BUILTINS:
            continue
        visible = visible_in(function)
        for node in ast.walk(function):
            if not isinstance(node, (ast.Assign, ast.Return, ast.Expr)) or not isinstance(node.value, ast.Call):
                continue
            if holds(node.value, *_STOPS) or "super" in read_in([node.value]):
                continue
            # What the function of its own reads of the names around it is passed.
            needs = tuple(sorted((read_in([node.value]) - _bound_by_comprehensions(node.value)) & visible))
            found.append(Step(node, node.value, needs, is_view(function)))
    return found


def visible_in(function: Function) -> set[str]:
    found = locals_of(function)
    for one in ast.walk(function):
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found |= locals_of(one)
    return found


def _bound_by_comprehensions(value: ast.expr) -> set[str]:
    return {word for node in ast.walk(value) if isinstance(node, ast.comprehension) for word in bound_in([node.target])}


def maker_of(title: str, needs: tuple[str, ...], value: ast.expr) -> ast.FunctionDef:
    made = ast.parse(f"def {title}({', '.join(needs)}): pass").body[0]
    assert isinstance(made, ast.FunctionDef)
    made.body = [ast.Return(value)]
    return made


def call_of(function: ast.expr, needs: tuple[str, ...]) -> ast.Call:
    return ast.Call(function, [name(one) for one in needs], [])


def put_in(step: Step, made: ast.expr) -> None:
    assert isinstance(step.statement, (ast.Assign, ast.Return, ast.Expr))
    step.statement.value = made


def _in_functions(tree: ast.Module) -> bool:
    taken = words(tree)
    steps = steps_of(tree)
    made: list[ast.stmt] = []
    for step in steps:
        title = fresh("step", taken)
        made.append(maker_of(title, step.needs, step.value))
        put_in(step, call_of(name(title), step.needs))
    tree.body[after_head(tree) : after_head(tree)] = made
    return bool(steps)


def _in_class(tree: ast.Module, *, static: bool) -> bool:
    taken = words(tree)
    steps = steps_of(tree)
    if not steps or "self" in taken:
        return False
    title, held = fresh("Service", taken), fresh("service", taken)
    body: list[ast.stmt] = []
    for step in steps:
        word = fresh("step", taken)
        maker = maker_of(word, step.needs, step.value)
        if static:
            maker.decorator_list = [name("staticmethod")]
        else:
            maker.args.args.insert(0, ast.arg("self"))
        body.append(maker)
        put_in(step, call_of(expression(f"{title if static else held}.{word}"), step.needs))
    made: list[ast.stmt] = [ast.ClassDef(title, [], [], body, [])]
    if not static:
        made.append(statement(f"{held} = {title}()"))
    tree.body[after_head(tree) : after_head(tree)] = made
    return True


def _in_constructed(tree: ast.Module) -> bool:
    """The module's own values that a step reads are given to a service when it is made: ``self.key``."""
    taken = words(tree)
    if "self" in taken:
        return False
    values = {
        word
        for one in tree.body
        if isinstance(one, (ast.Assign, ast.AnnAssign))
        for word in bound_by(one)
        if word.isupper()
    }
    inside = bound_in(node for one in functions(tree) for node in one.body)
    values -= inside
    steps = [step for step in steps_of(tree) if read_in([step.value]) & values]
    read = sorted({word for step in steps for word in read_in([step.value]) & values})
    if not steps or any(isinstance(node, ast.Global) for node in ast.walk(tree)):
        return False
    title, held = fresh("Service", taken), fresh("service", taken)
    maker = ast.parse(f"def __init__(self, {', '.join(word.lower() for word in read)}): pass").body[0]
    assert isinstance(maker, ast.FunctionDef)
    maker.body = [statement(f"self.{word.lower()} = {word.lower()}") for word in read]
    body: list[ast.stmt] = [maker]
    for step in steps:
        word = fresh("step", taken)
        Replaced({one: f"self.{one.lower()}" for one in read}).visit(step.value)
        method = maker_of(word, step.needs, step.value)
        method.args.args.insert(0, ast.arg("self"))
        body.append(method)
        put_in(step, call_of(expression(f"{held}.{word}"), step.needs))
    last = max(
        number
        for number, one in enumerate(tree.body)
        if bound_by(one) & set(read) and not isinstance(one, (ast.FunctionDef, ast.ClassDef))
    )
    tree.body[last + 1 : last + 1] = [
        ast.ClassDef(title, [], [], body, []),
        statement(f"{held} = {title}({', '.join(read)})"),
    ]
    return True


def elsewhere(take: Callable[[ast.Module, str], list[ast.stmt]]) -> Rewriting:
    """What *take* takes out of the one module at the root stands in a module of its own, which it imports from."""

    def rewriting(sources: Sources) -> dict[str, str] | None:
        trees = python_of(sources)
        if any("services" in file for file in sources) or any("services" in words(tree) for tree in trees.values()):
            return None
        for file, tree in trees.items():
            if "/" in file or not any(isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)) for one in tree.body):
                continue
            moved = take(tree, file.removesuffix(".py"))
            if moved:
                return printed(sources, {**trees, "services.py": ast.Module(moved, [])})
        return None

    return rewriting


def _steps_elsewhere(tree: ast.Module, module: str) -> list[ast.stmt]:
    taken = words(tree)
    brought = {word for one in tree.body if isinstance(one, (ast.Import, ast.ImportFrom)) for word in bound_by(one)}
    own = {word for one in tree.body for word in bound_by(one)} - brought
    made: list[ast.stmt] = []
    titles: list[str] = []
    for step in steps_of(tree):
        title = fresh("step", taken)
        maker = maker_of(title, step.needs, step.value)
        late = sorted((read_in([step.value]) & own) - set(step.needs))
        if late:
            maker.body.insert(0, ast.ImportFrom(module, [ast.alias(one) for one in late], 0))
        made.append(maker)
        titles.append(title)
        put_in(step, call_of(name(title), step.needs))
    if not made:
        return []
    head = imports_for(tree, read_in(made))
    tree.body.insert(after_head(tree), ast.ImportFrom("services", [ast.alias(one) for one in titles], 0))
    return [*head, *made]


def _functions_elsewhere(tree: ast.Module, module: str) -> list[ast.stmt]:
    """The functions and classes that need nothing of the module but each other and its constants."""
    brought = {word for one in tree.body if isinstance(one, (ast.Import, ast.ImportFrom)) for word in bound_by(one)}
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    constant = [
        one
        for one in tree.body
        if isinstance(one, ast.Assign)
        and not holds(one.value, ast.Call)
        and all(word.isupper() for word in bound_by(one))
    ]
    moving = [one for one in tree.body if isinstance(one, kinds) and not is_view(one)] + [
        one for one in constant if isinstance(one, ast.stmt)
    ]
    while True:
        titles = {word for one in moving for word in bound_by(one)}
        kept = [one for one in moving if _free(one) <= titles | brought | BUILTINS]
        if len(kept) == len(moving):
            break
        moving = kept
    if not any(isinstance(one, kinds) for one in moving) or holds(tree, ast.Global):
        return []
    counted = [word for one in tree.body for word in bound_by(one)]
    if any(counted.count(word) > 1 for word in titles):
        return []
    ordered = [one for one in tree.body if one in moving]
    head = imports_for(tree, read_in(ordered))
    tree.body = [one for one in tree.body if one not in moving]
    used = sorted(titles)
    tree.body.insert(after_head(tree), ast.ImportFrom("services", [ast.alias(one) for one in used], 0))
    return [*head, *ordered]


def _free(one: ast.stmt) -> set[str]:
    return read_in([one]) - bound_in([one])


def _thin_views(tree: ast.Module, module: str) -> list[ast.stmt]:
    """A view does nothing but call a function of the services, which has its steps."""
    taken = words(tree)
    brought = {word for one in tree.body if isinstance(one, (ast.Import, ast.ImportFrom)) for word in bound_by(one)}
    own = {word for one in tree.body for word in bound_by(one)} - brought
    made: list[ast.stmt] = []
    titles: list[str] = []
    for view in [one for one in tree.body if is_view(one)]:
        if (
            not isinstance(view, ast.FunctionDef)
            or holds(view, ast.Global, ast.Nonlocal)
            or view.args.kwarg
            or view.args.vararg
        ):
            continue
        title = fresh(f"{view.name}_step", taken)
        needs = tuple(parameters(view))
        maker = maker_of(title, needs, ast.Constant(None))
        maker.body = [one for one in view.body if not is_docstring(one)]
        late = sorted((read_in(maker.body) & own) - locals_of(maker))
        if not maker.body or any(word in read_in(view.args.defaults) for word in own):
            continue
        if late:
            maker.body.insert(0, ast.ImportFrom(module, [ast.alias(one) for one in late], 0))
        made.append(maker)
        titles.append(title)
        view.body = [ast.Return(call_of(name(title), needs))]
    if not made:
        return []
    head = imports_for(tree, read_in(made))
    tree.body.insert(after_head(tree), ast.ImportFrom("services", [ast.alias(one) for one in titles], 0))
    return [*head, *made]


def _conditions(tree: ast.Module) -> bool:
    """The test of a branch is what a function of its own returns."""
    taken = words(tree)
    made: list[ast.stmt] = []
    inner = {
        id(deep)
        for one in functions(tree)
        for top in one.body
        for deep in ast.walk(top)
        if isinstance(deep, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    for function in functions(tree):
        if id(function) in inner:
            continue
        visible = visible_in(function)
        for node in ast.walk(function):
            if (
                isinstance(node, ast.If)
                and isinstance(node.test, (ast.Compare, ast.BoolOp, ast.Call, ast.UnaryOp))
                and not holds(node.test, *_STOPS)
            ):
                needs = tuple(sorted((read_in([node.test]) - _bound_by_comprehensions(node.test)) & visible))
                title = fresh("holds", taken)
                made.append(maker_of(title, needs, node.test))
                node.test = call_of(name(title), needs)
    tree.body[after_head(tree) : after_head(tree)] = made
    return bool(made)


def _blocks(tree: ast.Module) -> bool:
    """The steps of a view stand in a function of the same module that the view calls."""
    taken = words(tree)
    changed = False
    for number, view in reversed(list(enumerate(tree.body))):
        if (
            not isinstance(view, ast.FunctionDef)
            or not is_view(view)
            or holds(view, ast.Nonlocal)
            or view.args.kwarg
            or view.args.vararg
        ):
            continue
        body = [one for one in view.body if not is_docstring(one)]
        if not body:
            continue
        title = fresh("answer_of", taken)
        needs = tuple(parameters(view))
        maker = maker_of(title, needs, ast.Constant(None))
        maker.body = body
        view.body = [ast.Return(call_of(name(title), needs))]
        tree.body.insert(number, maker)
        changed = True
    return changed


in_functions = each_module(_in_functions)
in_static_methods = each_module(lambda tree: _in_class(tree, static=True))
in_methods = each_module(lambda tree: _in_class(tree, static=False))
in_constructed = each_module(_in_constructed)
steps_elsewhere = elsewhere(_steps_elsewhere)
functions_elsewhere = elsewhere(_functions_elsewhere)
thin_views = elsewhere(_thin_views)
conditions_in_functions = each_module(_conditions)
answers_in_functions = each_module(_blocks)
