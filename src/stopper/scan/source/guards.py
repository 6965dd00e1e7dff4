"""Who may pass a route, judged from what stands on the way: decorators, hooks, classes, the view's own body."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from stopper.core.app import Access, Guard, Route
from stopper.core.fact import Comparison, Condition, Decorator, SourceRoute
from stopper.core.facts import SourceFacts
from stopper.core.labels import LabelKind
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Mapping,
    Member,
    Name,
    Sequence,
    Truth,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)
from stopper.scan.source import names
from stopper.scan.source.project import Project, Refusal
from stopper.scan.source.routes import Origin, Routes, function_name

CREDENTIAL_LABELS: Final[tuple[LabelKind, ...]] = (
    "authorization-header",
    "cookie",
    "session",
    "claims",
    "unverified-claims",
)
SHOWN: Final = (
    "flask_login.current_user", "flask_security.current_user", "flask_jwt_extended.current_user", "flask.session", "flask.g.",
    "flask.request.authorization",
)  # fmt: skip
"""Names that stand for whoever is making the request."""
PATH_READS: Final = (
    "flask.request.path",
    "flask.request.endpoint",
    "flask.request.blueprint",
    "flask.request.url_rule",
    "flask.request.url",
    "flask.request.full_path",
)

Placed = TypeVar("Placed", Condition, Comparison)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a function of the project does to a request without a credential. ``stops`` None: it could not be told."""

    stops: bool | None
    reads: bool


