"""Routes of view classes that a library serves method by method: Flask-Classful and Flask-AppBuilder."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Decorator, Function
from stopper.core.place import Span
from stopper.core.values import Call, Name, Sequence, Value, text_of
from stopper.scan.source.own_routes import url_rule
from stopper.scan.source.project import ClassState, Project, Registration

_CLASSFUL: Final = frozenset({"flask_classful.FlaskView", "flask_classy.FlaskView"})
_VIEWS: Final = re.compile(
    r"flask_appbuilder(?:\.\w+)*\.(?:BaseView|SimpleFormView|PublicFormView|ModelView|MasterDetailView|ChartView|IndexView)"
)
_APIS: Final = re.compile(r"flask_appbuilder(?:\.\w+)*\.(?:BaseApi|ModelRestApi|BaseModelApi)")
_RESERVED: Final = {
    "index": ("GET", "/", False), "get": ("GET", "/", True), "post": ("POST", "/", False), "put": ("PUT", "/", True),
    "patch": ("PATCH", "/", True), "delete": ("DELETE", "/", True),
}  # fmt: skip
"""Methods of Flask-Classful that are routes by their name: the method of HTTP, the rule, and whether the parameters follow in the path."""
_HOOKS: Final = re.compile(r"before_\w+|after_\w+|__\w+|_\w+")


def exposed_methods(project: Project) -> tuple[Registration, ...]:
    """A registration for each method of such a class that the library serves."""
    by_owner: dict[str, list[Function]] = {}
    for function in project.functions.values():
        if function.owner:
            by_owner.setdefault(function.owner, []).append(function)
    found: list[Registration] = []
    for state in project.classes.values():
        own = by_owner.get(state.name, [])
        bases = tuple(_bases(project, state.name, 6))
        if own and any(base in _CLASSFUL for base in bases):
            found.extend(_classful(project, state, own))
        elif own and any(_VIEWS.fullmatch(base) or _APIS.fullmatch(base) for base in bases):
            api = any(_APIS.fullmatch(base) for base in bases)
            found.extend(_appbuilder(project, state, own, api))
    return tuple(found)


def _bases(project: Project, name: str, depth: int) -> Iterator[str]:
    state = project.classes.get(name)
    for base in state.bases if state is not None and depth else ():
        yield base
        yield from _bases(project, base, depth - 1)


def _classful(project: Project, state: ClassState, own: list[Function]) -> Iterator[Registration]:
    """Usual methods by their name, others below their own name, and what ``@route`` says instead."""
    calls = [call for call in project.calls if call.callee == f"{state.name}.register"]
    said = [call.keyword("route_base") for call in calls] + [project.attribute(state.name, "route_base")]
    word = state.name.rpartition(".")[2]
    bases = [text for value in said if (text := text_of(value)) is not None]
    base = bases[0] if bases else word.removesuffix("View").lower()
    prefix = [call.keyword("route_prefix") for call in calls] + [project.attribute(state.name, "route_prefix")]
    prefixes = [text for value in prefix if (text := text_of(value)) is not None]
    before = prefixes[0] if prefixes else ""
    owner = calls[0].argument(0, "app") if calls else None
    for function in own:
        name = function.name.rpartition(".")[2]
        rules = [one for one in function.decorators if one.name in ("flask_classful.route", "flask_classy.route")]
        if _HOOKS.fullmatch(name) and not rules:
            continue
        method, rule, told = _RESERVED.get(name, ("GET", f"/{name}/", True))
        path = rule + "/".join(f"<{one}>" for one in function.parameters) if told else rule
        for said_rule, methods in _said(rules) or [(path, (method,))]:
            whole = f"/{before.strip('/')}/{base.strip('/')}/{said_rule.lstrip('/')}".replace("//", "/")
            yield _registration(project, state, function, whole, methods, owner)


def _appbuilder(project: Project, state: ClassState, own: list[Function], api: bool) -> Iterator[Registration]:
    """What ``@expose`` says, below ``route_base`` or what the class is called."""
    word = state.name.rpartition(".")[2].lower()
    base = text_of(project.attribute(state.name, "route_base"))
    if base is None and api:
        version = text_of(project.attribute(state.name, "version")) or "v1"
        base = f"/api/{version}/{text_of(project.attribute(state.name, 'resource_name')) or word}"
    for function in own:
        rules = [one for one in function.decorators if one.name.endswith(".expose") and one.call is not None]
        for rule, methods in _said(rules):
            path = f"{base if base is not None else f'/{word}'}/{rule.lstrip('/')}".replace("//", "/")
            yield _registration(project, state, function, path, methods)


def _said(rules: list[Decorator]) -> list[tuple[str, tuple[str, ...]]]:
    found: list[tuple[str, tuple[str, ...]]] = []
    for one in rules:
        rule = text_of(one.call.argument(0, "url", "rule")) if one.call is not None else None
        methods = one.call.keyword("methods") if one.call is not None else None
        plain = tuple(str(word).upper() for word in methods.plain()) if isinstance(methods, Sequence) else ()
        if rule is not None:
            found.append((rule, plain or ("GET",)))
    return found


def _registration(
    project: Project,
    state: ClassState,
    function: Function,
    rule: str,
    methods: tuple[str, ...],
    owner: Value | None = None,
) -> Registration:
    """As ``add_url_rule`` would say it, the view inside what the class puts around each of its methods."""
    view: Value = Name(function.name)
    around = project.attribute(state.name, "decorators")
    for one in reversed(around.items if isinstance(around, Sequence) else ()):
        view = _wrapped(one, view, function.span)
    return url_rule(rule, view, methods, function.span, owner)


def _wrapped(decorator: Value, view: Value, place: Span) -> Value:
    if isinstance(decorator, Name):
        return Call(decorator.dotted, (view,), span=place)
    if isinstance(decorator, Call):
        return Call(f"{decorator.callee}.__call__", (view,), receiver=decorator, span=place)
    return view
