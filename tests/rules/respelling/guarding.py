"""Guards, hooks, doors and refusals that hang on objects, tables and options of their own."""

import ast

from tests.rules.respelling.objects import is_error, outer_functions
from tests.rules.respelling.routes import application_of, is_main, methods_of, routed
from tests.rules.respelling.tree import (
    Replaced,
    after_head,
    bodies,
    bound_in,
    each_module,
    expression,
    fresh,
    functions,
    holds,
    is_view,
    name,
    parameters,
    read_in,
    statement,
    words,
)

_STOPS = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom, ast.Lambda)


def _decorators(tree: ast.Module) -> list[ast.FunctionDef]:
    """The functions of a module that take a function and give another back, and that are only used as decorators."""
    used = [one.id for function in functions(tree) for one in function.decorator_list if isinstance(one, ast.Name)]
    read = [one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)]
    return [
        one
        for one in tree.body
        if isinstance(one, ast.FunctionDef)
        and not one.decorator_list
        and len(parameters(one)) == 1
        and one.name in used
        and read.count(one.name) == used.count(one.name)
        and isinstance(one.body[-1], ast.Return)
        and not holds(one, ast.Global, ast.Nonlocal)
    ]


def _with_options(tree: ast.Module) -> bool:
    """``@guard`` becomes ``@guard(optional=False)``: a function with options makes the decorator."""
    taken = words(tree)
    found = _decorators(tree)
    if "optional" in taken:
        return False
    for one in found:
        inner = ast.FunctionDef(fresh("decorator", taken), one.args, one.body, [], None, None)
        one.args = ast.parse("def f(*, optional=False): pass").body[0].args  # type: ignore[attr-defined]
        one.body = [inner, ast.Return(name(inner.name))]
        for function in functions(tree):
            function.decorator_list = [
                expression(f"{one.name}(optional=False)")
                if isinstance(each, ast.Name) and each.id == one.name
                else each
                for each in function.decorator_list
            ]
    return bool(found)


def _of_an_object(tree: ast.Module) -> bool:
    """``@guard`` becomes ``@auth.guard``: the guards are methods of one object."""
    taken = words(tree)
    found = _decorators(tree)
    if not found or {"auth", "Auth"} & taken or any("self" in bound_in([one]) for one in found):
        return False
    titles = {one.name for one in found}
    if any(read_in(one.body) & titles for one in found):
        return False
    first = tree.body.index(found[0])
    for one in found:
        one.args.args.insert(0, ast.arg("self"))
    tree.body = [one for one in tree.body if one not in found]
    tree.body[first:first] = [ast.ClassDef("Auth", [], [], list(found), []), statement("auth = Auth()")]
    for function in functions(tree):
        function.decorator_list = [
            expression(f"auth.{each.id}") if isinstance(each, ast.Name) and each.id in titles else each
            for each in function.decorator_list
        ]
    return True


def _in_an_extension(tree: ast.Module) -> bool:
    """Hooks are methods of an object that registers them in ``init_app``."""
    found = application_of(tree)
    taken = words(tree)
    if found is None or {"Hooks", "hooks", "init_app"} & taken:
        return False
    number, application = found
    moved: list[ast.FunctionDef] = []
    lines: list[str] = []
    for one in tree.body[number:]:
        written = [ast.unparse(each) for each in one.decorator_list] if isinstance(one, ast.FunctionDef) else []
        verbs = [f"{application}.{verb}" for verb in ("before_request", "after_request", "teardown_request")]
        if isinstance(one, ast.FunctionDef) and len(written) == 1 and written[0] in verbs:
            moved.append(one)
            lines.append(f"        app.{written[0].rpartition('.')[2]}(self.{one.name})\n")
    titles = {one.name for one in moved}
    if not moved or read_in(tree.body) & titles:
        return False
    made = ast.parse(f"class Hooks:\n    def init_app(self, app):\n{''.join(lines)}").body[0]
    assert isinstance(made, ast.ClassDef)
    for one in moved:
        one.decorator_list = []
        one.args.args.insert(0, ast.arg("self"))
        made.body.append(one)
    tree.body = [one for one in tree.body if one not in moved]
    end = next((place for place, one in enumerate(tree.body) if is_main(one)), len(tree.body))
    tree.body[end:end] = [made, statement("hooks = Hooks()"), statement(f"hooks.init_app({application})")]
    return True


