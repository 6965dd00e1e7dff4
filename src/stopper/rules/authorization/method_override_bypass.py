"""A header or a parameter tells the guard that the request is harmless, and the view runs all the same."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import alike, attempt, candidates, is_door
from stopper.core.rule import Rule

_HEADERS: Final = ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method")
_CHANGING: Final = ("DELETE", "PUT", "PATCH")
_ROUTES: Final = {"quick": 2, "standard": 3, "deep": 12}
_READS: Final = {"quick": 1, "standard": 1, "deep": 6}
"""How many of them only read: what goes by the header stands before all routes."""


def probe(target: Target) -> Steps[Verdict]:
    """A refused request is sent again with another method in a header; in mode active, an open GET is sent as a refused DELETE."""
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE") if target.mode == "active" else ("GET",)
    tried = reads = 0
    for route, method in candidates(target, methods):
        if tried >= _ROUTES[target.depth]:
            break
        if is_door(route) or (method == "GET" and reads >= _READS[target.depth]):
            continue
        request = target.request_for(route, method)
        control = yield from attempt(send(request))
        if control is None or not control.response.refused:
            continue
        tried += 1
        reads += method == "GET"
        found = yield from attempt(_believed(RouteRef(method, route.path), request, control))
        if found is None and method in _CHANGING:
            found = yield from attempt(_carried_out(target, route, method, control))
        if found is not None:
            return found
    if not tried:
        return not_applicable("no route that can be asked refuses a caller without a credential")
    return passed(f"{tried} route-methods refuse a caller whatever method a header names")


def _believed(ref: RouteRef, request: Request, control: Exchange) -> Steps[Verdict | None]:
    """The same request, with a word of another method: the guard must not go by it."""
    for how, varied in _spellings(request, "OPTIONS" if request.method == "GET" else "GET"):
        answer = yield from send(varied)
        if answer.response.error or not answer.response.succeeded or not answer.response.body:
            continue
        if answer.response.header("Allow") is not None or alike(answer.response, control.response):
            continue  # the server took it for that method throughout, or refuses with 200
        return _told(ref, how, control, answer)
    return None


def _carried_out(target: Target, route: Route, method: str, control: Exchange) -> Steps[Verdict | None]:
    """A GET that anybody may send, with the refused method in a header: it must stay a GET."""
    reading = next((one for one in target.app.routes if one.path == route.path and "GET" in one.methods), None)
    if reading is None:
        return None
    request = target.request_for(reading, "GET")
    plain = yield from send(request)
    if not plain.response.succeeded:
        return None
    for how, varied in _spellings(replace(request, effect="write"), method):
        answer = yield from send(varied)
        if answer.response.succeeded and not alike(answer.response, plain.response):
            return _told(RouteRef(method, route.path), how, control, answer)
    return None


def _spellings(request: Request, method: str) -> Iterator[tuple[str, Request]]:
    for name in _HEADERS:
        yield f"{name}: {method}", request.with_headers((name, method))
    mark = "&" if "?" in request.target else "?"
    yield f"_method={method}", replace(request, target=f"{request.target}{mark}_method={method}")


def _told(ref: RouteRef, how: str, control: Exchange, answer: Exchange) -> Verdict:
    evidence = [
        Evidence("exchange", "control: without a credential the request is refused", control),
        Evidence("exchange", f"with {how} and no credential it is answered", answer),
    ]
    return failed(f"{ref} is guarded, and {how} goes past the guard", [ref], evidence)


RULE = Rule(
    slug="method-override-bypass",
    family="authorization",
    title="A method override goes past the guard",
    harm=__doc__ or "",
    severity="medium",
    check="function-authorization",
    cwe=(650,),
    owasp="API5:2023",
    asvs=("V4.1.4",),
    surfaces=("wsgi", "http"),
    ends="`Stopper(app)` takes the method from the request line and guards the endpoint that runs.",
    probe=probe,
)
