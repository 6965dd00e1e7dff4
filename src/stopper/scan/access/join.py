"""Joins what running a door showed with what its policy says, what its source says and what it answered."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from stopper.core.app import Access, App, Guard, Route
from stopper.core.probing.baseline import is_door
from stopper.scan.access.body import judged
from stopper.scan.access.trace import Key, Traced
from stopper.scan.access.witness import Answered


def with_traced(app: App, found: Mapping[Key, Traced]) -> App:
    """*app* with the access of every door that was traced. A door that Flask answers itself (automatic OPTIONS) has none."""
    return replace(app, routes=tuple(_traced_route(app, route, found) for route in app.routes))


def _traced_route(app: App, route: Route, found: Mapping[Key, Traced]) -> Route:
    access: dict[str, Access] = {}
    for method, known in route.access.items():
        seen = found.get((route.path, method, route.endpoint))
        if seen is not None and seen.outcome == "shadowed":
            continue
        if seen is not None:
            unread = seen.by_garbage or "source" not in route.readers
            access[method] = joined(known, seen, judged(app.source, route, method, _body(known), unread))
        elif method != "OPTIONS":
            access[method] = known
    return replace(route, access=access)


def joined(known: Access, seen: Traced, body: tuple[Guard, ...] = ()) -> Access:
    """*known* with what was seen. A declared policy stands unless it was seen to let a bare request through. *body* are the checks
    of the view itself."""
    if known.basis == "declared":
        if known.state == "guarded" and seen.outcome == "reached" and seen.is_straight:
            return Access("open", known.guards, f"{known.how} is declared, and yet {seen.how}", "traced")
        return known
    if seen.outcome == "stopped":
        return Access("guarded", (*seen.guards, *body), seen.how, "traced")
    if seen.outcome == "unclear":
        return replace(known, how=f"{known.how}; {seen.how}" if known.how else seen.how)
    guards = (*seen.guards, *body)
    stopping = next((guard for guard in body if guard.stops), None)
    if stopping is not None:
        return Access("guarded", guards, f"{stopping.name} stops it", "read")
    doubtful = next((guard for guard in body if guard.stops is None), None)
    if doubtful is not None:
        return Access("unknown", guards, f"{seen.how}; what {doubtful.name} does could not be told", "unknown")
    return Access("open", guards, seen.how, "traced")


def _body(known: Access) -> tuple[Guard, ...]:
    """What the source says of the view's own body."""
    return tuple(guard for guard in known.guards if guard.kind == "view-body")


def with_answers(app: App, answers: Mapping[Key, Answered]) -> App:
    """*app* with what its doors answered to nobody, where that proves something."""
    return replace(app, routes=tuple(_answered_route(route, answers) for route in app.routes))


def _answered_route(route: Route, answers: Mapping[Key, Answered]) -> Route:
    access = {
        method: _proven(route, known, answers.get((route.path, method, route.endpoint)))
        for method, known in route.access.items()
    }
    if _are_alike(route.access) and (route.path, "HEAD", route.endpoint) not in answers:
        access["HEAD"] = access["GET"]  # nobody asked, and they went the same way
    return replace(route, access=access)


def _are_alike(access: Mapping[str, Access]) -> bool:
    return "HEAD" in access and "GET" in access and access["HEAD"].state == access["GET"].state


def _proven(route: Route, known: Access, said: Answered | None) -> Access:
    if said is None or known.basis == "declared":
        return known
    if said.let_in:
        if known.state == "guarded" and known.basis == "traced":
            return known  # what stopped it answers with success itself: a log-in page
        return Access("open", known.guards, f"it answers nobody with {said.let_in}", "proven")
    if not said.refused:
        return known
    if known.state == "guarded":
        return replace(known, how=f"{known.how}; it answers nobody with {said.refused}", basis="proven")
    if any(guard.stops for guard in known.guards) or is_door(route):
        return known  # anything that is shown passes; or a wrong password was refused where people log in
    own = Guard(route.view or route.endpoint, "view-body", True, "running", route.span)
    return Access("guarded", (*known.guards, own), f"the view itself answers nobody with {said.refused}", "proven")


def stopping(guards: Iterable[Guard]) -> tuple[Guard, ...]:
    """Those that stop somebody, and those behind them that could not be asked, since nobody came that far."""
    found: list[Guard] = []
    for guard in guards:
        if guard.stops or (guard.stops is None and found and guard.kind != "before_request"):
            found.append(guard)
    return tuple(dict.fromkeys(found))
