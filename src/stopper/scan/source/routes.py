"""From decorators and calls to routes: prefixes of blueprints, class-based views, resources, hooks and error handlers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from stopper.core.fact import Decorator, ErrorHandler, SourceRoute
from stopper.core.guards.open_doors import GRAPHQL_VIEWS
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    Format,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Unknown,
    Value,
    options,
    text_of,
)
from stopper.scan.source import names
from stopper.scan.source.endpoints import endpoint_of
from stopper.scan.source.folding import PLAIN_FIELD, PLAIN_PERCENT
from stopper.scan.source.groups import Groups, Origin, join
from stopper.scan.source.handler_methods import handler_methods
from stopper.scan.source.hook_tables import TABLE, blueprint_of
from stopper.scan.source.loops import each_time, row_by_row, rows
from stopper.scan.source.own_routes import applied_by_hand, by_callers, by_decorators, with_heirs
from stopper.scan.source.project import Module, Project, Registration
from stopper.scan.source.replaced_views import REPLACED
from stopper.scan.source.routes_of_tables import by_tables
from stopper.scan.source.wrapped_views import around

VARIABLE: Final = re.compile(r"<(?:(?P<converter>[A-Za-z_]\w*)(?:\([^>]*\))?:)?(?P<name>[A-Za-z_]\w*)>")
CONVERTERS: Final = {"int": "int", "float": "int", "string": "string", "uuid": "uuid", "path": "path", "": "string"}
HTTP_METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options")
VERBS: Final = frozenset({"get", "post", "put", "patch", "delete"})
_BY_CALL: Final = frozenset({"add_url_rule", "add_resource"})
HOOKS: Final = frozenset({"before_request", "before_app_request"})


def _kept(value: Value) -> Value:
    """The function inside ``functools.partial(function, …)``, or the one that ``lambda: function() and None`` runs first."""
    if type(value) is Unknown and len(value.parts) == 1:
        inside = value.parts[0]
        first = inside.options[0] if isinstance(inside, Choice) and inside.every else inside
        return first if isinstance(first, Call) else value
    return value.args[0] if isinstance(value, Call) and value.callee == "functools.partial" and value.args else value


@dataclass(frozen=True, slots=True)
class Hook:
    """A function that runs before views. ``scope`` is the identity of its blueprint, None for an application; ``apps`` are the
    identities of the applications it may be registered on, empty where they are not known."""

    scope: int | None
    apps: frozenset[int]
    function: str
    registration: Registration


class Routes:
    """The routes, hooks and error handlers of one project."""

    def __init__(self, project: Project, modules: dict[str, Module], tests: frozenset[str]) -> None:
        self.project = project
        self.modules = modules
        self.tests = tests
        self.hooks: list[Hook] = []
        self.error_handlers: list[ErrorHandler] = []
        every = (*project.registrations, *applied_by_hand(project))
        self.registrations = [one for one in every if one.span.path not in tests]
        self.replaced = [one for one in self.registrations if one.verb == REPLACED]
        self.groups = Groups(project, modules, self.registrations)
        self._callers: dict[str, list[Call]] = {}
        """Function of the project → the calls of it."""
        for call in project.calls:
            if call.callee in project.functions:
                self._callers.setdefault(call.callee, []).append(call)
        self._collect_hooks()
        self.error_handlers.extend(handler_methods(project, tests))

    # -- hooks -----------------------------------------------------------------------------------------------------------------

    def _collect_hooks(self) -> None:
        for registration in self.registrations:
            if registration.verb in (*HOOKS, TABLE):
                apps = self.groups.apps(registration.owner)
                self.hooks.extend(
                    Hook(scope, apps if scope is None else frozenset(), function, registration)
                    for scope in self._hook_scopes(registration)
                    for function in self._hook_functions(registration)
                )
            elif registration.verb in ("errorhandler", "app_errorhandler", "register_error_handler"):
                self._error_handler(registration)

    def _hook_scopes(self, registration: Registration) -> list[int | None]:
        """The identities of the blueprints whose requests a hook sees; None for those of the whole application."""
        if registration.verb == TABLE:
            name = blueprint_of(registration)
            return [None] if name is None else self.groups.named(name)
        if registration.verb != "before_request":
            return [None]
        group = self.groups.group(registration.owner)
        if group is None and isinstance(registration.owner, Name) and _FOREIGN.search(registration.owner.dotted):
            return []  # of a library's blueprint: it sees the requests to that alone
        return [id(group.call) if group else None]

    def hooks_of(self, origin: Origin) -> Iterator[Hook]:
        """The hooks that see the requests to a route, in the order of their registration."""
        apps = self.groups.apps_of(origin)
        for hook in self.hooks:
            if hook.scope is not None:
                if hook.scope in origin.scopes:
                    yield hook
            elif not hook.apps or not apps or hook.apps & apps:
                yield hook

    def _hook_functions(self, registration: Registration) -> list[str]:
        if registration.target:
            return [registration.target]
        call = registration.call
        first = call.argument(0, "f") if call is not None else None
        return [found for option in options(first) if (found := function_name(_kept(option)))]

    def _error_handler(self, registration: Registration) -> None:
        call = registration.call
        if call is None:  # ``@api.errorhandler`` of Flask-RESTX: whatever nobody else answers
            self.error_handlers.append(ErrorHandler("*", registration.target, "", registration.span))
            return
        group = self.groups.group(registration.owner) if registration.verb != "app_errorhandler" else None
        what = call.argument(0, "code_or_exception", "code")
        handler = call.argument(1, "f")
        columns = [one for one in (what, handler) if one is not None]
        for kind, *given in row_by_row(*columns) if what is not None else ():
            function = registration.target or (function_name(given[0]) if given else "")
            for option in options(kind):
                said = str(option.value) if isinstance(option, Constant) else function_name(option)
                self.error_handlers.append(
                    ErrorHandler(said or "?", function, group.name if group else "", registration.span)
                )

    # -- routes ----------------------------------------------------------------------------------------------------------------

    def found(self) -> list[tuple[SourceRoute, Origin]]:
        """Every route outside tests, in the order of the files."""
        made: dict[tuple[str, tuple[str, ...], str], tuple[SourceRoute, Origin]] = {}
        for registration in self.registrations:
            for route, origin in self._of(registration):
                made.setdefault((route.path, route.methods, route.view), (route, origin))
        return sorted(made.values(), key=lambda one: (one[0].span.path, one[0].registered_at.line, one[0].path))

    def _of(self, registration: Registration) -> Iterator[tuple[SourceRoute, Origin]]:
        passed = by_tables(registration, self._callers) if registration.verb in _BY_CALL else ()
        if not passed and registration.verb == "add_url_rule":
            passed = by_callers(registration, self._callers)
        if registration.verb == "add_url_rule" or registration.target:
            passed = by_decorators(self.project, registration) or passed
        for given in passed:
            yield from self._registered(given)
        if not passed:
            yield from self._registered(registration)

    def _registered(self, registration: Registration) -> Iterator[tuple[SourceRoute, Origin]]:
        call, verb = registration.call, registration.verb
        if call is None:
            return
        base = call.callee.rpartition(".")[0]
        if registration.target and verb in names.ROUTE_METHODS:
            if (
                base in names.APPS
                or base in names.BLUEPRINTS
                or base in names.API_OBJECTS
                or (base == "?" and verb == "route")
                or (verb == "route" and (self.project.is_blueprint(base) or self.project.is_app(base)))  # said anew
                or (verb == "route" and self._is_put_there(registration.target, base))
            ):
                yield from self._decorated(registration, call)
        elif verb == "add_url_rule":
            yield from self._url_rule(registration, call)
        elif verb.startswith("add_") and verb.endswith("resource") and call.args:
            yield from self._resource(registration, call)

    def _is_put_there(self, target: str, base: str) -> bool:
        """``@manager.route("/notes")`` in a module that says nowhere what ``manager`` is: whoever loads it puts a blueprint there."""
        module = self.modules.get(target.rpartition(".")[0])
        unbound = module is not None and base.isidentifier() and base not in module.bindings
        return unbound and all(name.partition(".")[0] != base for name in self.project.imported)

    def _decorated(self, registration: Registration, call: Call) -> Iterator[tuple[SourceRoute, Origin]]:
        rules = [text for option in call.args for text in [self._rule(option)] if text is not None]
        if not rules:
            only = text_of(call.keyword("rule"))
            rules = [only] if only is not None else []
        target = registration.target
        for rule in rules:
            if target in self.project.classes:
                methods = self._class_methods(target)
                yield from self._made(registration, rule, methods, target, target)
            else:
                yield from self._made(registration, rule, _methods(call, registration.verb), target, "")

    def _rule(self, value: Value | None) -> str | None:
        """The text of a rule, also where a function of the project gives back what it was given (or adds to it)."""
        if isinstance(value, Call) and value.args:
            returned = self.project.returned.get(value.callee, [])
            if any(isinstance(option, Parameter) and option.index == 0 for one in returned for option in options(one)):
                return self._rule(value.args[0])
        if isinstance(value, Format):
            return self._put_together(value)
        return text_of(value)

    def _put_together(self, value: Format) -> str | None:
        """The rule of ``f"{PREFIX}/notes"`` where the prefix is not known, or all that it is put together of: the route is there all the same,
        under what is known."""
        first, *rest = [self._setting(part) for part in _laid_out(value)]
        while first is None and rest and rest[0] is None:
            del rest[0]
        whole = "".join(part for part in rest if part is not None)
        return (first or "") + whole if None not in rest and whole.startswith("/") else None

    def _setting(self, value: Value) -> str | None:
        """The text of a literal, or of the one literal that a setting is given."""
        if not isinstance(value, ConfigValue):
            return text_of(value)
        written = {
            write.value.value
            for write in self.project.config
            if write.key == value.key and isinstance(write.value, Constant)
        }
        return str(written.pop()) if len(written) == 1 else text_of(value.default)

    def _url_rule(self, registration: Registration, call: Call) -> Iterator[tuple[SourceRoute, Origin]]:
        for made, row in each_time(call, (0, "rule"), (2, "view_func")):
            yield from self._ruled(registration, made, self._rule(row[0]), row[-1])

    def _ruled(
        self, registration: Registration, call: Call, rule: str | None, view: Value
    ) -> Iterator[tuple[SourceRoute, Origin]]:
        for option in with_heirs(self.project, view) if rule is not None else ():
            assert rule is not None
            name, view_class = self._view(option)
            methods = _methods(call, "route")
            if view_class:
                own = self._class_methods(view_class)
                methods = own if call.keyword("methods") is None else self._answered(view_class, methods, own)
            wrappers = tuple(around(option, registration.span))
            for route, origin in self._made(registration, rule, methods, view_class or name, view_class, option):
                wrapped = replace(route, decorators=(*wrappers, *route.decorators)) if wrappers else route
                yield wrapped, replace(origin, view=option)

    def _view(self, value: Value) -> tuple[str, str]:
        """The function a value names, or the class that ``as_view`` (or, where a class is handed over, the blueprint) makes a view of. A
        wrapped view (``login_required(f)``) is the function inside."""
        if isinstance(value, Call):
            if value.method == "as_view":
                owner = value.callee.rpartition(".")[0]
                return owner, owner
            for argument in value.args:
                name, view_class = self._view(argument)
                if name in self.project.functions or view_class:
                    return name, view_class
        name = function_name(value)
        return name, name if isinstance(value, Name) and name in self.project.classes else ""

    def _answered(self, view_class: str, said: tuple[str, ...], own: tuple[str, ...]) -> tuple[str, ...]:
        """The methods of a rule that a class with one function for each method has one for; the others are refused with 405."""
        if self.project.attribute(view_class, own[0].lower()) is None:
            return said
        return tuple(method for method in said if method in own) or said

    def _resource(self, registration: Registration, call: Call) -> Iterator[tuple[SourceRoute, Origin]]:
        for row in rows(call, *range(len(call.args))):
            for option in options(row[0]):
                name = function_name(option)
                for argument in row[1:]:
                    rule = self._rule(argument)
                    if rule is not None and name:
                        yield from self._made(registration, rule, self._class_methods(name), name, name)

    def _class_methods(self, name: str) -> tuple[str, ...]:
        found = [method.upper() for method in HTTP_METHODS if self.project.attribute(name, method) is not None]
        if not found:
            said = self.project.attribute(name, "methods")
            if isinstance(said, Sequence):
                found = [str(method).upper() for method in said.plain()]
            elif self.project.is_one_of(name, GRAPHQL_VIEWS):
                found = ["GET", "POST"]
        return tuple(found) or ("GET",)

    def _made(
        self,
        registration: Registration,
        rule: str,
        given: tuple[str, ...],
        view: str,
        view_class: str,
        viewed: Value | None = None,
    ) -> Iterator[tuple[SourceRoute, Origin]]:
        group = self.groups.group(registration.owner)
        called = endpoint_of(self.project, registration, group, view_class, viewed)
        span, decorators = self._standing(view, view_class, registration)
        methods = _with_automatic(given)
        for prefix, scopes in self.groups.prefixes(group):
            whole = join(prefix, rule)
            path, typed = openapi_path(whole), parameters(whole)
            origin = Origin(registration, scopes, view_class)
            hooks = tuple(hook.function for hook in self.hooks_of(origin))
            route = SourceRoute(
                path,
                methods,
                view,
                group.name if group else "",
                span,
                registration.span,
                decorators,
                typed,
                "OPTIONS" in given,
                hooks,
                called,
            )
            yield route, origin

    def _standing(self, view: str, view_class: str, registration: Registration) -> tuple[Span, tuple[Decorator, ...]]:
        if view_class and view_class in self.project.classes:
            state = self.project.classes[view_class]
            return state.span, state.decorators
        function = self.project.functions.get(view)
        return (function.span, function.decorators) if function is not None else (registration.span, ())


_FOREIGN: Final = re.compile(r"(?i)\.\w*(?:blueprint|bp)(?:\.before_request)?$")


def function_name(value: Value) -> str:
    """The dotted name of a function or class as a value, ``""`` where it has none."""
    if isinstance(value, Name):
        return value.dotted
    if isinstance(value, Call):
        return value.callee if value.callee[:1] != "?" else ""
    if isinstance(value, Member) and isinstance(value.owner, Call) and value.owner.callee[:1] != "?":
        return f"{value.owner.callee}.{value.attribute}"
    return ""


def _laid_out(value: Format) -> list[Value]:
    """The parts of ``"{}/notes".format(PREFIX)`` and ``"%s/notes" % PREFIX`` in the order in which they stand."""
    template, given = text_of(value.parts[0]) if value.parts else None, list(value.parts[1:-1])
    if not given or template is None or value.parts[-1] != Unknown():
        return list(value.parts)
    fields = PLAIN_FIELD.findall(template)
    pieces = (PLAIN_FIELD.sub("\0", template) if fields else PLAIN_PERCENT.sub("\0", template)).split("\0")
    in_order = len(fields) < 2 or all(field in ("", str(number)) for number, field in enumerate(fields))
    if len(pieces) != len(given) + 1 or not in_order:
        return list(value.parts)
    laid = [
        part
        for piece, one in zip(pieces, [*given, None], strict=True)
        for part in (Constant(piece) if piece else None, one)
    ]
    return [part for part in laid if part is not None]


def openapi_path(rule: str) -> str:
    """Werkzeug's ``/notes/<int:id>`` as ``/notes/{id}``."""
    return VARIABLE.sub(lambda match: "{" + match["name"] + "}", rule)


def parameters(rule_or_call: str) -> tuple[tuple[str, str], ...]:
    """The parameters of a Werkzeug rule with their types."""
    return tuple(
        (match["name"], CONVERTERS.get(match["converter"] or "", "any")) for match in VARIABLE.finditer(rule_or_call)
    )


def _methods(call: Call, verb: str) -> tuple[str, ...]:
    if verb in VERBS:
        return (verb.upper(),)
    said = call.keyword("methods")
    if isinstance(said, Sequence):
        plain = tuple(str(method).upper() for method in said.plain())
        return plain or ("GET",)
    if isinstance(said, Mapping) or said is not None:
        return ("GET",)
    return ("GET",)


def _with_automatic(methods: tuple[str, ...]) -> tuple[str, ...]:
    """With the HEAD and OPTIONS that Flask adds by itself."""
    automatic = ("HEAD", "OPTIONS") if "GET" in methods else ("OPTIONS",)
    return tuple(dict.fromkeys((*methods, *automatic)))
