"""Nobody reviews, tests or guards at the gateway what no document speaks of."""

import re
from collections import Counter
from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal

from stopper.core.answers.browser_answers import answers_a_browser
from stopper.core.app import App, Route
from stopper.core.fact import Decorator, SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import RouteRef
from stopper.core.rule import Hit, Rule
from stopper.core.spec_document import described, doors_of_schemes, serves_by, shape, speaks_of
from stopper.core.values import Call, is_constant

_NOT_API: Final = re.compile(
    r"(?i)(^|/)(openapi|swagger|apispec|api-docs|apidocs|docs?|redoc|rapidoc|static|assets|favicon\.ico|robots\.txt|sitemap\.xml|swaggerui|flasgger_static|\.well-known)(?:[/._-]|$)"
)
_HEALTH: Final = re.compile(
    r"(?i)^/?(api/)?(?:__)?(health\w*|(?:lb)?heartbeat|ping|ready|readiness|live|liveness|livez|readyz|version|status)?(?:__)?/?$"
)
_ERROR: Final = re.compile(r"(?i)/errors?/(?:\d{3})?$")
"""Where the page of an error stands by its number."""
_OAUTH: Final = re.compile(r"(?i)/(?:oauth\d?|oidc|openid|sso)$")
"""Where the steps of a protocol stand that the document knows by its security schemes."""
_ENDPOINTS: Final = re.compile(
    r"(?:^|\.)(static|openapi\w*|swagger\w*|apispec\w*|specs|redoc|docs?|root|doc)$|^(restx_doc|flasgger|api-docs|swagger_ui|openapi)\b"
)
_API: Final = re.compile(r"(?i)(?:rest|open)?-?apis?|v\d+|rest")
_MAKERS: Final = ("apiflask", "flask_restx", "flask_restplus", "flask_openapi3")
"""What makes the document of the routes themselves."""
_RESOURCES: Final = ("flask_restx.Resource", "flask_restplus.Resource", "flask_restx.resource.Resource")
_SEVERAL: Final = 3
"""So many documented paths that all begin alike are no accident."""
_TOGETHER: Final = 4
"""From so many routes of one file on that the document does not know, they are one finding."""


def detect(app: App) -> Iterator[Hit]:
    """Routes and methods that are served and that the document does not describe, or that are kept out of it."""
    if app.spec is None:
        yield from _left_out(app)
        return
    if not (speaks_of(app.spec, app.routes) or serves_by(app.spec, source_of(app))):
        return
    known = described(app.spec)
    paths = {path for _, path in known}
    doors = doors_of_schemes(app.spec)
    homes = tuple(f"{home}/" for door in doors if _OAUTH.search(home := door.rpartition("/")[0]))
    served = [route for route in app.routes if route.readers - {"spec"} and not _is_beside_the_api(route)]
    facts, below = source_of(app), _root(paths)
    yield from _unknown(
        [
            route
            for route in served
            if shape(route.path) not in paths
            and shape(route.path) not in doors
            and not route.path.startswith(homes)
            and route.path.startswith(below)
            and not answers_a_browser(facts, route.view)
            and not _describes_itself(facts, route)
            and not (facts.error_handlers_of(route.view) or _ERROR.search(route.path))
        ]
    )
    for route in served:
        if shape(route.path) not in paths:
            continue
        extra = [
            method
            for method in route.methods
            if method not in ("HEAD", "OPTIONS") and (method, shape(route.path)) not in known
        ]
        if extra:
            yield _hit(route, extra, f"{', '.join(extra)} {route.path} is served and the document does not know it")
    yield from _mounted(app, known)


def _describes_itself(facts: SourceFacts, route: Route) -> bool:
    """That the view is one of Flask-RESTX, whose own document is served beside the one that somebody wrote, and knows it."""
    own = facts.once("views of RESTX", lambda: frozenset(one.name for one in facts.classes(*_RESOURCES)))
    view = route.view if route.view in own else route.view.rpartition(".")[0]
    return view in own and not any(
        _hides(one) for said in facts.routes if said.view == route.view for one in said.decorators
    )


def _left_out(app: App) -> Iterator[Hit]:
    """Where the document is made of the routes: those that are kept out of it in so many words, beside others that are not."""
    facts = source_of(app)
    if not facts.imports(*_MAKERS):
        return
    views = {one.view: one for one in facts.routes if not facts.is_test(one.span)}
    hidden = {name for name, one in views.items() if any(map(_hides, one.decorators)) or _hides_methods(facts, one)}
    for route in app.routes if len(hidden) < len(views) else ():
        if route.view in hidden and not _is_beside_the_api(route) and not answers_a_browser(facts, route.view):
            said = f"{route.path} is served and kept out of the document"
            yield replace(_hit(route, route.methods, said), severity="low")
    yield from _beside_resources(app)


