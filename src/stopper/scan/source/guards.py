"""Who may pass a route, judged from what stands on the way: decorators, hooks, classes, the view's own body."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Access, Guard, Route
from stopper.core.fact import Decorator, Reading, SourceRoute
from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Item,
    Mapping,
    Name,
    Sequence,
    Truth,
    Value,
    inner_unmet,
    is_constant,
    options,
    text_of,
    walk,
)
from stopper.scan.source import guard_names
from stopper.scan.source.called_like_classes import CalledLikeClasses
from stopper.scan.source.dispatching import asks_by_hooks, comes_first, opens, said
from stopper.scan.source.exemptions import Asked, Exemptions, endpoint
from stopper.scan.source.groups import Origin
from stopper.scan.source.judging import Judgement, Judges
from stopper.scan.source.project import Project
from stopper.scan.source.replaced_views import is_meant
from stopper.scan.source.routes import Routes, function_name
from stopper.scan.source.told_guards import is_told_off
from stopper.scan.source.wrapped_views import applied

NOT_FIELDS: Final = frozenset(
    {"flask.request.headers", "flask.request.cookies", "flask.request.environ", "flask.request.view_args"}
)
"""Parts of a request that are no fields of a body or query."""


class Guards:
    """Judges the access of every route of one project."""

    def __init__(self, project: Project, facts: SourceFacts, routes: Routes) -> None:
        self.project = project
        self.facts = facts
        self.routes = routes
        self.judges = Judges(project, facts)
        self.exemptions = Exemptions(self.judges)
        self.called_like = CalledLikeClasses(project, self.judges)
        self._inner: dict[str, str] = {}
        self._hooks: dict[str, Judgement | None] = {}
        self._by_view: dict[str, list[Reading]] = {}
        seals = [
            call for call in facts.calls("stopper.Stopper", "stopper.Stopper.init_app") if call.args or call.keywords
        ]
        self._sealed = [routes.groups.app(call.argument(0, "app")) for call in seals]
        """The application that each ``Stopper(app)`` closes; None where it cannot be told which."""

    # -- routes ----------------------------------------------------------------------------------------------------------------

    def route(self, route: SourceRoute, origin: Origin) -> Route:
        """The route with its access, method by method."""
        access = {
            method: self._access(route, origin, method) for method in route.methods if self._reaches(route, method)
        }
        return Route(
            path=route.path, methods=route.methods, endpoint=endpoint(route), view=route.view, blueprint=route.blueprint, span=route.span,
            parameters=route.parameters, access=access, readers=frozenset({"source"}), fields=self._fields(route),
        )  # fmt: skip

    def _fields(self, route: SourceRoute) -> tuple[str, ...]:
        found = dict.fromkeys(reading.key for reading in self._readings(route.view) if reading.source not in NOT_FIELDS)
        met: dict[int, int] = {}
        for call in self.facts.calls_in(route.view):
            for value in (*call.args, *(held for _, held in call.keywords)):
                for inner in inner_unmet(value, Item, met, 6):
                    text = text_of(inner.key)
                    if text is not None and self.facts.derives(inner, "request-data"):
                        found[text] = None
        return tuple(found)

    def _readings(self, view: str) -> list[Reading]:
        if not self._by_view:
            for reading in self.facts.all_readings:
                self._by_view.setdefault(reading.function, []).append(reading)
        return self._by_view.get(view, [])

    def _access(self, route: SourceRoute, origin: Origin, method: str) -> Access:
        guards = tuple(self._guards(route, origin, method))
        public = any(guard.name == "stopper.public" for guard in guards)
        if self._is_sealed(origin):
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

    def _is_sealed(self, origin: Origin) -> bool:
        """That a Stopper closes the application of that route: the one it is called on, and no other in the same folder."""
        if not self._sealed:
            return False
        apps = self.routes.groups.apps_of(origin)
        return None in self._sealed or not apps or bool(apps & set(self._sealed))

    def _reaches(self, route: SourceRoute, method: str) -> bool:
        """That a request of this method runs the view: the OPTIONS that Flask answers itself does not."""
        return method != "OPTIONS" or route.says_options

    def _guards(self, route: SourceRoute, origin: Origin, method: str) -> Iterator[Guard]:
        yield from self._hook_guards(route, origin, method)
        yield from self._late_guards(route)
        if origin.view is not None:
            yield from self._wrapped(origin.view)
        if origin.view_class:
            yield from self._group_guards(origin, method)
            yield from self._class_guards(route, origin.view_class, method)
            yield from self._dispatch_guard(origin.view_class, Asked(route, method))
            found = self.project.attribute(origin.view_class, method.lower())
            if found is None and method == "HEAD":
                found = self.project.attribute(origin.view_class, "get")  # which may be that of a base
            view = function_name(found) if found is not None else f"{origin.view_class}.{method.lower()}"
        else:
            view = route.view
        function = self.project.functions.get(view)
        if function is not None:
            own = origin.registration.index if origin.registration.target == view else -1
            for index, decorator in enumerate(function.decorators):
                guard = self._decorator(decorator, index, own, Asked(route, method))
                if guard is not None:
                    yield guard
        yield from self._body(view, Asked(route, method))

    def _decorator(self, decorator: Decorator, index: int, route_index: int, asked: Asked) -> Guard | None:
        judged = self.judges.decorator(decorator.name, decorator.call)
        if judged is None:
            return None
        stops = judged.stops
        if index < route_index or (stops and is_told_off(self.judges, decorator.name, decorator.call)):
            stops = False
        elif stops and (inner := self._inner_by_path(decorator.name)):
            stops = self.exemptions.stopped(inner, asked.route, asked.method, decorator.call)
        if decorator.name.startswith("stopper."):
            return Guard(decorator.name, "policy", stops, "source", decorator.span)
        return Guard(decorator.name, "decorator", stops, "source", decorator.span)

    def _inner_by_path(self, name: str) -> str:
        """The function inside a decorator that asks for the method before it turns anybody away: ``if request.method == "POST" and …``."""
        if name not in self._inner:
            self._inner[name] = next(
                (
                    inner
                    for inner, refusals in self.judges.refusals.items()
                    if inner.startswith(f"{name}.")
                    and (
                        all(each.under and any(map(_reads_method, walk(each.under[0][0], 4))) for each in refusals)
                        or self._lets_methods_go(inner)
                    )
                ),
                "",
            )
        return self._inner[name]

    def _lets_methods_go(self, inner: str) -> bool:
        """``if request.method not in WRITES: return view(…)`` before anybody is asked."""
        return any(
            one.stops and not one.refuses and any(map(_reads_method, walk(one.value, 4)))
            for one in self.judges.conditions.get(inner, ())[:1]
        )

    def _wrapped(self, value: Value | None) -> Iterator[Guard]:
        for option in options(value):
            if isinstance(option, Call) and option.method != "as_view":
                outer = applied(option)
                made = option.receiver if isinstance(option.receiver, Call) else option
                judged = self.judges.decorator(outer, made)
                if judged is not None:
                    yield Guard(outer, "wrapper", judged.stops, "source", option.span)
                for argument in option.args:
                    yield from self._wrapped(argument)

    def _late_guards(self, route: SourceRoute) -> Iterator[Guard]:
        """What wraps the view after it was registered."""
        for one in self.routes.replaced:
            if (meant := is_meant(self.judges, one, endpoint(route))) is not False:
                for guard in self._wrapped(one.call):
                    yield guard if meant else replace(guard, stops=None)

    def _class_guards(self, route: SourceRoute, view_class: str, method: str) -> Iterator[Guard]:
        # A decorator on the class itself wraps the class, which Flask never calls as a view: only restx reads some of them.
        for name in ("decorators", "method_decorators"):
            said = self.project.attribute(view_class, name)
            for value in self._listed(said, method):
                called = value if isinstance(value, Call) else None
                dotted = function_name(value)
                judged = self.judges.decorator(dotted, called) if dotted else Judgement(None, False)
                if judged is not None:
                    yield Guard(dotted or "?", "class-decorator", judged.stops, "source", value.span)

    def _dispatch_guard(self, view_class: str, asked: Asked) -> Iterator[Guard]:
        """What the project's own ``dispatch_request`` of the class, or of one that it descends from, does before it runs a method."""
        found = self.project.attribute(view_class, "dispatch_request")
        name = function_name(found) if found is not None else ""
        function = self.project.functions.get(name)
        if name and not comes_first(self.project, view_class, name.rpartition(".")[0]):
            return
        if function is not None and not any(opens(word, held) for word, held in said(self.project, view_class)):
            judged = self.judges.judge(name)
            stops = judged.stops
            if stops:
                stops = asks_by_hooks(self.judges, view_class, name)
            if stops:
                stops = self.exemptions.stopped(name, asked.route, asked.method)
            if judged.reads or stops is not False:
                yield Guard(name, "class-decorator", stops, "source", function.span)

    def _group_guards(self, origin: Origin, method: str) -> Iterator[Guard]:
        """``Namespace("admin", decorators=[admin_required])``, ``Api(app, decorators=[…])``: they stand before every resource of it."""
        for scope in origin.scopes:
            for value in self._listed(self.routes.groups.by_identity[scope].call.keyword("decorators"), method):
                called = value if isinstance(value, Call) else None
                dotted = function_name(value) or (called.callee if called is not None else "")
                judged = self.judges.decorator(dotted, called) if dotted else Judgement(None, False)
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
        for hook in self.routes.hooks_of(origin):
            name = hook.function
            judged = self._hook(name)
            if judged is None:
                continue
            stops = judged.stops
            if stops and self._guard_of_hook(name) is None:
                stops = self.exemptions.stopped(name, route, method)
            yield Guard(name, "before_request", stops, "source", hook.registration.span)
            for decorator, of_decorator in self._over_hook(name):
                yield Guard(decorator.name, "before_request", of_decorator.stops, "source", decorator.span)

    def _hook(self, name: str) -> Judgement | None:
        if name not in self._hooks:
            self._hooks[name] = self._judged_hook(name)
        return self._hooks[name]

    def _judged_hook(self, name: str) -> Judgement | None:
        function = self.project.functions.get(name)
        if function is None:
            return self.judges.decorator(name, None)
        by_decorator = self._guard_of_hook(name)
        if by_decorator is not None:
            return by_decorator
        found = self.judges.judge(name)
        return found if found.reads or found.stops is not False else None

    def _guard_of_hook(self, name: str) -> Judgement | None:
        """What a guard that decorates the hook itself does: it comes before everything that the hook asks."""
        return next((judged for _, judged in self._over_hook(name)), None)

    def _over_hook(self, name: str) -> Iterator[tuple[Decorator, Judgement]]:
        function = self.project.functions.get(name)
        for decorator in function.decorators if function is not None else ():
            if decorator.name.rpartition(".")[2] not in ("before_request", "before_app_request"):
                judged = self.judges.decorator(decorator.name, decorator.call)
                if judged is not None and judged.stops is not False:
                    yield decorator, judged

    def _body(self, view: str, asked: Asked) -> Iterator[Guard]:
        """Checks that the view makes itself. One that stands under another test as well is a doubt and no guard: whoever does not
        fit that test passes without a credential."""
        for call in self.facts.calls_in(view):
            under = self.project.under.get(id(call), ())
            library = guard_names.GUARD_CALLS.fullmatch(call.callee) and not is_constant(call.keyword("optional"), True)
            own = call.callee in self.project.functions and self.judges.is_guard_call(call)
            own = own or self.called_like.guard(call)
            if library or (own and self.judges.reached_by_nobody(under)):
                yield from self._checked(view, call.callee, under, call.span, asked)
        yield from self._refusals_handed_on(view, asked)
        doubts: list[Guard] = []
        for refusal in self.judges.refusals.get(view, ()):
            about = self.judges.about_credential(refusal) or self.judges.by_unseen(refusal)
            turns_away = refusal.plain or refusal.to_login or self._forbids(view, refusal.span)
            last = not refusal.under and turns_away and self.judges.lets_through(view)
            if (about or last) and self.judges.reached_by_nobody(refusal.under):
                name = f"check in the view (line {refusal.span.line})"
                for guard in self._checked(view, name, refusal.under, refusal.span, asked):
                    if guard.stops:
                        yield guard
                        return
                    doubts.append(guard)
        yield from doubts[:1]

    def _forbids(self, view: str, span: Span) -> bool:
        """``return "forbidden", 403`` and ``abort(403)`` at that place."""
        said = [one.value for one in self.facts.returns_of(view) if one.span.holds(span) or span.holds(one.span)]
        said += [call for call in self.facts.calls_in(view) if call.method == "abort" and call.span == span]
        return any(is_constant(part, 403) for value in said for part in walk(value, 2))

    def _refusals_handed_on(self, view: str, asked: Asked) -> Iterator[Guard]:
        """``who, refusal = caller_or_refusal()`` and ``if refusal: return refusal``."""
        told: set[str] = set()
        for condition in self.judges.conditions.get(view, ()):
            if not condition.stops:
                continue
            for part in walk(condition.value, 3):
                call = part.owner if isinstance(part, Item) else None
                if isinstance(call, Call) and call.callee not in told and self._gives_refusal(call.callee):
                    told.add(call.callee)
                    under = self.project.under.get(id(call), ())
                    yield from self._checked(view, call.callee, under, condition.span, asked)

    def _gives_refusal(self, name: str) -> bool:
        """That a function of the project asks who is calling, and gives a refusal beside something else."""
        function = self.project.functions.get(name)
        return (
            function is not None
            and any(
                isinstance(part, Constant) and type(part.value) is int and part.value in (401, 403)
                for value in function.returns
                if isinstance(value, Sequence)
                for part in walk(value, 5)
            )
            and self.judges.judge(name).reads
        )

    def _checked(
        self, view: str, name: str, under: tuple[tuple[Value, bool], ...], span: Span | None, asked: Asked
    ) -> Iterator[Guard]:
        """A check as a guard: one that stops everybody, a doubt, or none for this route and method."""
        said = [self._holds(value, negated, asked) for value, negated in under]
        if False in said:
            return
        sure = None not in said and not (span is not None and self.judges.lets_others_go(view, span.line))
        yield Guard(name, "view-body", True if sure else None, "source", span)

    def _holds(self, value: Value, negated: bool, asked: Asked, depth: int = 6) -> bool | None:
        """Whether a test holds for everybody who shows nothing: True, False, or None where it asks for something else as well
        (``if note.private and not user``)."""
        if depth and isinstance(value, Truth) and len(value.parts) == 1:
            return self._holds(value.parts[0], not negated, asked, depth - 1)
        if depth and isinstance(value, Choice):
            said = [self._holds(option, negated, asked, depth - 1) for option in value.options]
            enough = value.every is negated  # one option that holds is enough for `or`, and for the opposite of `and`
            return enough if enough in said else None if None in said else not enough
        if self.exemptions.is_about_path(value):
            holds = self.exemptions.holds(value, asked)
            return None if holds is None else holds is not negated
        return self.judges.absence(value, negated) if self.judges.credential_test(value) else None


def _reads_method(value: Value) -> bool:
    return isinstance(value, Name) and value.dotted == "flask.request.method"
