"""From decorators and calls to routes: prefixes of blueprints, class-based views, resources, hooks and error handlers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from stopper.core.fact import Decorator, ErrorHandler, SourceRoute
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Mapping, Member, Name, Parameter, Sequence, Value, options, text_of
from stopper.scan.source import names
from stopper.scan.source.project import Module, Project, Registration

VARIABLE: Final = re.compile(r"<(?:(?P<converter>[A-Za-z_]\w*)(?:\([^>]*\))?:)?(?P<name>[A-Za-z_]\w*)>")
CONVERTERS: Final = {"int": "int", "float": "int", "string": "string", "uuid": "uuid", "path": "path", "": "string"}
HTTP_METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options")
VERBS: Final = frozenset({"get", "post", "put", "patch", "delete"})
HOOKS: Final = frozenset({"before_request", "before_app_request"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a route was registered, for those who judge what guards it."""

    registration: Registration
    scopes: tuple[int, ...]
    """Identities of the blueprints it belongs to, the outermost first; empty for the app itself."""
    view_class: str = ""
    method_of_class: bool = False


@dataclass(slots=True)
class Group:
    """One blueprint, namespace or API object, with what it was registered on."""

    call: Call
    name: str
    prefix: str
    registered: list[tuple[int | None, str | None]] = field(default_factory=list["tuple[int | None, str | None]"])
    """(the parent's identity, None for the app; the prefix given there, None for its own)"""