def _beside_resources(app: App) -> Iterator[Hit]:
    """``@app.post("/orders/purge")`` beside resources of Flask-RESTX below ``/orders``: its document knows resources alone."""
    facts = source_of(app)
    resources = {one.name for one in facts.classes(*_RESOURCES)}
    known = [route for route in app.routes if {route.view, route.view.rpartition(".")[0]} & resources]
    nouns = {noun for route in known if (noun := _noun(route.path))}
    told = {shape(route.path) for route in known}
    beside = [
        route
        for route in app.routes
        if route not in known
        and shape(route.path) not in told
        and _noun(route.path) in nouns
        and not {"GET", "HEAD", "OPTIONS"}.issuperset(route.methods)
        and not _is_beside_the_api(route)
        and not answers_a_browser(facts, route.view)
    ]
    yield from _unknown(beside, "the document of the resources beside it does not know it")


def _noun(path: str) -> str:
    """The beginning of a path up to what it speaks of, its first part that is no ``api`` and no version: ``api/v1/orders``."""
    parts = path.strip("/").split("/")
    end = next((number for number, part in enumerate(parts) if not _API.fullmatch(part)), len(parts))
    return "/".join(parts[: end + 1]) if end < len(parts) and "{" not in parts[end] else ""


def _hides_methods(facts: SourceFacts, route: SourceRoute) -> bool:
    """That every method of a view class is kept out."""
    made = [facts.function(f"{route.view}.{word.lower()}") for word in route.methods]
    own = [one for one in made if one is not None]
    return bool(own) and all(any(map(_hides, one.decorators)) for one in own)


def _hides(decorator: Decorator) -> bool:
    """``@app.doc(hide=True)``, ``@ns.hide``, ``@ns.route("/x", doc=False)``, and a route of a blueprint that is not described."""
    word, call = decorator.name.rpartition(".")[2], decorator.call
    if call is None or word == "hide":
        return word == "hide" and decorator.name.startswith(_MAKERS)
    made = call.receiver if isinstance(call.receiver, Call) else None
    return (
        (word == "doc" and (is_constant(call.keyword("hide"), True) or is_constant(call.argument(0), False)))
        or is_constant(call.keyword("doc_ui"), False)
        or (word == "route" and is_constant(call.keyword("doc"), False))
        or (
            made is not None
            and made.method == "APIBlueprint"
            and is_constant(made.keyword("enable_openapi", "doc_ui"), False)
        )
    )


def _root(paths: Collection[str]) -> str:
    """Where the API begins, if the document speaks of nothing else: ``/api/``. What is beside it are pages."""
    first = {path.strip("/").partition("/")[0] for path in paths}
    only = next(iter(first)) if len(first) == 1 and len(paths) >= _SEVERAL else ""
    return f"/{only}/" if _API.fullmatch(only) else ""


def _unknown(strangers: Sequence[Route], why: str = "the document does not know it") -> Iterator[Hit]:
    """Routes that the document leaves out. Many of one file were forgotten together, and are told together."""
    files = Counter(route.span.path for route in strangers if route.span is not None)
    first: dict[str, Route] = {}
    for route in strangers:
        path = route.span.path if route.span is not None else ""
        message = f"{route.path} is served and {why}"
        if files[path] < _TOGETHER:
            yield _hit(route, route.methods, message)
            continue
        head = first.setdefault(path, route)
        others = f"{head.path} and {files[path] - 1} other routes of this file are served"
        said = f"{others} and {why.removesuffix('it')}them"
        yield replace(_hit(route, route.methods, said), span=head.span)


def _mounted(app: App, known: Container[tuple[str, str]]) -> Iterator[Hit]:
    """Routes of another Flask application that is mounted before this one."""
    for mount in app.wiring.mounts if app.wiring is not None else ():
        for method, path in mount.routes:
            if (method, shape(path)) not in known and not _NOT_API.search(path) and not _HEALTH.match(path):
                message = f"{path} is served by an application that is mounted at {mount.prefix}, and the document does not know it"
                yield Hit(message, route=RouteRef(method, path), reader="running")


def _hit(route: Route, methods: "tuple[str, ...] | list[str]", message: str) -> Hit:
    method = next((method for method in methods if method not in ("HEAD", "OPTIONS")), "GET")
    reader: Literal["running"] | None = None if route.span is not None else "running"
    return Hit(message, route.span, RouteRef(method, route.path), reader=reader)


def _is_beside_the_api(route: Route) -> bool:
    if route.access and all(access.basis == "declared" for access in route.access.values()):
        return True  # a policy speaks of it, and the lock shows it in review
    return bool(_NOT_API.search(route.path) or _HEALTH.match(route.path) or _ENDPOINTS.search(route.endpoint))


RULE = Rule(
    slug="shadow-route",
    family="inventory",
    title="A route is served but not in the spec",
    harm=__doc__ or "",
    severity="medium",
    check="inventory",
    cwe=(1059,),
    owasp="API9:2023",
    asvs=("V13.4.5",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` runs no route without a policy, and `stopper.lock` shows each in review.",
    certainty="likely",
    detect=detect,
)
