"""Kinds of things whose routes do not stand beside each other: ``/orgs/{slug}/projects`` makes what ``/projects/{id}/archive`` changes, and
``/api/addCard`` what ``/api/removeCard`` takes away. What they have in common is the noun."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from stopper.core.app import Route
from stopper.core.exchange import Request
from stopper.core.finding import Verdict
from stopper.core.login_names import PASSWORD
from stopper.core.naming import as_parameter
from stopper.core.owner_names import ADMIN_PATH, PERSON
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target
from stopper.core.probing.accounts.registration import registers
from stopper.core.probing.baseline import attempt, is_door
from stopper.core.probing.inputs import members
from stopper.core.probing.things import foreign
from stopper.core.probing.things.as_it_stands import sent_back
from stopper.core.probing.things.entries_sent_back import entry_sent_back
from stopper.core.probing.things.id_elsewhere import ELSEWHERE
from stopper.core.probing.things.kinds import Kind, route_at
from stopper.core.probing.things.known import ACCOUNTS, READS, Known, words_of
from stopper.core.probing.things.nouns import alike, names_an_id, noun_of, nouns_before, nouns_of_name

KINDS_MOST: Final = 5
_MAKES: Final = frozenset({"add", "create", "new", "make", "place", "book", "open", "register", "upload"})
_CHANGES: Final = ("POST", "PUT", "PATCH")


@dataclass(frozen=True, slots=True)
class Found:
    """A kind of things with a target that knows its routes, whose other ids are filled with what is Alice's."""

    target: Target
    kind: Kind
    as_named: Mapping[str, Route]
    """The routes as the API names them, by the path that they have here."""

    def told(self, verdict: Verdict) -> Verdict:
        """*verdict* about the routes as the API names them."""
        message = verdict.message
        routes: list[RouteRef] = []
        for one in verdict.routes:
            route = self.as_named.get(one.path)
            method = one.method if route is None or one.method in route.methods else "POST"
            ref = RouteRef(method, route.path if route is not None else one.path)
            message = message.replace(str(one), str(ref))
            routes.append(ref)
        return replace(verdict, message=message, routes=tuple(routes))


def asked(target: Target, hers: list[Known], alice: Identity, bob: Identity, settled: set[str]) -> Steps[list[Verdict]]:
    """The verdicts on what changes things of such kinds; what is *settled* by its method and path is not asked again."""
    found: list[Verdict] = []
    for one in list(kinds_by_noun(target, hers, settled))[: KINDS_MOST if target.mode == "active" else 0]:
        verdicts = (yield from attempt(foreign.asked(one.target, one.kind, alice, bob))) or []
        found += [one.told(each) for each in verdicts]
    return found


def as_it_stands(
    target: Target, hers: list[Known], alice: Identity, bob: Identity, settled: set[str]
) -> Steps[list[Verdict]]:
    """The verdicts on changes of what was there and nothing makes: Bob sends to it what Alice reads of it, so that nothing is changed."""
    found: list[Verdict] = []
    for route in target.app.routes if target.mode == "active" else ():
        method = next((one for one in ("PATCH", "PUT") if one in route.methods), "")
        if not method or f"{method} {route.path}" in settled or is_door(route) or ADMIN_PATH.search(route.path):
            continue
        if len(route.parameters) != 1 or route.path.count("{") != 1 or PASSWORD.search(route.path):
            continue
        name, kind = route.parameters[0]
        whole = route_at(target, re.sub(r"\}.*", "}", route.path), "GET")
        nouns = nouns_before(route.path, name)
        own = [
            one
            for one in hers
            if one.of_itself and alike(one.nouns, nouns) and ("int" not in kind or one.text.isdigit())
        ]
        if not own or nouns & ACCOUNTS or len(found) == KINDS_MOST:
            continue
        if whole is None:
            verdict = yield from attempt(entry_sent_back(target, route, method, own[0], alice, bob))
        else:
            thing = whole if whole.path != route.path else None
            verdict = yield from attempt(sent_back(target, route, method, own[0].text, alice, bob, thing))
        found += [verdict] if verdict is not None else []
    return found


def kinds_by_noun(target: Target, hers: list[Known], settled: set[str]) -> Iterator[Found]:
    """Each kind of which something is made, and of which a change is not settled."""
    seen: list[frozenset[str]] = []
    for route in target.app.routes:
        for nouns, _ in _ids_of(target, route):
            if nouns and nouns not in seen and not any(map(PERSON.search, nouns)):
                seen.append(nouns)
                one = _kind_of(target, nouns, hers, settled)
                if one is not None:
                    yield one


def _ids_of(target: Target, route: Route) -> Iterator[tuple[frozenset[str], Route]]:
    """The kinds of things of which a route takes an id, each with the route as one that takes this id alone."""
    if is_door(route) or registers(route) or ADMIN_PATH.search(route.path):
        return
    if route.parameters and route.path.count("{") == len(route.parameters):
        last = route.parameters[-1]
        yield nouns_before(route.path, last[0]), replace(route, parameters=(last,))
    for method in _CHANGES if not route.parameters else ():
        names = members(target.request_for(route, method)) if method in route.methods else {}
        for name in [one for one in names if names_an_id(one)][:2]:
            nouns = nouns_of_name(name) or noun_of(route.path)
            yield nouns, replace(route, methods=(method,), parameters=((name, "body"),))