def _in_a_table(tree: ast.Module) -> bool:
    """The doors are rows of a table that a loop registers."""
    taken = words(tree)
    rows: list[str] = []
    owner = ""
    for body, _, view, routes in list(routed(tree)):
        (route, *more) = routes
        methods = methods_of(route)
        assert isinstance(route.func, ast.Attribute)
        made_by = ast.unparse(route.func.value)
        if more or body is not tree.body or methods is None or any(one.arg != "methods" for one in route.keywords):
            continue
        if owner and made_by != owner:
            continue
        owner = made_by
        view.decorator_list = view.decorator_list[1:]
        rows.append(f"({ast.unparse(route.args[0])}, {view.name}, {methods!r})")
    if not rows or {"DOORS", "door"} & taken or "register_blueprint" in ast.unparse(tree):
        return False
    end = next((place for place, one in enumerate(tree.body) if is_main(one)), len(tree.body))
    tree.body[end:end] = ast.parse(
        f"DOORS = [{', '.join(rows)}]\nfor path, door, methods in DOORS:\n    {owner}.add_url_rule(path, view_func=door, methods=methods)"
    ).body
    return True


def _by_own_decorator(tree: ast.Module) -> bool:
    """``@app.get("/x")`` becomes ``@endpoint("/x", methods=["GET"])``, a decorator of the project."""
    found = application_of(tree)
    if found is None or "endpoint" in words(tree):
        return False
    number, application = found
    changed = False
    for _, _, view, routes in list(routed(tree)):
        for place, route in enumerate(routes):
            methods = methods_of(route)
            assert isinstance(route.func, ast.Attribute)
            if methods is None or ast.unparse(route.func.value) != application:
                continue
            if not any(one.arg == "methods" for one in route.keywords):
                route.keywords.append(ast.keyword("methods", expression(repr(methods))))
            route.func = name("endpoint")
            view.decorator_list[place] = route
            changed = True
    if changed:
        tree.body[number + 1 : number + 1] = ast.parse(
            f"def endpoint(path, **options):\n    return {application}.route(path, **options)"
        ).body
    return changed


def _result_objects(tree: ast.Module) -> bool:
    """``if test: return answer, 403`` as ``outcome = check(…)`` and ``if isinstance(outcome, Failure): return outcome.answer``."""
    taken = words(tree)
    if {"Failure", "Success", "answer"} & taken:
        return False
    made: list[ast.stmt] = []
    for function in outer_functions(tree):
        visible = bound_in([function]) - {one.name for one in functions(function)}
        for body in bodies(function):
            for number, node in reversed(list(enumerate(body))):
                last = node.body[0] if isinstance(node, ast.If) and len(node.body) == 1 and not node.orelse else None
                if not isinstance(node, ast.If) or not isinstance(last, ast.Return) or last.value is None:
                    continue
                if not is_error(last.value) or holds(node, *_STOPS, ast.comprehension):
                    continue
                needs = sorted(read_in([node.test, last.value]) & visible)
                title, outcome = fresh("check", taken), fresh("outcome", taken)
                maker = ast.parse(
                    f"def {title}({', '.join(needs)}):\n    if test:\n        return Failure(0)\n    return Success()"
                ).body[0]
                assert isinstance(maker, ast.FunctionDef)
                maker.body[0] = ast.If(node.test, [ast.Return(ast.Call(name("Failure"), [last.value], []))], [])
                made.append(maker)
                body[number : number + 1] = ast.parse(
                    f"{outcome} = {title}({', '.join(needs)})\nif isinstance({outcome}, Failure):\n    return {outcome}.answer"
                ).body
    if made:
        head = "from dataclasses import dataclass\n@dataclass\nclass Success:\n    pass\n@dataclass\nclass Failure:\n    answer: object"
        tree.body[after_head(tree) : after_head(tree)] = [*ast.parse(head).body, *made]
    return bool(made)


