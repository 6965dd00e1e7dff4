"""Old code that nobody mends any more still answers, and clients build on operations that are not there."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import answered, attempt, same
from stopper.core.rule import Hit, Rule
from stopper.core.spec_document import Operation, operations, place_of, shape, speaks_of

_VERSION: Final = re.compile(r"(?i)(?<=/)v(\d+)(?:[._]\d+)*(?=/|$)")
_GONE: Final = frozenset({404, 405, 410, 501})
_ASKED: Final = {"quick": 6, "standard": 15, "deep": 60}


def detect(app: App) -> Iterator[Hit]:
    """Operations that nothing serves, deprecated ones that something serves, and a version of which a newer one is served."""
    served = {
        (method, shape(route.path)): route
        for route in app.routes
        if route.readers & {"source", "running"}
        for method in route.methods
    }
    if app.spec is not None and speaks_of(app.spec, app.routes):
        for one in operations(app.spec):
            route = served.get((one.method, shape(one.path)))
            if route is None and served and one.method not in ("HEAD", "OPTIONS"):
                yield Hit(
                    f"the document describes {one.ref}, and nothing serves it",
                    _line(app, one),
                    one.ref,
                    "likely",
                    "spec",
                )
            elif one.node.get("deprecated") is True and route is not None:
                yield Hit(
                    f"{one.ref} is deprecated and still served", route.span or _line(app, one), one.ref, reader="spec"
                )
    yield from _old_versions(app)


def _line(app: App, one: Operation) -> Span | None:
    return place_of(app, one.written, one.method.lower())


def _old_versions(app: App) -> Iterator[Hit]:
    """Routes of which the same path is served under a higher version."""
    newest: dict[tuple[str, str], int] = {}
    found: list[tuple[Route, str, int, str]] = []
    for route in app.routes:
        if not route.readers - {"spec"}:
            continue
        said = _VERSION.search(route.path)
        if said is None:
            continue
        for method in route.methods:
            key = (method, shape(_VERSION.sub("v*", route.path, count=1)))
            newest[key] = max(newest.get(key, 0), int(said.group(1)))
            if method not in ("HEAD", "OPTIONS"):
                found.append((route, method, int(said.group(1)), key[1]))
    for route, method, version, rest in found:
        if newest[(method, rest)] > version:
            yield Hit(
                f"{method} {route.path} is served beside version {newest[(method, rest)]} of it",
                route.span,
                RouteRef(method, route.path),
                "possible",
                None if route.span is not None else "running",
            )


# -- on the wire -----------------------------------------------------------------------------------------------------------------


def probe(target: Target) -> Steps[Verdict]:
    """Deprecated operations must not answer, and operations without a parameter must be there."""
    if target.app.spec is None:
        return not_applicable("there is no OpenAPI document")
    if (old := (yield from _old_and_left_out(target))) is not None:
        return old
    every = [one for one in operations(target.app.spec) if one.method == "GET" and "{" not in one.path]
    asked = 0
    nothing = yield from send(target.request_for(Route(f"/{target.canary}-not-there", ("GET",)), "GET"))
    for one in sorted(every, key=lambda one: one.node.get("deprecated") is not True)[: _ASKED[target.depth]]:
        answer = yield from attempt(answered(target, target.request_for(_route(target, one), "GET")))
        if answer is None or answer.response.error:
            continue
        asked += 1
        verdict = _judged(one, answer, nothing)
        gone = answer.response.status in _GONE
        if verdict is not None and not (gone and (yield from attempt(_takes_it(answer.request)))):
            return verdict
    if not every:
        return not_applicable("the document has no GET operation without parameters")
    return (
        passed(f"{asked} operations are there and none is deprecated")
        if asked
        else unsure("no operation gave an answer")
    )


def _old_and_left_out(target: Target) -> Steps[Verdict | None]:
    """What the document describes under one version answers under an older one too, which no operation of it is."""
    newest: dict[str, int] = {}
    for route in target.app.routes:
        if "spec" in route.readers and (said := _VERSION.search(route.path)) is not None:
            rest = shape(_VERSION.sub("v*", route.path, count=1))
            newest[rest] = max(newest.get(rest, 0), int(said.group(1)))
    for route in target.app.routes:
        said = _VERSION.search(route.path) if "spec" not in route.readers and "GET" in route.methods else None
        newer = newest.get(shape(_VERSION.sub("v*", route.path, count=1)), 0) if said is not None else 0
        if said is None or newer <= int(said.group(1)):
            continue
        answer = yield from attempt(answered(target, target.request_for(route, "GET")))
        if answer is not None and answer.response.succeeded:
            ref = RouteRef("GET", route.path)
            shown = Evidence("exchange", "the older version answers", answer)
            told = Evidence("spec", f"the document describes version {newer} of it alone")
            return failed(
                f"{ref} is served beside version {newer} of it, and the document leaves it out", [ref], [told, shown]
            )
    return None


def _takes_it(request: Request) -> Steps[bool]:
    """Whether the server says that it takes a GET there: the view answers 404 itself, for want of what it looks for."""
    options = yield from send(Request("OPTIONS", request.target.partition("?")[0]))
    return options.response.succeeded and "GET" in (options.response.header("Allow") or "")


def _route(target: Target, one: Operation) -> Route:
    return next(
        (route for route in target.app.routes if shape(route.path) == shape(one.path) and "GET" in route.methods),
        Route(one.path, ("GET",)),
    )


def _judged(one: Operation, answer: Exchange, nothing: Exchange) -> Verdict | None:
    control = Evidence("exchange", "control: what a path that is not there answers", nothing)
    deprecated = one.node.get("deprecated") is True
    if deprecated and answer.response.succeeded:
        said = Evidence("spec", f"the document calls {one.ref} deprecated")
        return failed(
            f"{one.ref} is deprecated and still answers",
            [one.ref],
            [said, control, Evidence("exchange", "the deprecated operation answers", answer)],
        )
    if not deprecated and answer.response.status in _GONE and same(answer.response, nothing.response):
        said = Evidence("spec", f"the document describes {one.ref}")
        return failed(
            f"the document describes {one.ref}, and nothing is there",
            [one.ref],
            [said, control, Evidence("exchange", "the operation answers the same", answer)],
        )
    return None


RULE = Rule(
    slug="ghost-or-zombie-route",
    family="inventory",
    title="The spec and what is served have grown apart",
    harm=__doc__ or "",
    severity="low",
    check="inventory",
    cwe=(1059,),
    owasp="API9:2023",
    asvs=("V15.2.3",),
    surfaces=("source", "wsgi", "http"),
    ends="`stopper serve` makes its document from the same list that mounts its routes.",
    detect=detect,
    probe=probe,
)