class Guards:
    """Judges the access of every route of one project."""

    def __init__(self, project: Project, facts: SourceFacts, routes: Routes) -> None:
        self.project = project
        self.facts = facts
        self.routes = routes
        self.nested: dict[str, list[str]] = {}
        for name in project.functions:
            outer = name.rpartition(".")[0]
            if outer in project.functions:
                self.nested.setdefault(outer, []).append(name)
        self._judged: dict[str, Judgement] = {}
        self._shown: dict[int, bool] = {}
        """By identity of the value; the facts keep every value alive."""
        self._bodies: dict[str, tuple[Guard, ...]] = {}
        self._conditions = _by_function(facts.all_conditions)
        self._comparisons = _by_function(facts.all_comparisons)
        self._refusals: dict[str, list[Refusal]] = {}
        for refusal in project.refusals:
            self._refusals.setdefault(refusal.function, []).append(refusal)
        self._by_sides: dict[tuple[int, int], list[Comparison]] = {}
        for found in facts.all_comparisons:
            self._by_sides.setdefault((id(found.left), id(found.right)), []).append(found)
        self.sealed = any(call.callee in ("stopper.Stopper", "stopper.Stopper.init_app") for call in facts.calls())

    # -- routes ----------------------------------------------------------------------------------------------------------------

    def route(self, route: SourceRoute, origin: Origin) -> Route:
        """The route with its access, method by method."""
        access = {
            method: self._access(route, origin, method) for method in route.methods if self._reaches(route, method)
        }
        return Route(
            path=route.path, methods=route.methods, endpoint=self._endpoint(route), view=route.view, blueprint=route.blueprint, span=route.span,
            parameters=route.parameters, access=access, readers=frozenset({"source"}), fields=self._fields(route),
        )  # fmt: skip

    def _endpoint(self, route: SourceRoute) -> str:
        word = route.view.rpartition(".")[2]
        return f"{route.blueprint}.{word}" if route.blueprint else word

    def _fields(self, route: SourceRoute) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for call in self.facts.calls_in(route.view):
            for value in (*call.args, *(held for _, held in call.keywords)):
                for inner in walk(value, 6):
                    key = getattr(inner, "key", None)
                    text = text_of(key) if isinstance(key, Constant) else None
                    if text is not None and self.facts.derives(inner, "request-data"):
                        found[text] = None
        return tuple(found)

    def _access(self, route: SourceRoute, origin: Origin, method: str) -> Access:
        guards = tuple(self._guards(route, origin, method))
        public = any(guard.name == "stopper.public" for guard in guards)
        if self.sealed:
            if public:
                return Access("open", guards, "declared public")
            return Access(
                "guarded", (*guards, Guard("stopper.Stopper", "policy", True, "source")), "Stopper closes every route"
            )
        stopping = [guard for guard in guards if guard.stops]
        if stopping:
            return Access("guarded", guards, stopping[0].name)
        doubtful = [guard for guard in guards if guard.stops is None]
        if doubtful:
            return Access("unknown", guards, f"{doubtful[0].name} could not be judged")
        if route.view not in self.project.functions and not origin.view_class:
            return Access("unknown", guards, "the view could not be found in the source")
        return Access("open", guards, "no guard on the way")

    def _reaches(self, route: SourceRoute, method: str) -> bool:
        """That a request of this method runs the view: the OPTIONS that Flask answers itself does not."""
        return method != "OPTIONS" or route.says_options

    def _guards(self, route: SourceRoute, origin: Origin, method: str) -> Iterator[Guard]:
        yield from self._hook_guards(route, origin, method)
        if origin.view_class:
            yield from self._class_guards(route, origin.view_class, method)
            name = f"{origin.view_class}.{method.lower()}"
            found = self.project.attribute(origin.view_class, method.lower())
            view = function_name(found) if found is not None else name
            if method == "HEAD" and view not in self.project.functions:
                view = f"{origin.view_class}.get"
        else:
            view = route.view
            call = origin.registration.call
            if origin.registration.verb == "add_url_rule" and call is not None:
                yield from self._wrapped(call.argument(2, "view_func"))
        function = self.project.functions.get(view)
        if function is not None:
            own = origin.registration.index if origin.registration.target == view else -1
            for index, decorator in enumerate(function.decorators):
                guard = self._decorator(decorator, index, own)
                if guard is not None:
                    yield guard
        if view not in self._bodies:
            self._bodies[view] = tuple(self._body(view))
        yield from self._bodies[view]

    def _decorator(self, decorator: Decorator, index: int, route_index: int) -> Guard | None:
        judged = self.decorator(decorator.name, decorator.call)
        if judged is None:
            return None
        stops = judged.stops
        if index < route_index:
            stops = False
        if decorator.name.startswith("stopper."):
            return Guard(decorator.name, "policy", stops, "source", decorator.span)
        return Guard(decorator.name, "decorator", stops, "source", decorator.span)

    def decorator(self, name: str, call: Call | None) -> Judgement | None:
        """What a decorator of that name does; None when it has nothing to do with access."""
        if name == "stopper.public":
            return Judgement(False, False)
        if names.OPTIONAL.fullmatch(name):
            return Judgement(False, True)
        if names.GUARDS.fullmatch(name):
            if call is not None and (is_constant(call.keyword("optional"), True, "True") or _optional_flags(call)):
                return Judgement(False, True)
            return Judgement(True, True)
        if name in self.project.functions:
            found = self.judge(name)
            return found if found.reads or found.stops is not False else None
        if name in self.project.classes:
            found = self.judge(f"{name}.__call__")
            return found if found.reads or found.stops is not False else None
        if names.NOT_GUARDS.fullmatch(name):
            return None
        if name == "?" or (name.startswith("?.") and names.SUGGESTS_AUTH.search(name)):
            return Judgement(None, False)
        return Judgement(None, False) if names.SUGGESTS_AUTH.search(name.rpartition(".")[2]) else None

    def _wrapped(self, value: Value | None) -> Iterator[Guard]:
        for option in options(value):
            if isinstance(option, Call) and option.method != "as_view":
                outer = _applied(option)
                judged = self.decorator(outer, option)
                if judged is not None:
                    yield Guard(outer, "wrapper", judged.stops, "source", option.span)
                for argument in option.args:
                    yield from self._wrapped(argument)

    def _class_guards(self, route: SourceRoute, view_class: str, method: str) -> Iterator[Guard]:
        # A decorator on the class itself wraps the class, which Flask never calls as a view: only restx reads some of them.
        for name in ("decorators", "method_decorators"):
            said = self.project.attribute(view_class, name)
            for value in self._listed(said, method):
                called = value if isinstance(value, Call) else None
                dotted = function_name(value)
                judged = self.decorator(dotted, called) if dotted else Judgement(None, False)
                if judged is not None:
                    yield Guard(dotted or "?", "class-decorator", judged.stops, "source", value.span)

    def _listed(self, said: Value | None, method: str) -> Iterator[Value]:
        for option in options(said):
            if isinstance(option, Sequence):
                yield from option.items
            elif isinstance(option, Mapping):
                inner = option.get(method.lower())
                if inner is not None:
                    yield from self._listed(inner, method)
            elif said is not None:
                yield option

    # -- hooks -----------------------------------------------------------------------------------------------------------------

    def _hook_guards(self, route: SourceRoute, origin: Origin, method: str) -> Iterator[Guard]:
        for scope, name, registration in self.routes.hooks:
            if scope is not None and scope not in origin.scopes:
                continue
            judged = self._hook(name)
            if judged is None:
                continue
            stops = judged.stops
            if stops:
                stops = self._not_exempt(name, route, method)
            yield Guard(name, "before_request", stops, "source", registration.span)

    def _hook(self, name: str) -> Judgement | None:
        function = self.project.functions.get(name)
        if function is None:
            return self.decorator(name, None)
        for decorator in function.decorators:
            if decorator.name.rpartition(".")[2] not in ("before_request", "before_app_request"):
                judged = self.decorator(decorator.name, decorator.call)
                if judged is not None and judged.stops is not False:
                    return judged
        found = self.judge(name)
        return found if found.reads or found.stops is not False else None

    def _not_exempt(self, name: str, route: SourceRoute, method: str) -> bool | None:
        """Whether a hook that stops others stops this route: what it lets pass by method, endpoint or path is evaluated where it is
        literal, and is unknown where it is not."""
        result: bool | None = True
        for condition in self._conditions.get(name, ()):
            about = [
                inner for inner in walk(condition.value, 6) if isinstance(inner, (Name, Call)) and _path_read(inner)
            ]
            if not about:
                continue
            answer = self._answer(condition.value, route, method)
            if answer is None:
                result = None
                continue
            passes_through = condition.stops and not condition.refuses
            holds = answer is not condition.negated
            if passes_through and holds:
                return False
            if not passes_through and not holds and self._guards_inside(name, condition):
                return False
        return result

    def _guards_inside(self, name: str, condition: Condition) -> bool:
        """That the whole check stands inside that ``if``: nothing else in the hook refuses."""
        return not any(
            other.refuses and other.span.line > condition.span.line + 40 for other in self._conditions.get(name, ())
        )

    def _answer(self, value: Value, route: SourceRoute, method: str) -> bool | None:
        for comparison in self._comparisons_of(value):
            left = self._known(comparison.left, route, method)
            if left is None:
                return None
            said = comparison.right
            if comparison.operator in ("==", "!=") and isinstance(said, Constant):
                return (left == said.value) is (comparison.operator == "==")
            if comparison.operator in ("in", "not in") and isinstance(said, Sequence) and not said.open:
                return (left in said.plain()) is (comparison.operator == "in")
            return None
        if isinstance(value, Call) and value.method == "startswith" and value.args:
            owner = value.callee.rpartition(".")[0]
            known = self._known(Name(owner), route, method)
            wanted = value.args[0]
            if known is not None and isinstance(wanted, Constant) and isinstance(wanted.value, str):
                return known.startswith(wanted.value)
            if known is not None and isinstance(wanted, Sequence):
                return known.startswith(tuple(str(item) for item in wanted.plain()))
        return None

    def _comparisons_of(self, value: Value) -> Iterator[Comparison]:
        if isinstance(value, Truth) and len(value.parts) == 2:
            yield from self._by_sides.get((id(value.parts[0]), id(value.parts[1])), ())

    def _known(self, value: Value, route: SourceRoute, method: str) -> str | None:
        if not isinstance(value, Name):
            return None
        match value.dotted:
            case "flask.request.path" | "flask.request.url_rule" if "{" not in route.path:
                return route.path
            case "flask.request.endpoint":
                return self._endpoint(route)
            case "flask.request.blueprint":
                return route.blueprint
            case "flask.request.method":
                return method
            case _:
                return None

    # -- functions of the project ------------------------------------------------------------------------------------------------

    def judge(self, name: str, depth: int = 5) -> Judgement:
        """What that function (with the functions inside it) does to a request without a credential."""
        known = self._judged.get(name)
        if known is not None:
            return known
        self._judged[name] = Judgement(None, False)
        self._judged[name] = made = self._judge(name, depth)
        return made

    def _judge(self, name: str, depth: int) -> Judgement:
        family = list(self._family(name))
        reads, calls_guard, stops, unseen = False, False, False, False
        for member in family:
            function = self.project.functions.get(member)
            if function is None:
                continue
            for decorator in function.decorators:
                judged = self.decorator(decorator.name, decorator.call)
                if judged is not None and judged.stops:
                    calls_guard = True
            for call in self.facts.calls_in(member):
                if (names.GUARD_CALLS.fullmatch(call.callee) and not is_constant(call.keyword("optional"), True)) or (
                    names.GUARDS.fullmatch(call.callee) and not is_constant(call.keyword("optional"), True)
                ):
                    calls_guard = True
                elif call.callee in self.project.functions and depth > 0 and call.callee not in family:
                    inner = self.judge(call.callee, depth - 1)
                    calls_guard = calls_guard or (
                        inner.reads
                        and inner.stops is True
                        and self._reached_by_nobody(self.project.under.get(id(call), ()))
                    )
                    reads = reads or inner.reads
                elif call.callee.startswith("?") or call.callee not in self.project.functions:
                    unseen = unseen or names.VERIFIES.search(call.callee.rpartition(".")[2]) is not None
                reads = reads or names.CREDENTIAL_READS.match(call.callee) is not None or self._call_reads(call)
            reads = reads or self._reads(member)
            stops = stops or self._stops(member)
        if calls_guard:
            return Judgement(True, True)
        if reads and stops:
            return Judgement(True, True)
        if stops:
            return Judgement(None if unseen else False, False)
        return Judgement(None if reads and unseen else False, reads)

    def _family(self, name: str, depth: int = 4) -> Iterator[str]:
        yield name
        if depth:
            for inner in self.nested.get(name, ()):
                yield from self._family(inner, depth - 1)

    def _call_reads(self, call: Call) -> bool:
        return any(self._shows(value) for value in (call.receiver, *call.args, *(held for _, held in call.keywords)))

    def _reads(self, name: str) -> bool:
        for condition in self._conditions.get(name, ()):
            if self._shows(condition.value):
                return True
        for comparison in self._comparisons.get(name, ()):
            if self._shows(comparison.left) or self._shows(comparison.right):
                return True
        function = self.project.functions.get(name)
        return function is not None and any(self._shows(value) for value in function.returns)

    def _shows(self, value: Value | None) -> bool:
        """That a value is made of what a caller shows to prove who they are."""
        if value is None or isinstance(value, Constant):
            return False
        known = self._shown.get(id(value))
        if known is None:
            known = any(isinstance(inner, Name) and inner.dotted.startswith(SHOWN) for inner in walk(value, 5))
            known = known or any(self._labelled(inner) for inner in walk(value, 4) if not isinstance(inner, Constant))
            self._shown[id(value)] = known
        return known

    def _labelled(self, value: Value) -> bool:
        labels = self.facts.labels(value)
        return any(
            label.kind in CREDENTIAL_LABELS
            or (label.kind in ("api-key", "token") and not label.by_name)
            or (
                label.kind == "request-header"
                and label.source.startswith(("x-api", "x-auth", "x-token", "x-access", "api", "auth"))
            )
            for label in labels
        )

    def _stops(self, name: str) -> bool:
        """That the function turns away somebody who shows nothing."""
        return any(
            self._reached_by_nobody(refusal.under) and (refusal.plain or self._about_credential(refusal))
            for refusal in self._refusals.get(name, ())
        )

    def _reached_by_nobody(self, under: tuple[tuple[Value, bool], ...]) -> bool:
        """That none of these tests asks for a credential that is there."""
        return not any(not self._absence(value, negated) and self._credential_test(value) for value, negated in under)

    def _about_credential(self, refusal: Refusal) -> bool:
        return any(self._credential_test(value) for value, _ in refusal.under)

    def _absence(self, value: Value, negated: bool, depth: int = 6) -> bool:
        """That the test can hold when no credential is shown: ``if not user``, ``if user is None``, ``if key != expected``; but not
        ``if user`` (which turns away those who are logged in)."""
        if depth and isinstance(value, Choice) and value.every and not negated:
            return all(
                self._absence(option, negated, depth - 1) or not self._credential_test(option)
                for option in value.options
            )
        if depth and isinstance(value, Choice):
            return any(self._absence(option, negated, depth - 1) for option in value.options)
        if depth and isinstance(value, Truth) and len(value.parts) == 1:
            return self._absence(value.parts[0], not negated, depth - 1)
        for comparison in self._comparisons_of(value):
            nothing = is_constant(comparison.right, None) or is_constant(comparison.left, None)
            if comparison.operator in ("in", "not in") or nothing:
                return (comparison.operator in ("not in", "is", "==")) is not negated
            return True
        if isinstance(value, Truth):
            return True
        last = value.dotted if isinstance(value, Name) else value.attribute if isinstance(value, Member) else ""
        return negated is not last.endswith("is_anonymous")

    def _body(self, view: str) -> Iterator[Guard]:
        """Checks that the view makes itself."""
        for call in self.facts.calls_in(view):
            if names.GUARD_CALLS.fullmatch(call.callee) and not is_constant(call.keyword("optional"), True):
                yield Guard(call.callee, "view-body", True, "source", call.span)
            elif call.callee in self.project.functions:
                judged = self.judge(call.callee)
                if judged.reads and judged.stops and self._reached_by_nobody(self.project.under.get(id(call), ())):
                    yield Guard(call.callee, "view-body", True, "source", call.span)
        for refusal in self._refusals.get(view, ()):
            asked = self._about_credential(refusal)
            last = not refusal.under and refusal.plain and self._lets_through(view)
            if (asked or last) and self._reached_by_nobody(refusal.under):
                yield Guard(f"check in the view (line {refusal.span.line})", "view-body", True, "source", refusal.span)
                return

    def _lets_through(self, view: str) -> bool:
        """That the view answers those who show something before it refuses the rest."""
        return any(
            condition.stops and not condition.refuses and self._credential_test(condition.value)
            for condition in self._conditions.get(view, ())
        )

    def _credential_test(self, value: Value) -> bool:
        return self._shows(value) or any(
            isinstance(inner, Call) and inner.callee in self.project.functions and self.judge(inner.callee).reads
            for inner in walk(value, 5)
        )


def _by_function(found: "tuple[Placed, ...]") -> "dict[str, list[Placed]]":
    made: dict[str, list[Placed]] = {}
    for one in found:
        made.setdefault(one.function, []).append(one)
    return made


def _optional_flags(call: Call) -> bool:
    return any(is_constant(call.keyword(name), True) for name in ("optional",))


def _applied(call: Call) -> str:
    """The decorator that ``guard(view)`` or ``guard(option)(view)`` applies."""
    return call.callee.removesuffix(".__call__")


def _path_read(value: Value) -> bool:
    dotted = value.dotted if isinstance(value, Name) else value.callee if isinstance(value, Call) else ""
    return dotted.startswith((*PATH_READS, "flask.request.method"))