def _kept_in_g(tree: ast.Module) -> bool:
    """What a view reads of the request is kept in ``g`` until it is used."""
    taken = words(tree)
    if "g" in bound_in(tree.body) or "g" in taken:
        return False
    changed = False
    for view in [one for one in outer_functions(tree) if is_view(one)]:
        stored = [one.id for one in ast.walk(view) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
        for body in bodies(view):
            for one in body:
                target = one.targets[0] if isinstance(one, ast.Assign) and len(one.targets) == 1 else None
                if not isinstance(target, ast.Name) or not isinstance(one, ast.Assign) or stored.count(target.id) != 1:
                    continue
                if "request" not in read_in([one.value]) or holds(view, ast.comprehension, *_STOPS):
                    continue
                one.targets = [ast.Attribute(name("g"), target.id, ast.Store())]
                Replaced({target.id: f"g.{target.id}"}).visit(view)
                changed = True
    if changed:
        tree.body.insert(after_head(tree), statement("from flask import g"))
    return changed


def _within_a_context(tree: ast.Module) -> bool:
    """The steps of a view stand in a ``with`` that does nothing to them: a clock, a trace."""
    taken = words(tree)
    title = fresh("timed", taken)
    found = [one for one in outer_functions(tree) if is_view(one)]
    for view in found:
        view.body = [ast.With([ast.withitem(expression(f"{title}({view.name!r})"), None)], view.body)]
    if found:
        text = f"from contextlib import contextmanager\n@contextmanager\ndef {title}(label):\n    yield label"
        tree.body[after_head(tree) : after_head(tree)] = ast.parse(text).body
    return bool(found)


def _matched(tree: ast.Module) -> bool:
    """``if x == "a": …`` becomes ``match x: case "a": …``."""
    changed = False
    for function in functions(tree):
        for body in bodies(function):
            for number, one in enumerate(body):
                test = one.test if isinstance(one, ast.If) else None
                if (
                    not isinstance(one, ast.If)
                    or not isinstance(test, ast.Compare)
                    or not isinstance(test.ops[0], ast.Eq)
                ):
                    continue
                other = test.comparators[0]
                if len(test.ops) != 1 or not isinstance(other, ast.Constant) or not isinstance(other.value, str):
                    continue
                cases = [ast.match_case(ast.MatchValue(other), None, one.body)]
                if one.orelse:
                    cases.append(ast.match_case(ast.MatchAs(), None, one.orelse))
                body[number] = ast.Match(test.left, cases)
                changed = True
    return changed


def _tried(tree: ast.Module) -> bool:
    """``try: import jwt`` and ``except ImportError: jwt = None``."""
    changed = False
    for number, one in enumerate(tree.body):
        if isinstance(one, ast.Import) and len(one.names) == 1 and one.names[0].name in _OPTIONAL:
            known = one.names[0].asname or one.names[0].name
            tree.body[number] = ast.parse(
                f"try:\n    {ast.unparse(one)}\nexcept ImportError:\n    {known} = None"
            ).body[0]
            changed = True
    return changed


_OPTIONAL = frozenset({"jwt", "requests", "httpx", "redis", "bcrypt", "yaml", "openai", "sqlite3"})


def _logged_by_function(tree: ast.Module) -> bool:
    """``log.info("…", a)`` becomes ``note("…", a)``, a function of the project that writes the line."""
    known: dict[str, str] = {}
    taken = words(tree)
    loggers = {
        one.targets[0].id
        for one in tree.body
        if isinstance(one, ast.Assign)
        and isinstance(one.targets[0], ast.Name)
        and "getLogger(" in ast.unparse(one.value)
    }
    for function in list(functions(tree)):
        for node in ast.walk(function):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.keywords:
                continue
            if (
                node.func.attr not in ("info", "warning", "error", "debug")
                or ast.unparse(node.func.value) not in loggers
            ):
                continue
            whole = ast.unparse(node.func)
            if whole not in known:
                known[whole] = fresh(f"note_{node.func.attr}", taken)
            node.func = name(known[whole])
    last = [
        number
        for number, one in enumerate(tree.body)
        if isinstance(one, ast.Assign) and "getLogger(" in ast.unparse(one.value)
    ]
    for whole, title in known.items():
        tree.body.insert(last[-1] + 1, statement(f"def {title}(message, *parts):\n    {whole}(message, *parts)"))
    return bool(known)


decorators_with_options = each_module(_with_options)
guards_of_an_object = each_module(_of_an_object)
hooks_in_an_extension = each_module(_in_an_extension)
doors_in_a_table = each_module(_in_a_table)
doors_by_own_decorator = each_module(_by_own_decorator)
result_objects = each_module(_result_objects)
kept_in_g = each_module(_kept_in_g)
within_a_context = each_module(_within_a_context)
matched = each_module(_matched)
tried = each_module(_tried)
logged_by_function = each_module(_logged_by_function)