class Routes:
    """The routes, hooks and error handlers of one project."""

    def __init__(self, project: Project, modules: dict[str, Module], tests: frozenset[str]) -> None:
        self.project = project
        self.modules = modules
        self.tests = tests
        self.groups: dict[int, Group] = {}
        self.hooks: list[tuple[int | None, str, Registration]] = []
        """(the group's identity or None for the whole app, the hook's function, how it was registered)"""
        self.error_handlers: list[ErrorHandler] = []
        self.registrations = [one for one in project.registrations if one.span.path not in tests]
        self._collect_groups()
        self._collect_hooks()

    # -- groups ----------------------------------------------------------------------------------------------------------------

    def _collect_groups(self) -> None:
        for registration in self.registrations:
            call = registration.call
            if call is None or registration.target:
                continue
            if registration.verb in ("register_blueprint", "add_namespace", "init_app"):
                self._register(registration, call)

    def _register(self, registration: Registration, call: Call) -> None:
        if registration.verb == "init_app":
            self.group(registration.owner)
            return
        given = (
            text_of(call.keyword("url_prefix"))
            if registration.verb == "register_blueprint"
            else text_of(call.argument(1, "path"))
        )
        first = call.argument(0, "blueprint", "ns")
        for option in options(first):
            for child in self._elements(option):
                group = self.group(child)
                if group is not None:
                    parent = self.group(registration.owner)
                    place = (id(parent.call) if parent is not None else None, given)
                    if place not in group.registered:
                        group.registered.append(place)

    def _elements(self, value: Value) -> Iterator[Value]:
        if isinstance(value, Sequence):
            for item in value.items:
                yield from options(item)
        else:
            yield value

    def group(self, value: Value | None) -> Group | None:
        """The blueprint (or namespace, or API on a blueprint) that a value is; None for an app and for what is unknown."""
        call = self._object(value)
        if call is None:
            return None
        known = self.groups.get(id(call))
        if known is not None:
            return known
        made = _group(call)
        if made is None:
            return None
        self.groups[id(call)] = made
        if call.callee.endswith(".Api"):
            parent = self.group(call.argument(0, "app", "blueprint"))
            made.registered.append((id(parent.call) if parent is not None else None, None))
        return made

    def _object(self, value: Value | None, depth: int = 5) -> Call | None:
        for option in options(value):
            if isinstance(option, Call):
                if _is_group(option.callee) or option.callee in names.APPS:
                    return option
                for result in self.project.returned.get(option.callee, ()):
                    found = self._object(result, depth - 1) if depth else None
                    if found is not None:
                        return found
            if isinstance(option, Name) and depth:
                bound = self._binding(option.dotted)
                if bound is not None and bound is not option:
                    return self._object(bound, depth - 1)
            if isinstance(option, Member) and isinstance(option.owner, Name) and depth:
                return self._object(self.project.attribute(option.owner.dotted, option.attribute), depth - 1)
            if isinstance(option, Parameter) and depth:
                return self._argument(option, depth)
        return None

    def _argument(self, parameter: Parameter, depth: int) -> Call | None:
        """The object that the project passes for a parameter: ``def register(bp)`` called with a blueprint."""
        for call in self.project.calls:
            if call.callee == parameter.function:
                passed = call.argument(parameter.index if parameter.index >= 0 else None, parameter.parameter)
                found = self._object(passed, depth - 1)
                if found is not None:
                    return found
        return None

    def _binding(self, dotted: str) -> Value | None:
        home, _, name = dotted.rpartition(".")
        module = self.modules.get(home)
        if module is not None and name in module.bindings:
            return module.bindings[name]
        return self.project.attribute(home, name)

    def prefixes(self, group: Group | None, depth: int = 6) -> list[tuple[str, tuple[int, ...]]]:
        """Every prefix under which a group is served, with the groups around it. A group registered nowhere is served as if on the
        app: what registers it may not have been seen."""
        if group is None or depth < 0:
            return [("", ())]
        found: list[tuple[str, tuple[int, ...]]] = []
        for parent_id, given in group.registered or [(None, None)]:
            parent = self.groups.get(parent_id) if parent_id is not None else None
            own = given if given is not None else group.prefix
            for outer, scopes in self.prefixes(parent, depth - 1):
                found.append((_join(outer, own), (*scopes, id(group.call))))
        return found

    # -- hooks -----------------------------------------------------------------------------------------------------------------

    def _collect_hooks(self) -> None:
        for registration in self.registrations:
            functions = self._hook_functions(registration)
            if registration.verb in HOOKS:
                group = self.group(registration.owner) if registration.verb == "before_request" else None
                for function in functions:
                    self.hooks.append((id(group.call) if group else None, function, registration))
            elif registration.verb in ("errorhandler", "app_errorhandler", "register_error_handler"):
                self._error_handler(registration)

    def _hook_functions(self, registration: Registration) -> list[str]:
        if registration.target:
            return [registration.target]
        call = registration.call
        first = call.argument(0, "f") if call is not None else None
        return [found for option in options(first) if (found := function_name(option))]

    def _error_handler(self, registration: Registration) -> None:
        call = registration.call
        if call is None:
            return
        function = registration.target
        if not function:
            handler = call.argument(1, "f")
            function = function_name(handler) if handler is not None else ""
        group = self.group(registration.owner) if registration.verb != "app_errorhandler" else None
        what = call.argument(0, "code_or_exception", "code")
        for option in options(what) if what is not None else ():
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
            ):
                yield from self._decorated(registration, call)
        elif verb == "add_url_rule":
            yield from self._url_rule(registration, call)
        elif verb.startswith("add_") and verb.endswith("resource") and call.args:
            yield from self._resource(registration, call)

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
        return text_of(value)

    def _url_rule(self, registration: Registration, call: Call) -> Iterator[tuple[SourceRoute, Origin]]:
        rule = self._rule(call.argument(0, "rule"))
        view = call.argument(2, "view_func")
        if rule is None or view is None:
            return
        for option in options(view):
            name, view_class = self._view(option)
            methods = _methods(call, "route")
            if view_class and call.keyword("methods") is None:
                methods = self._class_methods(view_class)
            yield from self._made(registration, rule, methods, view_class or name, view_class)

    def _view(self, value: Value) -> tuple[str, str]:
        """The function a value names, or the class that ``as_view`` makes a view of. A wrapped view (``login_required(f)``) is the
        function inside."""
        if isinstance(value, Call):
            if value.method == "as_view":
                owner = value.callee.rpartition(".")[0]
                return owner, owner
            for argument in value.args:
                name, view_class = self._view(argument)
                if name in self.project.functions or view_class:
                    return name, view_class
        return function_name(value), ""

    def _resource(self, registration: Registration, call: Call) -> Iterator[tuple[SourceRoute, Origin]]:
        for option in options(call.args[0]):
            name = function_name(option)
            for argument in call.args[1:]:
                rule = self._rule(argument)
                if rule is not None and name:
                    yield from self._made(registration, rule, self._class_methods(name), name, name)

    def _class_methods(self, name: str) -> tuple[str, ...]:
        found = [method.upper() for method in HTTP_METHODS if self.project.attribute(name, method) is not None]
        if not found:
            said = self.project.attribute(name, "methods")
            if isinstance(said, Sequence):
                found = [str(method).upper() for method in said.plain()]
        return tuple(found) or ("GET",)

    def _made(
        self, registration: Registration, rule: str, given: tuple[str, ...], view: str, view_class: str
    ) -> Iterator[tuple[SourceRoute, Origin]]:
        group = self.group(registration.owner)
        span, decorators = self._standing(view, view_class, registration)
        methods = _with_automatic(given)
        for prefix, scopes in self.prefixes(group):
            whole = _join(prefix, rule)
            path, typed = openapi_path(whole), parameters(whole)
            hooks = tuple(function for scope, function, _ in self.hooks if scope is None or scope in scopes)
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
            )
            yield route, Origin(registration, scopes, view_class, bool(view_class))

    def _standing(self, view: str, view_class: str, registration: Registration) -> tuple[Span, tuple[Decorator, ...]]:
        if view_class and view_class in self.project.classes:
            state = self.project.classes[view_class]
            return state.span, state.decorators
        function = self.project.functions.get(view)
        return (function.span, function.decorators) if function is not None else (registration.span, ())


def function_name(value: Value) -> str:
    """The dotted name of a function or class as a value, ``""`` where it has none."""
    if isinstance(value, Name):
        return value.dotted
    if isinstance(value, Call):
        return value.callee if value.callee[:1] != "?" else ""
    return ""


def _is_group(callee: str) -> bool:
    return names.INSTANCES.get(callee, callee) in names.BLUEPRINTS or callee in names.API_OBJECTS


def _group(call: Call) -> Group | None:
    if not _is_group(call.callee):
        return None
    prefix = text_of(call.keyword("url_prefix", "prefix")) or ""
    if call.callee.endswith("Namespace"):
        name = text_of(call.argument(0, "name")) or ""
        path = text_of(call.keyword("path"))
        return Group(call, name, path if path is not None else f"/{name}")
    if call.callee.endswith(".Api"):
        return Group(call, "", prefix)
    return Group(call, text_of(call.argument(0, "name")) or "", prefix)


def _join(prefix: str, rule: str) -> str:
    if not prefix:
        return rule if rule.startswith("/") else "/" + rule
    return "/" + f"{prefix.strip('/')}/{rule.lstrip('/')}".lstrip("/") if rule else "/" + prefix.strip("/")


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
