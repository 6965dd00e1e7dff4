"""Blueprints, namespaces and API objects: which object is meant, under which prefixes it is served, and by which application."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from stopper.core.values import Call, Member, Name, Parameter, Sequence, Value, options, text_of
from stopper.scan.source import names
from stopper.scan.source.project import Module, Project, Registration


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a route was registered, for those who judge what guards it."""

    registration: Registration
    scopes: tuple[int, ...]
    """Identities of the blueprints it belongs to, the outermost first; empty for the app itself."""
    view_class: str = ""
    view: Value | None = None
    """What a call that adds a rule is given as view."""


@dataclass(slots=True)
class Group:
    """One blueprint, namespace or API object, with what it was registered on."""

    call: Call
    name: str
    prefix: str
    registered: list[tuple[int | None, str | None]] = field(default_factory=list["tuple[int | None, str | None]"])
    """(the parent's identity, None for the app; the prefix given there, None for its own)"""
    apps: set[int] = field(default_factory=set[int])
    """Identities of the applications it is registered on, as far as they are known."""


class Groups:
    """The blueprints, namespaces and API objects of one project, each with what it is registered on."""

    def __init__(self, project: Project, modules: dict[str, Module], registrations: list[Registration]) -> None:
        self.project = project
        self.modules = modules
        self.by_identity: dict[int, Group] = {}
        self._calls: dict[str, list[Call]] = {}
        for registration in registrations:
            call = registration.call
            if call is None or registration.target:
                continue
            if registration.verb in ("register_blueprint", "add_namespace", "init_app"):
                self._register(registration, call)

    def _register(self, registration: Registration, call: Call) -> None:
        if registration.verb == "init_app":
            group, app = self.group(registration.owner), self.app(call.argument(0, "app"))
            if group is not None and app is not None:
                group.apps.add(app)
            outer = self.group(call.argument(0, "app", "blueprint")) if group is not None and app is None else None
            if group is not None and outer is not None and outer is not group:  # ``api.init_app(blueprint)``
                known = [place for place in group.registered if place != (None, None)]
                group.registered[:] = [*known, (id(outer.call), None)]
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
                    app = self.app(registration.owner) if parent is None else None
                    if app is not None:
                        group.apps.add(app)
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
        known = self.by_identity.get(id(call))
        if known is not None:
            return known
        if not self._is_group(call.callee):
            return None
        made = self._made(call)
        self.by_identity[id(call)] = made
        if call.method == "namespace":
            parent = self.group(call.receiver)
            made.registered.append((id(parent.call) if parent is not None else None, None))
            made.apps.update(self.apps(call.receiver))
        elif (self.project.api_of(call.callee) or "").endswith(".Api"):
            parent = self.group(call.argument(0, "app", "blueprint"))
            made.registered.append((id(parent.call) if parent is not None else None, None))
            app = self.app(call.argument(0, "app"))
            if app is not None:
                made.apps.add(app)
        return made

    def app(self, value: Value | None) -> int | None:
        """The identity of the application that a value is; None where it is none, or not known which."""
        call = self._object(value)
        return id(call) if call is not None and self.project.is_app(call.callee) else None

    def apps(self, value: Value | None) -> frozenset[int]:
        """The applications that a value is or, as a blueprint, is registered on; empty where they are not known."""
        group = self.group(value)
        if group is not None:
            return frozenset(group.apps)
        app = self.app(value)
        return frozenset() if app is None else frozenset({app})

    def apps_of(self, origin: Origin) -> frozenset[int]:
        """The applications that serve a route, as far as they are known."""
        if not origin.scopes:
            return self.apps(origin.registration.owner)
        return frozenset(app for scope in origin.scopes for app in self.by_identity[scope].apps)

    def named(self, name: str) -> list[int | None]:
        """The identities of the blueprints of that name."""
        return [key for key, group in self.by_identity.items() if group.name == name]

    def _object(self, value: Value | None, depth: int = 5) -> Call | None:
        for option in options(value):
            if isinstance(option, Call):
                if self._is_group(option.callee) or self.project.is_app(option.callee):
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
        if not self._calls:
            for call in self.project.calls:
                if call.callee in self.project.functions:
                    self._calls.setdefault(call.callee, []).append(call)
        for call in self._calls.get(parameter.function, ()):
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

    def _is_group(self, callee: str) -> bool:
        kind = names.INSTANCES.get(callee, callee)
        return self.project.is_blueprint(kind) or self.project.api_of(kind) is not None

    def _made(self, call: Call) -> Group:
        prefix = text_of(call.keyword("url_prefix", "prefix")) or ""
        kind = self.project.api_of(names.INSTANCES.get(call.callee, call.callee)) or ""
        if kind.endswith("Namespace"):
            name = text_of(call.argument(0, "name")) or ""
            path = text_of(call.keyword("path"))
            return Group(call, name, path if path is not None else f"/{name}")
        if kind.endswith(".Api"):
            return Group(call, "", prefix)
        return Group(call, text_of(call.argument(0, "name")) or "", prefix)

    def prefixes(self, group: Group | None, depth: int = 6) -> list[tuple[str, tuple[int, ...]]]:
        """Every prefix under which a group is served, with the groups around it. A group registered nowhere is served as if on the
        app: what registers it may not have been seen."""
        if group is None or depth < 0:
            return [("", ())]
        found: list[tuple[str, tuple[int, ...]]] = []
        for parent_id, given in group.registered or [(None, None)]:
            parent = self.by_identity.get(parent_id) if parent_id is not None else None
            own = given if given is not None else group.prefix
            for outer, scopes in self.prefixes(parent, depth - 1):
                found.append((join(outer, own), (*scopes, id(group.call))))
        return found


def join(prefix: str, rule: str) -> str:
    """The rule under the prefix, with one slash between."""
    if not prefix:
        return rule if rule.startswith("/") else "/" + rule
    return "/" + f"{prefix.strip('/')}/{rule.lstrip('/')}".lstrip("/") if rule else "/" + prefix.strip("/")
