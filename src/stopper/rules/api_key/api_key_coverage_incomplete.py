"""The door beside the locked one is open."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final, Literal

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.view_functions import index_of
from stopper.core.guards.asking_views import asks_somebody
from stopper.core.keys.api_key_names import is_key_name, reads_keys
from stopper.core.place import RouteRef
from stopper.core.probe import Skipped, Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import alike, is_door
from stopper.core.rule import Hit, Rule
from stopper.core.tokens.jwt_names import DECODING, OTHER_VERIFIERS

_KEY_GUARD: Final = re.compile(
    r"(?i)api_?key|(?:require|check|verify|valid|need)\w*_?key|key_?(?:required|auth|needed)|ApiKey|x_api"
)
_CHANGES: Final = ("POST", "PUT", "PATCH", "DELETE")
_MAY_BE_PUBLIC: Final = re.compile(
    r"(?i)webhook|/hooks?/|callback|public|forgot|reset|otp|verif|/(?:users?|accounts?|customers?|members?|contact|feedback|newsletter|sessions?|keys|api-keys|leaks?|leak-reports?|accept(?:ance)?|redeem|redemption|unsubscribe|activat(?:e|ion))/?$"
)
"""Where people register, log in, show a link that they were sent, write to us or give back a key that they found: open by design."""
_MANY: Final = 4
_API: Final = re.compile(r"(?:rest_?)?api|v\d+")
ROUTES: Final = {"quick": 4, "standard": 8, "deep": 20}


def detect(app: App) -> Iterator[Hit]:
    """An open method beside one that a key guards: on the same path, or a change in a family of guarded routes."""
    facts = source_of(app)
    readers = {one.function for one in facts.readings("flask.request.headers") if is_key_name(one.key)}
    readers -= _asking_for_tokens(facts)
    guarded = [
        (route, method) for route in app.routes for method in route.methods if _asks_key(app, route, method, readers)
    ]
    if not guarded:
        return
    paths = {route.path for route, _ in guarded}
    families = {_family(route) for route, _ in guarded}
    seen: set[tuple[str, str]] = set()
    index = index_of(facts)
    understood = frozenset(
        one.name for route, method in guarded if method in route.access for one in route.access[method].guards
    )
    for_all = _reads_are_for_all(app, guarded, paths)
    for route in app.routes:
        if is_door(route) or _MAY_BE_PUBLIC.search(route.path):
            continue
        for method in (one for one in route.methods if one not in ("HEAD", "OPTIONS") and _is_open(route, one)):
            beside = route.path in paths
            if not (beside or (method in _CHANGES and _family(route) in families)) or (route.path, method) in seen:
                continue
            if not asks_somebody(index, route, list(index.of_view(route.view, route.span, method)), understood):
                seen.add((route.path, method))
                message = f"{method} {route.path} asks for no key, and " + (
                    "another method there does" if beside else "its neighbours do"
                )
                reader: Literal["spec"] | None = None if route.span else "spec"
                if method == "GET" and for_all:
                    message = f"{message}: look whether everybody may read it"
                    yield Hit(
                        message, route.span, RouteRef(method, route.path), "possible", reader=reader, severity="low"
                    )
                else:
                    yield Hit(message, route.span, RouteRef(method, route.path), reader=reader)


def _reads_are_for_all(app: App, guarded: Sequence[tuple[Route, str]], paths: Collection[str]) -> bool:
    """That reading is open at many of the paths where a change needs a key, or beside them, and needs one itself at few: nobody forgot it
    so often."""
    stems = [stem for path in paths if len(stem := path.split("/")[1:3]) == 2 and _API.fullmatch(stem[0])]
    opened = sum(
        (route.path in paths or route.path.split("/")[1:3] in stems)
        and "GET" in route.methods
        and _is_open(route, "GET")
        for route in app.routes
    )
    changed = {route.path for route, method in guarded if method in _CHANGES}
    closed = sum(method == "GET" and route.path in changed and not _is_open(route, method) for route, method in guarded)
    return opened >= _MANY and opened > 2 * closed


def _asking_for_tokens(facts: SourceFacts) -> set[str]:
    """The functions that verify a token, or call one that does: a key is another way in there, and most callers have none."""
    names = {call.function for name in (*DECODING, *OTHER_VERIFIERS) for call in facts.calls(name) if call.function}
    return names | {call.function for name in names for call in facts.calls(name)}


def _asks_key(app: App, route: Route, method: str, readers: set[str]) -> bool:
    """That a key guards it, as a reader or the document says. *readers* are the functions that read one from a header."""
    if route.spec_security and app.spec is not None:
        schemes = [app.spec.schemes[name] for name in route.spec_security if name in app.spec.schemes]
        if any(one.kind.lower() == "apikey" and one.parameter.lower() != "authorization" for one in schemes):
            return True  # in that header stands a token: some libraries have no other way to say so
    access = route.access.get(method)
    if access is None or access.state != "guarded":
        return False
    for guard in access.guards:
        if _KEY_GUARD.search(guard.name.rpartition(".")[2]):
            return True
        if guard.name and any(reader.startswith(guard.name) for reader in readers):
            return True
    return bool(route.view) and route.view in readers


def _is_open(route: Route, method: str) -> bool:
    """That a reader found no guard; where only the document is known, that it says so of a method that changes something."""
    access = route.access.get(method)
    if access is None and route.readers == frozenset({"spec"}):
        return route.spec_security == () and method in _CHANGES
    return access is not None and access.state == "open" and not (route.spec_security and "source" not in route.readers)


def _family(route: Route) -> tuple[str, str]:
    """What routes that belong together share: the blueprint, and the path without its last parts."""
    parts = [part for part in route.path.split("/") if part]
    stem = [part for part in parts if not part.startswith("{")]
    return route.blueprint, "/".join(stem[:2] if len(stem) > 2 or (stem and _API.fullmatch(stem[0])) else stem[:1])


def _uses_keys(target: Target) -> bool:
    """That the code, the document or an identity speaks of an API key."""
    schemes = target.app.spec.schemes.values() if target.app.spec is not None else ()
    shown = [name for one in target.identities for name, _ in one.headers]
    return (
        reads_keys(source_of(target.app))
        or any(one.kind.lower() == "apikey" and one.parameter.lower() != "authorization" for one in schemes)
        or any(map(is_key_name, shown))
    )


def probe(target: Target) -> Steps[Verdict]:
    """Where one method of a path is closed, ask the other ones without a key."""
    if not _uses_keys(target):
        return not_applicable("nothing says that the application takes API keys")
    tried = 0
    paths: dict[str, list[tuple[Route, str]]] = {}
    for route in target.app.routes:
        methods = [one for one in route.methods if one not in ("HEAD", "OPTIONS") and not is_door(route)]
        paths.setdefault(route.path, []).extend((route, method) for method in methods)
    for path, pairs in paths.items():
        if len(pairs) < 2 or _MAY_BE_PUBLIC.search(path) or tried == ROUTES[target.depth]:
            continue
        tried += 1
        answers: list[tuple[str, Exchange]] = []
        try:
            for route, method in pairs:
                answers += [(method, (yield from send(target.request_for(route, method))))]
        except Skipped:
            continue
        closed = [(method, one) for method, one in answers if one.response.status == 401]
        opened = [(method, one) for method, one in answers if one.response.succeeded and not one.response.error]
        if (
            closed
            and opened
            and any(method in _CHANGES for method, _ in opened)
            and not alike(closed[0][1].response, opened[0][1].response)
        ):
            method, exchange = next(pair for pair in opened if pair[0] in _CHANGES)
            evidence = [
                Evidence("exchange", f"control: {closed[0][0]} is closed without a key", closed[0][1]),
                Evidence("exchange", f"{method} on the same path is open", exchange),
            ]
            return failed(
                f"{method} {path} is open beside a closed {closed[0][0]}",
                [RouteRef(method, path)],
                evidence,
            )
    if not tried:
        return not_applicable("no path has more than one method")
    return passed(f"{tried} paths are closed on every method, or open on none that changes something")


RULE = Rule(
    slug="api-key-coverage-incomplete",
    family="api-key",
    title="API key demanded on some methods or routes only",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(306,),
    owasp="API2:2023",
    asvs=("V6.3.4",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="With `Stopper(app)` every route is closed until a policy such as `@api_key` says who may pass.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
