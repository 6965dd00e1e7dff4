"""The same doors, registered in other ways."""

import ast
from collections.abc import Iterator

from tests.rules.respelling.tree import (
    Function,
    Replaced,
    Sources,
    bound_by,
    bound_in,
    each_module,
    expression,
    fresh,
    functions,
    holds,
    is_view,
    locals_of,
    name,
    printed,
    python_of,
    read_in,
    route_of,
    statement,
    words,
)

HOOKS = {
    "before_request": "before_request",
    "after_request": "after_request",
    "teardown_request": "teardown_request",
    "context_processor": "context_processor",
}


def application_of(tree: ast.Module) -> tuple[int, str] | None:
    """Where a module makes its one application, and under which name."""
    found = [
        (number, one.targets[0].id)
        for number, one in enumerate(tree.body)
        if isinstance(one, ast.Assign)
        and isinstance(one.targets[0], ast.Name)
        and isinstance(one.value, ast.Call)
        and ast.unparse(one.value.func).rpartition(".")[2] == "Flask"
    ]
    return found[0] if len(found) == 1 else None


def is_main(one: ast.stmt) -> bool:
    return isinstance(one, ast.If) and "__name__" in ast.unparse(one.test)


def _factory(sources: Sources, *, kept: bool) -> dict[str, str] | None:
    trees = python_of(sources)
    for tree in trees.values():
        found = application_of(tree)
        if found is None or holds(tree, ast.Global) or "create_app" in words(tree):
            continue
        start, application = found
        moved: set[str] = {application}
        inside: list[ast.stmt] = []
        outside: list[ast.stmt] = []
        for number, one in enumerate(tree.body):
            imports = isinstance(one, (ast.Import, ast.ImportFrom))
            if number == start or (not is_main(one) and not imports and number > start and read_in([one]) & moved):
                inside.append(one)
                moved |= bound_by(one)
            else:
                outside.append(one)
        left = [one for one in outside if not is_main(one)]
        if read_in(left) & moved or (bound_in(inside) - moved) & bound_in(left) & set(read_in(left)):
            return None
        if not kept and any(
            one in " ".join(other for other in sources.values()) for one in ("import app", "from app ")
        ):
            return None
        factory = ast.parse("def create_app(): pass").body[0]
        assert isinstance(factory, ast.FunctionDef)
        factory.body = [*inside, ast.Return(name(application))]
        mains = [one for one in outside if is_main(one)]
        if not kept:
            for main in mains:
                assert isinstance(main, ast.If)
                main.body.insert(0, statement(f"{application} = create_app()"))
        tree.body = [*left, factory]
        if kept:
            if moved - {application} and any(file != "app.py" for file in sources if file.endswith(".py")):
                return None
            tree.body.append(statement(f"{application} = create_app()"))
        tree.body.extend(mains)
        return printed(sources, trees)
    return None


def factory(sources: Sources) -> dict[str, str] | None:
    """The application is made in ``create_app()``, its routes with it."""
    return _factory(sources, kept=False)


def factory_called_below(sources: Sources) -> dict[str, str] | None:
    """The same, and ``app = create_app()`` below it."""
    return _factory(sources, kept=True)


_OF_FLASK = frozenset({
    "methods", "endpoint", "defaults", "strict_slashes", "redirect_to", "subdomain", "host", "provide_automatic_options", "merge_slashes",
})  # fmt: skip
"""What ``add_url_rule`` takes too; a class that says ``route`` anew may be told more, which no other method of it knows."""


def routed(tree: ast.Module) -> Iterator[tuple[list[ast.stmt], int, Function, list[ast.Call]]]:
    """The views whose outermost decorators are routes of ``app`` or a blueprint: where they stand, and those routes."""
    for node in ast.walk(tree):
        for field in ("body", "orelse"):
            held = getattr(node, field, None)
            body: list[ast.stmt] = held if isinstance(held, list) else []
            for number, one in enumerate(body):
                if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    routes: list[ast.Call] = []
                    for decorator in one.decorator_list:
                        found = route_of(decorator)
                        if found is None:
                            break
                        routes.append(found)
                    if routes and not any(route_of(other) for other in one.decorator_list[len(routes) :]):
                        yield body, number, one, routes


def methods_of(route: ast.Call) -> list[str] | None:
    """The methods of a route; None where they are no literals."""
    assert isinstance(route.func, ast.Attribute)
    if route.func.attr != "route":
        return [route.func.attr.upper()]
    for passed in route.keywords:
        if passed.arg == "methods":
            try:
                return [str(one).upper() for one in ast.literal_eval(passed.value)]
            except (ValueError, TypeError):
                return None
        if passed.arg is None:
            return None
    return ["GET"]


