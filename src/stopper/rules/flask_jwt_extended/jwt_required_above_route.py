"""Anybody can call the route without a token, although the code looks as if it were protected."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Guard, Route
from stopper.core.fact import ClassFact, Decorator, Function
from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.labels import LabelKind
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import alike, bearers
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_extended import stands_on_stopper
from stopper.core.values import Name, is_constant

GUARDS = tuple(
    f"flask_jwt_extended.{home}{name}"
    for home in ("", "view_decorators.")
    for name in ("jwt_required", "fresh_jwt_required", "jwt_refresh_token_required")
)
"""The last two are of version 3."""
_READS: Final = ("flask_jwt_extended.verify_jwt_in_request", "flask_jwt_extended.view_decorators.verify_jwt_in_request")
_SHOWN: Final[tuple[LabelKind, ...]] = ("authorization-header", "api-key", "cookie", "session")
"""What a view itself may look at where its guard never runs."""


def detect(app: App) -> Iterator[Hit]:
    """`@jwt_required()` above a route decorator of the same function, where nothing else guards the route."""
    if stands_on_stopper(app):
        return  # it closes such a route and says why
    for function, decorator in _misplaced(app):
        if not _guarded_otherwise(app, function):
            yield Hit(f"the guard of {function.name} stands above its route, so it never runs", decorator.span)
    yield from _too_late(app)


def _too_late(app: App) -> Iterator[Hit]:
    """``app.add_url_rule("/stats", view_func=stats)`` and then ``stats = jwt_required()(stats)``: the route has the bare view."""
    facts = source_of(app)
    for call in facts.calls(*(f"{name}.__call__" for name in GUARDS)):
        view = call.args[0] if call.args else None
        for route in facts.routes_of_view(view.dotted) if isinstance(view, Name) else ():
            place = route.registered_at
            if call.span is not None and place.path == call.span.path and place.line < call.span.line:
                states = [state for one in app.routes if one.view == route.view for state in one.access.values()]
                if not states or any(one.state != "guarded" for one in states):
                    yield Hit(f"{route.view} is guarded after its route was added, so the route is open", call.span)


def _misplaced(app: App) -> Iterator[tuple[Function | ClassFact, Decorator]]:
    """Functions and view classes (Flask-Smorest registers classes by decorator) with such a guard."""
    facts = source_of(app)
    written: list[Function | ClassFact] = [*facts.functions(), *facts.classes()]
    for function in written:
        for decorator in function.decorators:
            optional = decorator.call is not None and is_constant(decorator.call.argument(0, "optional"), True)
            if decorator.above_route and decorator.name in GUARDS and not optional:
                yield function, decorator


def _guarded_otherwise(app: App, function: Function | ClassFact) -> bool:
    """Every method of every route of the view is guarded by something that does run."""
    accesses = [access for route in _routes(app, function) for access in route.access.values()]
    return bool(accesses) and all(
        access.state == "guarded" and any(_runs(app, guard) for guard in access.guards) for access in accesses
    )


def _runs(app: App, guard: Guard) -> bool:
    """A guard that asks who is calling. A view that refuses what it does not find, or that asks for claims which nobody has read, does not."""
    if guard.kind != "view-body" or guard.name in _READS:
        return guard.stops is not False
    around = source_of(app).conditions_around(guard.span) if guard.span is not None else ()
    return any(source_of(app).derives(one.value, *_SHOWN) for one in around)


def _routes(app: App, function: Function | ClassFact) -> list[Route]:
    return [route for route in app.routes if route.view == function.name or _same_place(route, function)]


def _same_place(route: Route, function: Function | ClassFact) -> bool:
    return route.span is not None and route.span.path == function.span.path and route.span.line == function.span.line


def fix(app: App, hit: Hit) -> Edit | None:
    """The guard below all decorators of its function, where the route runs it; a view class is left to a person."""
    for function, decorator in _misplaced(app):
        if decorator.span == hit.span and isinstance(function, Function):
            return Edit(decorator.span, "", safe=False, how="below")
    return None


def probe(target: Target) -> Steps[Verdict]:
    """Asks the routes that the source points at, with a token and without."""
    hits = {hit.span for hit in detect(target.app)}
    functions = [function for function, decorator in _misplaced(target.app) if decorator.span in hits]
    if not functions:
        return not_applicable("the source shows no guard above a route")
    closed = None
    for route in [route for function in functions for route in _routes(target.app, function)]:
        verdict = yield from _asked(target, route)
        if verdict.outcome == "fail":
            return verdict
        closed = verdict if verdict.outcome == "pass" else closed
    return closed or unsure("none of the routes with a guard above them answers a reading request with success")


def _asked(target: Target, route: Route) -> Steps[Verdict]:
    """One route: the answer to nobody is held against the answer to somebody with a good token."""
    if "GET" not in route.methods:
        return unsure(f"{route.path} only changes data and was not asked")
    request, ref = target.request_for(route, "GET"), RouteRef("GET", route.path)
    anonymous = yield from send(request)
    if anonymous.response.refused:
        return passed(f"{ref} refuses a caller without a token")
    evidence = [Evidence("exchange", "without any token the request is answered", anonymous)]
    for identity in bearers(target)[:1]:
        honest = yield from send(identity.on(request))
        if not alike(honest.response, anonymous.response):
            return unsure(f"{ref} answers nobody otherwise than somebody")
        evidence.insert(0, Evidence("exchange", f"control: the answer to {identity.name}'s own token", honest))
    if not anonymous.response.succeeded:
        return unsure(f"{ref} did not answer with success")
    return failed(f"{ref} answers without a token: its guard stands above the route and never runs", (ref,), evidence)


RULE = Rule(
    slug="jwt-required-above-route",
    family="flask-jwt-extended",
    title="`@jwt_required()` is written above the route decorator, so the route is open",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(862,),
    owasp="API2:2023",
    asvs=("V8.2.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@bearer` guards the endpoint, in whatever order the decorators stand.",
    detect=detect,
    fix=fix,
    probe=probe,
)