def _kind_of(target: Target, nouns: frozenset[str], hers: list[Known], settled: set[str]) -> Found | None:
    named: dict[str, Route] = {}
    taking = [
        (_unsettled(one, settled), route)
        for route in target.app.routes
        for its, one in _ids_of(target, route)
        if alike(its, nouns) and not _makes(route, nouns)
    ]
    if not any(set(one.methods) - {"GET"} for one, _ in taking):
        return None
    create = next((one for one in target.app.routes if _makes(one, nouns)), None)
    made = _filled(create, hers, named) if create is not None else None
    if made is None:
        return None
    listed = next(filter(None, (_filled(one, hers, named) for one in _lists(target, nouns))), None)
    its: list[Route] = []
    for one, route in taking:
        here = _filled(one, hers, named, _open(one))
        if here is not None and here.path not in (made.path, listed.path if listed is not None else ""):
            its.append(_as_reading(here, route))
    if not its:
        return None
    as_read = replace(listed, methods=("GET",)) if listed is not None else None
    known = replace(target, request_for=_asking(target, named))
    base = (listed or made).path.rstrip("/")
    return Found(known, Kind(base, as_read, made, tuple(its)), named)


def _unsettled(route: Route, settled: set[str]) -> Route:
    """The route with what reads, and with the changes that are not settled."""
    left = tuple(one for one in route.methods if one == "GET" or f"{one} {route.path}" not in settled)
    return replace(route, methods=left)


def _makes(route: Route, nouns: frozenset[str]) -> bool:
    """Whether a POST makes such a thing: at ``/projects/{id}/tasks``, ``/tasks`` or ``/addTask``."""
    if "POST" not in route.methods or route.path.rstrip("/").endswith("}") or is_door(route) or registers(route):
        return False
    last = route.path.rstrip("/").rpartition("/")[2]
    words = words_of(route)
    if not alike(noun_of(f"/{last}"), nouns) or words & READS:
        return False
    return bool(words & _MAKES) or (as_parameter(last).endswith("s") and len(words) == 1)


def makers(target: Target, nouns: frozenset[str]) -> list[Route]:
    """What makes such things without an id in its path."""
    return [one for one in target.app.routes if not one.parameters and _makes(one, nouns)]


def _lists(target: Target, nouns: frozenset[str]) -> Iterator[Route]:
    """What shows such things: by GET, and by POST where the path says that it lists them."""
    for route in target.app.routes:
        if route.path.rstrip("/").endswith("}") or is_door(route) or ADMIN_PATH.search(route.path):
            continue
        words = words_of(route)
        last = route.path.partition("?")[0].rpartition("}")[2]
        if alike(noun_of(last), nouns) and "all" not in words:
            by_get = "GET" in route.methods and not words & {"search", "export"}
            if by_get or ("POST" in route.methods and "list" in words):
                yield route


def _as_reading(here: Route, route: Route) -> Route:
    """A POST that reads one thing by its path (``/getOrder``) as what reads it."""
    reads = "POST" in here.methods and "GET" not in route.methods and bool(words_of(route) & READS)
    return replace(here, methods=("GET",)) if reads and here.parameters and here.parameters[0][1] == "body" else here


def _open(route: Route) -> str:
    """The parameter of the path that stays open."""
    name, where = route.parameters[-1]
    return "" if where in ELSEWHERE else name


def _filled(route: Route, hers: list[Known], named: dict[str, Route], keep: str = "") -> Route | None:
    """*route* with what is Alice's in the place of each id of its path but the one called *keep*; None where she has none."""
    parts = route.path.split("/")
    for at, part in enumerate(parts):
        name = part.strip("{}")
        if not part.startswith("{") or name == keep:
            continue
        nouns = nouns_before(route.path, name)
        one = next((each for each in hers if each.of_itself and alike(each.nouns, nouns)), None)
        if one is None:
            return None
        parts[at] = quote(one.text, safe="")
    path = "/".join(parts)
    named[path] = route
    return replace(
        route, path=path, parameters=tuple(pair for pair in route.parameters if pair[0] == keep or pair[1] in ELSEWHERE)
    )


def _asking(target: Target, named: Mapping[str, Route]) -> Callable[[Route, str], Request]:
    """Honest requests of routes whose ids are filled; what is read by POST is asked so."""

    def request_for(route: Route, method: str) -> Request:
        original = named.get(route.path)
        if original is None:
            return target.request_for(route, method)
        honest = target.request_for(original, method if method in original.methods else "POST")
        address, mark, query = honest.target.partition("?")
        sent, said = address.split("/"), route.path.split("/")
        first = len(sent) - len(said)
        filled = [part if "{" not in part else sent[first + at] for at, part in enumerate(said)]
        return replace(honest, target="/".join([*sent[:first], *filled]) + mark + query)

    return request_for