def _registered(route: ast.Call, view: ast.expr, *, endpoint: str = "", methods: bool = True) -> ast.stmt:
    assert isinstance(route.func, ast.Attribute)
    passed = [one for one in route.keywords if one.arg != "methods"]
    if route.func.attr != "route":
        passed.append(ast.keyword("methods", ast.List([ast.Constant(route.func.attr.upper())], ast.Load())))
    else:
        passed += [one for one in route.keywords if one.arg == "methods"]
    if not methods:
        passed = [one for one in passed if one.arg != "methods"]
    if endpoint and not any(one.arg == "endpoint" for one in passed):
        passed.append(ast.keyword("endpoint", ast.Constant(endpoint)))
    called = ast.Attribute(route.func.value, "add_url_rule", ast.Load())
    return ast.Expr(ast.Call(called, route.args, [ast.keyword("view_func", view), *passed]))


def _added(tree: ast.Module) -> bool:
    changed = False
    for body, number, view, routes in reversed(list(routed(tree))):
        if any(one.arg not in _OF_FLASK for route in routes for one in route.keywords):
            continue
        if any(isinstance(route.func, ast.Attribute) and not route.args for route in routes):
            continue
        view.decorator_list = view.decorator_list[len(routes) :]
        body[number + 1 : number + 1] = [_registered(route, name(view.name)) for route in reversed(routes)]
        changed = True
    return changed


def _added_at_the_end(tree: ast.Module) -> bool:
    changed = False
    late: list[ast.stmt] = []
    for body, _, view, routes in list(routed(tree)):
        if body is not tree.body or any(one.arg not in _OF_FLASK for route in routes for one in route.keywords):
            continue
        view.decorator_list = view.decorator_list[len(routes) :]
        late += [_registered(route, name(view.name)) for route in routes]
        changed = True
    end = next((number for number, one in enumerate(tree.body) if is_main(one)), len(tree.body))
    blueprints = [number for number, one in enumerate(tree.body) if "register_blueprint" in ast.unparse(one)]
    tree.body[min([end, *blueprints]) : min([end, *blueprints])] = late if not blueprints else []
    return changed and not blueprints


def _as_class(tree: ast.Module) -> bool:
    taken = words(tree)
    changed = False
    base = ""
    for body, number, view, routes in reversed(list(routed(tree))):
        methods = methods_of(routes[0])
        if (
            len(routes) != 1
            or methods is None
            or len(methods) != 1
            or methods[0].lower() not in ("get", "post", "put", "patch", "delete")
        ):
            continue
        elsewhere = sum(isinstance(node, ast.Name) and node.id == view.name for node in ast.walk(tree))
        if elsewhere or any(one.arg not in ("methods", "defaults", "strict_slashes") for one in routes[0].keywords):
            continue
        if "self" in bound_in([view]) | read_in([view]):
            continue
        base = base or fresh("MethodView", taken)
        title = fresh("".join(part.capitalize() for part in view.name.split("_")) + "View", taken)
        outer = view.decorator_list[1:]
        endpoint = view.name
        view.decorator_list, view.name = [], methods[0].lower()
        view.args.args.insert(0, ast.arg("self"))
        held: list[ast.stmt] = [view]
        if outer:
            held.insert(
                0, ast.Assign([ast.Name("decorators", ast.Store())], ast.List(list(reversed(outer)), ast.Load()))
            )
        body[number : number + 1] = [
            ast.ClassDef(title, [name(base)], [], held, []),
            _registered(routes[0], expression(f"{title}.as_view({endpoint!r})"), methods=False),
        ]
        changed = True
    if changed:
        tree.body.insert(
            _after_future(tree),
            ast.ImportFrom("flask.views", [ast.alias("MethodView", base if base != "MethodView" else None)], 0),
        )
    return changed


def _after_future(tree: ast.Module) -> int:
    return max(
        (
            number + 1
            for number, one in enumerate(tree.body)
            if isinstance(one, ast.ImportFrom) and one.module == "__future__"
        ),
        default=0,
    )


def _hooks_by_call(tree: ast.Module) -> bool:
    changed = False
    for node in list(ast.walk(tree)):
        body = getattr(node, "body", None)
        for number, one in reversed(list(enumerate(body if isinstance(body, list) else []))):
            if not isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)) or len(one.decorator_list) != 1:
                continue
            (decorator,) = one.decorator_list
            made: ast.expr | None = None
            if (
                isinstance(decorator, ast.Attribute)
                and decorator.attr in HOOKS
                and isinstance(decorator.value, ast.Name)
            ):
                made = ast.Call(decorator, [name(one.name)], [])
            elif (
                isinstance(decorator, ast.Call)
                and isinstance(decorator.func, ast.Attribute)
                and decorator.func.attr == "errorhandler"
                and len(decorator.args) == 1
                and isinstance(decorator.func.value, ast.Name)
                and decorator.func.value.id in ("app", "bp", "blueprint", "api")
            ):
                called = ast.Attribute(decorator.func.value, "register_error_handler", ast.Load())
                made = ast.Call(called, [*decorator.args, name(one.name)], [])
            if made is not None:
                one.decorator_list = []
                assert isinstance(body, list)
                body.insert(number + 1, ast.Expr(made))
                changed = True
    return changed


