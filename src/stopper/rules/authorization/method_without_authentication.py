"""Reading is guarded and changing is not, because one method of the route was forgotten."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Access, App, Route
from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.changing_calls import writes
from stopper.core.flow.raising import raised_in
from stopper.core.flow.view_functions import FunctionIndex, index_of
from stopper.core.guards.asking_views import refuses_by_header
from stopper.core.guards.public_routes import is_shown_a_password, opens_account
from stopper.core.guards.refusals_made import answers_only_some
from stopper.core.guards.refusing_views import only_refuses
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import attempt, candidates, is_door
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Name, text_of, walk

_CHANGING: Final = ("POST", "PUT", "PATCH", "DELETE")
_PUBLIC: Final = re.compile(
    r"(?i)(^|[/_.-])(log[-_]?(in|out)|sign[-_]?(in|up|out)|register|auth|authenticate|authentication|sessions?|contact|feedback|webhooks?|subscribe|callback|token|refresh|(?:password[-_])?(?:reset|recover\w*)|forgot\w*|confirm\w*|activat\w+|unsubscribe|(users?|accounts?|customers?)/?$)"
)
_ASKS_NOTHING: Final = frozenset({"OPTIONS", "HEAD"})
"""Methods that browsers send by themselves: who lets those through asks nothing about changing."""
_ROUTES: Final = {"quick": 6, "standard": 12, "deep": 40}


def detect(app: App) -> Iterator[Hit]:
    """Paths of which one method is guarded while a changing one, or the automatic HEAD, is open."""
    mixed: dict[tuple[str, str], set[str]] = {}
    surely: set[tuple[str, str]] = set()
    for route in app.routes:
        for method, access in route.access.items():
            mixed.setdefault(_address(route), set()).add(_state(access) if method != "OPTIONS" else "")
            surely |= {_address(route)} if access.state == "guarded" and method != "OPTIONS" else set()
    paths = {path for path, states in mixed.items() if {"guarded", "open"} <= states}
    index = index_of(source_of(app))
    hooks = _hooks_by_method(app, index)
    if not paths and not hooks:
        return
    for route in app.routes:
        for method in route.methods if not _PUBLIC.search(route.path) else ():
            found = route.access.get(method)
            if found is None or found.state != "open" or method not in (*_CHANGING, "HEAD"):
                continue
            passed_by = method != "HEAD" and any(guard.name in hooks for guard in found.guards)
            if _address(route) not in paths and not passed_by:
                continue
            views = list(index.of_view(route.view, route.span, method))
            if views and all(only_refuses(index.facts, one.name) for one in views):
                continue
            if _is_meant_open(index, route, method) or (
                method in _CHANGING and not passed_by and refuses_by_header(index, views)
            ):
                continue
            own = [one for one in views if one.owner]
            answers = [one for one in own if one.name.rpartition(".")[2] == method.lower()]
            if answers and (only_refuses(index.facts, answers[0].name) or _leaves_it_to_others(index, answers[0].name)):
                continue
            span = (answers or own)[0].span if own else route.span
            # HEAD answers without a body, and what nobody could follow to its end may be no check
            weak = method == "HEAD" or not (passed_by or _address(route) in surely)
            yield Hit(
                f"{method} {route.path} asks nobody who is calling, and another method of the path {'seems to' if weak else 'does'}",
                span,
                RouteRef(method, route.path),
                certainty="possible" if weak and method != "HEAD" else None,
                severity="low" if weak else None,
            )


def _is_meant_open(index: FunctionIndex, route: Route, method: str) -> bool:
    """HEAD of a page that is open or turns it away, and a POST that lets somebody in or makes an account."""
    if method == "HEAD":
        get = route.access.get("GET")
        return (get is not None and get.state != "guarded") or _answers_get_only(index, route)
    return method == "POST" and (is_shown_a_password(index, route) or opens_account(index, route))


def _leaves_it_to_others(index: FunctionIndex, method: str) -> bool:
    """A method of a base class that answers nothing itself: ``def delete(self): return self.refusal()``, which heirs call before they do it."""
    facts = index.facts
    if raised_in(facts, method) or any(writes(facts, name) for name in index.calling([method], 1)):
        return False
    given = [one.value for one in facts.returns_of(method)]
    return all(isinstance(one, Call) and answers_only_some(facts, one.callee) for one in given)


def _address(route: Route) -> tuple[str, str]:
    """Two blueprints, or two files that say none, have one path only where their prefixes are not known."""
    return route.blueprint or (route.span.path if route.span is not None else ""), route.path


def _state(access: Access) -> str:
    """A check that the view makes itself counts, where nobody could follow it to its end."""
    own = access.state == "unknown" and all(guard.kind == "view-body" for guard in access.guards)
    return "guarded" if own else access.state


def _hooks_by_method(app: App, index: FunctionIndex) -> frozenset[str]:
    """Hooks that ask for the method, and turn callers away at some and not at others: ``if request.method in ("POST", "PUT") and …``."""
    seen: dict[str, set[bool | None]] = {}
    for route in app.routes:
        for method, access in route.access.items():
            for guard in access.guards if method in _CHANGING else ():
                if guard.kind == "before_request":
                    seen.setdefault(guard.name, set()).add(guard.stops)
    mixed = [name for name, stops in seen.items() if {True, False} <= stops]
    return frozenset(
        name
        for name in mixed
        if any(
            isinstance(side, Name)
            and side.dotted == "flask.request.method"
            and not {text_of(part) for part in walk(other, 1)} & _ASKS_NOTHING
            for called in index.calling([name], 2)
            for one in index.comparisons.get(called, ())
            for side, other in ((one.left, one.right), (one.right, one.left))
        )
    )


def _answers_get_only(index: FunctionIndex, route: Route) -> bool:
    """``if request.method == "GET":`` stands round all that the view does; whatever else comes is turned away with one call at most."""
    for view in index.of_view(route.view, route.span, "GET"):
        asks = [
            one.body
            for one in index.facts.conditions_in(view.name)
            if one.body is not None
            and not one.negated
            and any(
                isinstance(side, Constant) and side.value == "GET"
                for compared in index.facts.comparisons_in(view.name)
                if compared.operator == "==" and one.span.holds(compared.span)
                for side in (compared.left, compared.right)
            )
        ]
        outside = [
            call
            for call in index.facts.calls_in(view.name)
            if call.span is not None and not any(body.holds(call.span) for body in asks)
        ]
        if asks and len(outside) <= 1:
            return True
    return False


def probe(target: Target) -> Steps[Verdict]:
    """Where GET refuses nobody's request, HEAD and (in mode active) the changing methods must refuse it too."""
    tried = 0
    for route, method in list(candidates(target))[: _ROUTES[target.depth]]:
        if is_door(route):
            continue
        control = yield from attempt(send(target.request_for(route, method)))
        if control is None or not control.response.refused:
            continue
        tried += 1
        others = [
            other for other in _CHANGING for one in target.app.routes if one.path == route.path and other in one.methods
        ]
        head = () if control.response.refuses_in_words else ("HEAD",)  # which has no words
        for other in (*head, *(others if target.mode == "active" else ())):
            owner = next((one for one in target.app.routes if one.path == route.path and other in one.methods), route)
            request = replace(control.request, method="HEAD") if other == "HEAD" else target.request_for(owner, other)
            answer = yield from attempt(send(request))
            if answer is None or not answer.response.succeeded or answer.response.error or _PUBLIC.search(route.path):
                continue
            ref = RouteRef(other, route.path)
            evidence = [
                Evidence("exchange", "control: GET refuses a caller without a credential", control),
                Evidence("exchange", f"{other} is answered without one", answer),
            ]
            return failed(f"{ref} needs no credential, while GET does", [ref], evidence)
    if not tried:
        return not_applicable("no route that can be read refuses a caller without a credential")
    return passed(f"on {tried} paths every method refuses a caller without a credential")


RULE = Rule(
    slug="method-without-authentication",
    family="authorization",
    title="One method of a route is unguarded",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(862,),
    owasp="API5:2023",
    asvs=("V8.2.1",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` guards every method of an endpoint, `HEAD` and listed `OPTIONS` included.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
