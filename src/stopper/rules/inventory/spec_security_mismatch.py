"""Clients send what the document says and are refused, or a credential is taken that nobody knows of and nobody watches."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Route, SecurityScheme
from stopper.core.fact import Condition
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.view_functions import FunctionIndex, index_of
from stopper.core.guards.written_schemes import written_schemes
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, unsure
from stopper.core.probing.baseline import attempt, controls, establish
from stopper.core.rule import Hit, Rule
from stopper.core.values import Constant, Item, Name, walk

_GUARDS: Final = (
    (
        re.compile(
            r"flask_jwt_extended\.|flask_jwt(?:_simple)?\.|flask_praetorian\.|authlib\..*ResourceProtector|flask_httpauth\.HTTPTokenAuth"
        ),
        "bearer",
    ),
    (re.compile(r"flask_login\.|flask_security\.(?:decorators\.)?login_required"), "session"),
    (re.compile(r"flask_httpauth\.HTTPBasicAuth|flask_basicauth\."), "basic"),
    (re.compile(r"flask_httpauth\.HTTPDigestAuth"), "digest"),
)
_KEY_HEADER: Final = re.compile(
    r"(?i)api[-_]?key|access[-_]?key|^x-(?:(?!idempotency|request|cache|dedup)[a-z]+-)?key$|subscription-key|^x-(?:auth-)?token$"
)
_TRIES: Final = {"quick": 2, "standard": 5, "deep": 15}


def detect(app: App) -> Iterator[Hit]:
    """Routes whose guards check another kind of credential than the document names for them."""
    facts = source_of(app)
    if app.spec is None or not app.spec.schemes:
        yield from _of_the_code(app, facts)
        return
    index = index_of(facts)
    for route in app.routes:
        said = {kind for name in route.spec_security or () if (kind := _kind(app.spec.schemes.get(name)))}
        if not said or not route.readers & {"source", "running"}:
            continue
        checked = _checked(facts, index, route)
        if checked and not said & checked:
            ref = next(iter(route.refs()), RouteRef("GET", route.path))
            text = f"the document asks for {', '.join(sorted(said))} at {ref}, and the code checks {', '.join(sorted(checked))}"
            yield Hit(text, route.span, ref, "likely")


def _of_the_code(app: App, facts: SourceFacts) -> Iterator[Hit]:
    """The same for a document that a library makes of what the code says: one hit, where no route checks any of the kinds which are
    named. Pages with a session stand beside such a document, and are not in it."""
    named = {kind for scheme in written_schemes(facts) if (kind := _kind(scheme))}
    if not named:
        return
    index = index_of(facts)
    checked: list[tuple[Route, set[str]]] = []
    for route in app.routes:
        if route.access and (kinds := _checked(facts, index, route)):
            if named & kinds:
                return
            checked.append((route, kinds))
    if any(named & _read_in(facts, one.name) for one in facts.functions()):
        return
    for route, kinds in checked:
        if "session" not in kinds or _is_documented(index, route):
            ref = next(iter(route.refs()), RouteRef("GET", route.path))
            text = f"the document names {', '.join(sorted(named))}, and {ref} checks {', '.join(sorted(kinds))}"
            yield Hit(text, route.span, ref, "likely")
            return


_DESCRIBES: Final = frozenset({"response", "alt_response", "arguments", "output", "input", "doc"})
"""Decorators of flask-smorest, APIFlask and Flask-RESTX that say what stands in the document."""


def _is_documented(index: FunctionIndex, route: Route) -> bool:
    """That the document tells of the route: a page of YAML in the view's docstring, as Flasgger reads it, or a view of a library that makes
    the document of them."""
    resources = {one.name for one in index.facts.classes("flask_restx.Resource", "flask_restplus.Resource")}
    return any(
        ("---" in one.docstring and "responses" in one.docstring)
        or one.owner in resources
        or any(made.name.rpartition(".")[2] in _DESCRIBES for made in one.decorators)
        for one in index.of_view(route.view, route.span)
    )


def _kind(scheme: SecurityScheme | None) -> str:
    if scheme is None:
        return ""
    if scheme.kind in ("http bearer", "oauth2", "openIdConnect"):
        return "bearer"
    if scheme.kind in ("http basic", "basic"):
        return "basic"
    if scheme.kind == "http digest":
        return "digest"
    if scheme.kind == "apiKey":
        if scheme.where == "header" and scheme.parameter.lower() == "authorization":
            return "bearer"
        return "session" if scheme.where == "cookie" else f"api key in {scheme.where} {scheme.parameter.lower()}"
    return ""


def _checked(facts: SourceFacts, index: FunctionIndex, route: Route) -> set[str]:
    """The kinds of credential that the guards of a route, and the view itself, look at."""
    found: set[str] = set()
    names = {guard.name for access in route.access.values() for guard in access.guards if guard.stops is not False}
    for name in names:
        found.update(kind for pattern, kind in _GUARDS if pattern.match(name))
    own = [function.name for function in index.of_view(route.view, route.span)]
    functions = [
        function
        for function in index.by_name
        if any(function == name or function.startswith(f"{name}.") for name in (*names, *own))
    ]
    for function in index.calling(functions, 2):
        found |= _read_in(facts, function)
    return found


def _readings(facts: SourceFacts) -> dict[str, list[tuple[str, str]]]:
    """What each function reads of a request, where credentials are shown."""

    def by_function() -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for one in facts.readings("flask.request.headers", "flask.request.args", "flask.request.cookies"):
            found.setdefault(one.function, []).append((one.source, one.key))
        return found

    return facts.once("places of credentials that functions read", by_function)


def _read_in(facts: SourceFacts, function: str) -> set[str]:
    found: set[str] = set()
    for source, key in _readings(facts).get(function, ()):
        found |= _of_reading(source.rpartition(".")[2], key)
    for call in facts.calls_in(function):
        for part in walk(call, 4):
            if isinstance(part, Name) and part.dotted.startswith("flask.request.authorization"):
                found.add("basic")
            if isinstance(part, Name) and part.dotted.startswith("flask_jwt_extended.verify_jwt"):
                found.add("bearer")
            if (
                isinstance(part, Item)
                and isinstance(part.owner, Name)
                and part.owner.dotted == "flask.session"
                and isinstance(part.key, Constant)
            ):
                found.add("session")
        if call.callee.startswith("flask_jwt_extended.verify_"):
            found.add("bearer")
    if any(_asks_session(one) for one in facts.conditions_in(function)):
        found.add("session")
    return found


_WHO: Final = re.compile(
    r"(?i)^_?(?:user|uid|user_?(?:id|name)|account(?:_id)?|logged_?in|member(?:_id)?|customer(?:_id)?)$"
)


def _asks_session(asked: Condition) -> bool:
    """``if not session.get("uid"): abort(401)``"""
    return asked.refuses and any(
        isinstance(part, Item)
        and isinstance(part.owner, Name)
        and part.owner.dotted == "flask.session"
        and isinstance(part.key, Constant)
        and _WHO.match(str(part.key.value)) is not None
        for part in walk(asked.value, 4)
    )


def _of_reading(where: str, key: str) -> set[str]:
    if where == "headers" and key.lower() == "authorization":
        return {"bearer"}
    if _KEY_HEADER.search(key):
        place = {"headers": "header", "args": "query", "cookies": "cookie"}[where]
        return {f"api key in {place} {key.lower()}"}
    return set()


# -- in process ------------------------------------------------------------------------------------------------------------------


def probe(target: Target) -> Steps[Verdict]:
    """A credential of a kind that the document does not name for an operation must not open it."""
    if target.app.spec is None or not target.app.spec.schemes:
        return not_applicable("there is no OpenAPI document that names schemes")
    holders = [one for one in target.identities if one.headers]
    routes = [route for route in target.app.routes if route.spec_security and "GET" in route.methods][
        : _TRIES[target.depth]
    ]
    if not holders or not routes:
        return not_applicable("the scan has no credential, or the document protects no GET operation")
    tried = 0
    for route in routes:
        for identity in _others(target, route, holders)[:2]:
            baseline = yield from attempt(establish(target, route, "GET", identity))
            tried += baseline is not None
            if baseline is not None and baseline.kind == "protected":
                said = Evidence(
                    "spec", f"the document asks for {', '.join(route.spec_security or ())} at {baseline.ref}"
                )
                names = ", ".join(name for name, _ in identity.headers)
                return failed(
                    f"{baseline.ref} takes {names}, which the document does not name for it",
                    [baseline.ref],
                    [said, *controls(baseline)],
                )
    return (
        passed("what opens the operations is what the document names")
        if not tried or routes
        else unsure("nothing could be told")
    )


def _others(target: Target, route: Route, holders: list[Identity]) -> list[Identity]:
    """The people whose credential is of no kind that the document names for that route."""
    schemes = dict(target.app.spec.schemes) if target.app.spec is not None else dict[str, SecurityScheme]()
    wanted = {_kind(schemes.get(name)) for name in route.spec_security or ()} - {""}
    return [one for one in holders if wanted and not wanted & _shown(one)]


def _shown(identity: Identity) -> set[str]:
    found: set[str] = set()
    for name, value in identity.headers:
        lowered = name.lower()
        if lowered == "authorization":
            form = value.reveal().partition(" ")[0].lower()
            found.update((form,) if form in ("basic", "digest") else ("bearer",))
        elif lowered == "cookie":
            found.add("session")
        else:
            found.add(f"api key in header {lowered}")
    return found


RULE = Rule(
    slug="spec-security-mismatch",
    family="inventory",
    title="The spec names another authentication than the code checks",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(1059,),
    owasp="API2:2023",
    asvs=("V6.3.4",),
    surfaces=("source", "wsgi"),
    ends="`stopper serve` makes its document from the policies that it enforces.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