def _other_verb(tree: ast.Module) -> bool:
    """``@app.get`` becomes ``@app.route(methods=["GET"])``, and the other way round."""
    changed = False
    for one in functions(tree):
        for decorator in one.decorator_list:
            route = route_of(decorator)
            methods = methods_of(route) if route is not None else None
            if route is None or methods is None or len(methods) != 1 or not isinstance(route.func, ast.Attribute):
                continue
            if route.func.attr == "route":
                route.keywords = [passed for passed in route.keywords if passed.arg != "methods"]
                if methods[0].lower() not in ("get", "post", "put", "patch", "delete"):
                    return False
                route.func.attr = methods[0].lower()
            else:
                route.keywords.insert(0, ast.keyword("methods", ast.List([ast.Constant(methods[0])], ast.Load())))
                route.func.attr = "route"
            changed = True
    return changed


def _coroutines(tree: ast.Module) -> bool:
    changed = False
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for number, one in enumerate(body if isinstance(body, list) else []):
            if isinstance(one, ast.FunctionDef) and is_view(one) and not holds(one, ast.Yield, ast.YieldFrom):
                called = sum(isinstance(inner, ast.Name) and inner.id == one.name for inner in ast.walk(tree))
                outer = [each for each in one.decorator_list if route_of(each) is None]
                if called or outer or any(isinstance(inner, ast.Lambda) for inner in ast.walk(one)):
                    continue
                assert isinstance(body, list)
                body[number] = ast.AsyncFunctionDef(
                    one.name, one.args, one.body, one.decorator_list, one.returns, one.type_comment
                )
                changed = True
    return changed


def blueprint_elsewhere(sources: Sources) -> dict[str, str] | None:
    """The views of the one application stand on a blueprint in a module of their own, which the application registers."""
    if list(sources) != ["app.py"] and [one for one in sources if one.endswith(".py")] != ["app.py"]:
        return None
    trees = python_of(sources)
    tree = trees["app.py"]
    found = application_of(tree)
    if found is None or {"views", "door", "url_for", "view_functions", "endpoint"} & words(tree):
        return None
    application = found[1]
    views = [one for one in tree.body if is_view(one) and _is_of(one, application)]
    if not views:
        return None
    titles = {title for view in views for title in bound_by(view)}
    rest = [one for one in tree.body if one not in views]
    if read_in(rest) & titles or any(application in locals_of(view) for view in views if isinstance(view, Function)):
        return None
    for view in views:
        assert isinstance(view, (ast.FunctionDef, ast.AsyncFunctionDef))
        for decorator in view.decorator_list:
            route = route_of(decorator)
            if route is not None and isinstance(route.func, ast.Attribute):
                route.func.value = name("door")
        if application in read_in(view.body):
            for one in view.body:
                Replaced({application: "current_app"}).visit(one)
    read = read_in(views)
    brought = {one for top in rest if isinstance(top, (ast.Import, ast.ImportFrom)) for one in bound_by(top)}
    own = sorted(read & {one for top in rest for one in bound_by(top)} - brought)
    from tests.rules.respelling.constants import imports_for

    if application in own:
        return None
    body: list[ast.stmt] = imports_for(tree, read)
    body.append(statement("from flask import Blueprint, current_app"))
    if own:
        body.append(ast.ImportFrom("app", [ast.alias(one) for one in own], 0))
    body.append(statement("door = Blueprint('door', __name__)"))
    end = next((number for number, one in enumerate(rest) if is_main(one)), len(rest))
    tree.body = [
        *rest[:end],
        statement("from views import door"),
        statement(f"{application}.register_blueprint(door)"),
        *rest[end:],
    ]
    return printed(sources, {**trees, "views.py": ast.Module([*body, *views], [])})


def _is_of(view: ast.stmt, application: str) -> bool:
    assert isinstance(view, (ast.FunctionDef, ast.AsyncFunctionDef))
    routes = [route for one in view.decorator_list if (route := route_of(one)) is not None]
    return all(
        isinstance(route.func, ast.Attribute) and ast.unparse(route.func.value) == application for route in routes
    )


added_below = each_module(_added)
added_at_the_end = each_module(_added_at_the_end)
as_class = each_module(_as_class)
hooks_by_call = each_module(_hooks_by_call)
other_verb = each_module(_other_verb)
coroutines = each_module(_coroutines)
