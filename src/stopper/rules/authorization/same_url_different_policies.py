"""The guarded address has a second spelling, and that one is open."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Route
from stopper.core.place import RouteRef
from stopper.core.rule import Hit, Rule

_API: Final = re.compile(r"^/api(?=/)")
_PARAMETER: Final = re.compile(r"\{[^{}]*\}")
_VERSION: Final = re.compile(r"^/(api/)?(v\d+(\.\d+)?|api|internal|public|legacy|old|beta)(?=/)", re.IGNORECASE)


_MOST_PAGES: Final = 4
"""A view that answers more addresses than these shows pages of all kinds: what it asks for says nothing of another view."""


def detect(app: App) -> Iterator[Hit]:
    """Two rules for one view, or for one path but for a slash, a version or letter case: one is guarded, the other open."""
    groups: dict[tuple[str, str], list[Route]] = {}
    for route in app.routes:
        for method in route.methods:
            if method not in ("HEAD", "OPTIONS"):
                groups.setdefault((method, _plain(route.path)), []).append(route)
                if _is_own(route):
                    groups.setdefault((method, f"view {route.view} {_last(route.path)}"), []).append(route)
    seen: set[RouteRef] = set()
    pages = Counter(view for view, _ in {(route.view, _plain(route.path)) for route in app.routes})
    for (method, _), routes in groups.items():
        states = {_state(route, method) for route in routes}
        if not {"guarded", "open"} <= states:
            continue
        closed = next(route for route in routes if _state(route, method) == "guarded")
        for route in routes:
            ref = RouteRef(method, route.path)
            if route.view != closed.view and (_looks_itself(closed, method) or pages[closed.view] > _MOST_PAGES):
                continue
            if _state(route, method) == "open" and ref not in seen and _answer_the_same(route, closed):
                seen.add(ref)
                yield Hit(
                    f"{ref} is open, and {method} {closed.path}, which answers the same, is guarded",
                    route.span,
                    ref,
                    reader="running" if "running" in route.readers else None,
                )


def _answer_the_same(one: Route, other: Route) -> bool:
    """Two spellings of one thing: of two rules for the very same address, whatever they call its parameters, only the first is ever
    asked (or they belong to two applications), and a page beside the API that has a view of another name is another thing."""
    if _unnamed(one.path) == _unnamed(other.path):
        return False
    plain = {_API.sub("", route.path.rstrip("/").lower()) for route in (one, other)}
    if len(plain) > 1 or one.path.rstrip("/").lower() == other.path.rstrip("/").lower():
        return True
    return _word(one.view) == _word(other.view)


def _looks_itself(route: Route, method: str) -> bool:
    """That nothing but the view's own code turns callers away, as it does for what it cannot find: another view need not."""
    access = route.access.get(method)
    return access is not None and not any(guard.stops and guard.kind != "view-body" for guard in access.guards)


def _word(view: str) -> str:
    return view.rpartition(".")[2].lower().removesuffix("_api").removeprefix("api_")


def _is_own(route: Route) -> bool:
    """A view of its own: not one wrapper, made by a function, that answers for many."""
    return bool(route.view) and "<locals>" not in route.view and not route.endpoint.endswith("static")


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2].lower()


def _plain(path: str) -> str:
    path = path.rstrip("/").lower()
    for _ in range(2):
        path = _VERSION.sub("", path)
    return _unnamed(path)


def _unnamed(path: str) -> str:
    return _PARAMETER.sub("{}", path)


def _state(route: Route, method: str) -> str:
    access = route.access.get(method)
    return access.state if access is not None else ""


RULE = Rule(
    slug="same-url-different-policies",
    family="authorization",
    title="One URL under two rules with different guards",
    harm=__doc__ or "",
    severity="high",
    check="function-authorization",
    cwe=(863,),
    owasp="API5:2023",
    asvs=("V6.3.4",),
    surfaces=("source", "running"),
    ends="A policy of Stopper belongs to the view, so every rule of `Stopper(app)` that leads to it has it.",
    certainty="likely",
    detect=detect,
)
