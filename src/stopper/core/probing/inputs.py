"""The single inputs of an API that take text: a query parameter, a part of a path, a member of a JSON body."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, cast
from urllib.parse import parse_qsl, quote, urlencode

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.login_names import PASSWORD, SUBJECT
from stopper.core.place import RouteRef
from stopper.core.probe import LITTLE, Skipped, Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.accounts.login import FORM
from stopper.core.probing.baseline import answered, attempt, candidates, every, is_door
from stopper.core.probing.likely_inputs import TELLING
from stopper.core.probing.query import WANTING, query_names, with_query, with_the_rest
from stopper.core.probing.shared import found_once

MOST: Final = {"quick": 8, "standard": 20, "deep": 60}
"""Inputs that one probe varies, by the scan's depth."""
OF_MANY: Final = {"quick": 8, "standard": 28, "deep": 60}
"""The same where more than ``MOST`` routes read something: the first of each comes before a second of any."""
READING: Final = {"quick": 12, "standard": 40, "deep": 100}
"""Route-methods that are asked what they answer because something says that they read an input."""
WITH_GUESSES: Final = {"quick": 8, "standard": 14, "deep": 60}
"""The same with names that are guesses."""
SHOWN: Final = 4
"""Places of one weakness whose exchanges are kept as evidence; the others are named."""
GRAPHQL: Final = re.compile(r"(?i)(^|/)(graphql|graphiql|gql)/?$")
"""Routes whose query is a language of its own: only its variables are texts."""

USUAL: Final = ("q", "id", "name")
"""What a route may read of whose query no reader knows anything."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input of one route-method: ``request`` is the honest one, ``honest`` its answer."""

    route: Route
    request: Request
    name: str
    place: Literal["query", "path", "body", "header"]
    honest: Exchange

    @property
    def ref(self) -> RouteRef:
        """The route-method that reads it."""
        return RouteRef(self.request.method, self.route.path)

    def given(self, value: object) -> Request:
        """The honest request with this input set to *value*, everything else as it was."""
        if self.place == "query":
            return with_query(self.request, self.name, str(value))
        if self.place == "path":
            return replace(self.request, target=_in_path(self.route, self.request.target, self.name, str(value)))
        if self.place == "header":
            word, space, _ = (self.request.header(self.name) or "").rpartition(" ")
            others = tuple(pair for pair in self.request.headers if pair[0].lower() != self.name.lower())
            return replace(self.request, headers=(*others, (self.name, f"{word}{space}{value}")))
        if FORM in (self.request.header("Content-Type") or ""):
            known = dict(parse_qsl(self.request.body.decode("utf-8", "replace"), keep_blank_values=True))
            return replace(self.request, body=urlencode({**known, self.name: str(value)}).encode())
        body = members(self.request)
        return replace(self.request, body=json.dumps(_set(body, self.name.split("."), value)).encode())


def _set(members: dict[str, object], path: Sequence[str], value: object) -> dict[str, object]:
    """*members* with the one at *path* set; where no such path is, the name is taken as it stands."""
    inner = members.get(path[0])
    if len(path) > 1 and isinstance(inner, dict):
        return {**members, path[0]: _set(cast("dict[str, object]", inner), path[1:], value)}
    return {**members, ".".join(path): value}


def members(request: Request) -> dict[str, object]:
    """The members of the request's JSON body; none where it has no object."""
    try:
        found: object = json.loads(request.body)
    except ValueError:
        return {}
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def inputs(
    target: Target,
    methods: Sequence[str] = ("GET", "POST", "PUT", "PATCH"),
    usual: Sequence[str] = USUAL,
    likely: re.Pattern[str] | None = None,
) -> Steps[list[Input]]:
    """The inputs of the routes that answer; bounded by the depth, and found once a scan. Inputs that are known to be
    read come before names that are guesses, and every route's first comes before any route's second; of these, *likely* ones by path or name
    come first where there are more than are varied."""
    key = f"inputs {' '.join(methods)} {' '.join(usual)}"
    known, guesses = yield from found_once(target, key, lambda: _inputs(target, methods, usual))
    most = OF_MANY if len({one.ref for one in known}) > MOST[target.depth] else MOST
    if likely is not None and (LITTLE in target.notes or len(known) > most[target.depth]):
        hint = likely
        known = sorted(known, key=lambda one: not (hint.search(one.route.path) or hint.search(one.name)))
    known = known[: most[target.depth]]
    room = WITH_GUESSES[target.depth] - len(known)
    return [*known, *guesses[: max(0, room)]]


def _inputs(target: Target, methods: Sequence[str], usual: Sequence[str]) -> Steps[tuple[list[Input], list[Input]]]:
    """Those of which something says that they are read, and the guesses."""
    found: list[tuple[tuple[bool, bool, int], Input]] = []
    reading = [pair for pair in every(target, methods) if _says_what_it_reads(target, *pair)]
    if LITTLE in target.notes:  # doors first, and what asks for a text in an address; what is left is varied with
        reading = sorted(reading, key=lambda pair: not _likeliest(*pair))
        reading = _firsts(reading, READING["quick"] + READING["quick"] // 2, lambda pair: not _likeliest(*pair))
    reading = _firsts(reading, READING[target.depth])
    for number, (route, method) in enumerate([*reading, *_the_others(target, methods, reading)]):
        if number >= len(reading) and (
            len(found) >= WITH_GUESSES[target.depth] or (LITTLE in target.notes and reading)
        ):
            break  # nothing says that the others read anything, and there is enough to vary
        asked = target.request_for(route, method)
        honest = yield from attempt(answered(target, asked))
        if honest is not None and method == "GET" and honest.response.status in WANTING and len(route.names) > 1:
            whole = with_the_rest(asked, route.names)  # a view that wants all of its parameters judges none alone
            better = (yield from attempt(answered(target, whole))) if whole != asked else None
            if better is not None and better.response.status not in WANTING:
                asked, honest = whole, better
        if honest is None or not _tells(route, asked, honest):
            continue
        once = yield from _is_taken_once(target, asked, honest)
        route = yield from _as_it_is_read(route, honest)
        for place, one in enumerate(_of(route, _as_asked(target, asked, honest), honest, usual)):
            last = one.name.rpartition(".")[2]
            if once and not SUBJECT.search(last):
                continue  # what is there already is turned away, whatever else it says
            if _makes_accounts(asked) and PASSWORD.search(last):
                continue  # nobody keeps it as it came, and each costs a hash
            guess = _is_guess(one)  # and of all guesses, what a door reads from its query is the least likely
            decides = asked.effect == "login" and SUBJECT.search(last) is not None  # who somebody is, which weighs most
            found.append(((guess, guess and is_door(route), -1 if decides else place), one))
    ordered = sorted(found, key=lambda pair: pair[0])
    guesses = [one for order, one in ordered if order[0]] if LITTLE not in target.notes or not reading else []
    return [one for order, one in ordered if not order[0]], guesses


def _firsts(
    reading: Sequence[tuple[Route, str]], most: int, late: Callable[[tuple[Route, str]], bool] = lambda _: False
) -> list[tuple[Route, str]]:
    """At most so many of them, those that come *late* last. Where there are more, one of each path that reads the same by several methods comes
    before the others (one view as a rule), one of each folder before a second of any, and what the path says of doing something with a text
    before what says nothing."""
    if len(reading) <= most:
        return list(reading)
    seen: dict[object, int] = {}
    order: list[tuple[tuple[bool, bool, int, bool, int], tuple[Route, str]]] = []
    for number, (route, method) in enumerate(reading):
        again = _count(seen, (route.path, tuple(sorted((*route.names, *route.body_names)))))
        folder = route.path.rstrip("/").rpartition("/")[0]
        turn = 0 if again else _count(seen, folder)
        pair = (route, method)
        order.append(((again > 0, late(pair), turn, not TELLING.search(route.path), number), pair))
    return [pair for _, pair in sorted(order, key=lambda one: one[0])[:most]]


def _count(seen: dict[object, int], key: object) -> int:
    """How often *key* was counted before."""
    seen[key] = seen.get(key, -1) + 1
    return seen[key]


def _likeliest(route: Route, method: str) -> bool:
    """Whether what a route reads goes into a query as a rule: a log-in, what is searched by, and a word in a path."""
    texts = any(kind in ("string", "any", "path") for _, kind in route.parameters)
    return (
        is_door(route) or _LOOKS_UP.search(route.path) is not None or (method == "GET" and (bool(route.names) or texts))
    )


_LOOKS_UP: Final = re.compile(r"(?i)forgot|recover|reset|search|find|look-?up|filter|quer(y|ies)")
"""Where somebody or something is looked up by what a body says."""


def _the_others(
    target: Target, methods: Sequence[str], known: Sequence[tuple[Route, str]]
) -> Iterator[tuple[Route, str]]:
    seen = {(id(route), method) for route, method in known}
    yield from (pair for pair in candidates(target, methods) if (id(pair[0]), pair[1]) not in seen)


def _says_what_it_reads(target: Target, route: Route, method: str) -> bool:
    """Whether the path, a reader or the honest request names an input of the route."""
    if any("{" + name + "}" in route.path for name, _ in route.parameters):
        return True
    asked = target.request_for(route, method)
    return bool(query_names(asked) or route.names) if method == "GET" else bool(members(asked))


def _as_it_is_read(route: Route, honest: Exchange) -> Steps[Route]:
    """*route* with a parameter that a document calls a number as a text, where the server reads a text there: one request asks."""
    numbers = [name for name, kind in route.parameters if kind in ("int", "float") and "{" + name + "}" in route.path]
    if not numbers or not route.readers <= {"spec", "wire"}:
        return route
    other = _in_path(route, honest.request.target, numbers[-1], "stopper'")
    answer = yield from attempt(send(replace(honest.request, target=other)))
    if answer is None or answer.response.error or answer.response.status in (400, 404, 405, 422, 429):
        return route
    kinds = tuple((name, "string" if name == numbers[-1] else kind) for name, kind in route.parameters)
    return replace(route, parameters=kinds)


def _makes_accounts(asked: Request) -> bool:
    """Whether the body has a name and a password, and is no log-in."""
    names = [name.rpartition(".")[2] for name in members(asked)]
    both = any(map(PASSWORD.search, names)) and any(map(SUBJECT.search, names))
    return both and asked.method == "POST" and asked.effect != "login"


def _is_taken_once(target: Target, asked: Request, honest: Exchange) -> Steps[bool]:
    """Whether the route makes an account and turns away a second one of the same name."""
    if asked.method != "POST" or not any(PASSWORD.search(name) for name in members(asked)):
        return False
    if not honest.response.succeeded or asked.effect == "login":
        return honest.response.status == 409
    again = yield from attempt(answered(target, asked))
    return again is not None and again.response.status in (400, 409, 422)


def judged(
    target: Target,
    tried: Callable[[Target, Input], Steps[list[Evidence]]],
    wrong: Callable[[Input], str],
    right: str,
    more: Sequence[Input] = (),
    likely: re.Pattern[str] | None = None,
    cheap: Callable[[Target, Input], Steps[list[Evidence]]] | None = None,
) -> Steps[Verdict]:
    """Try *more* and every input, *likely* ones first; each route that *tried* brings evidence of is a place. *wrong* says of an input what it
    does, *right* what all others do. What a rule brings along weighs most, and a budget may run out: where it is little, what is *cheap* and tells most is tried with each input before
    all the rest with any."""
    found = [*more, *(yield from inputs(target, likely=likely))]
    if not found:
        return not_applicable("no input that takes text is in reach")
    places: dict[RouteRef, str] = {}
    evidence: list[Evidence] = []
    passes = (tried,) if cheap is None or LITTLE not in target.notes else (cheap, tried)
    for way, one in ((way, one) for way in passes for one in found):
        if one.ref in places:
            continue
        try:
            seen = yield from attempt(way(target, one))
        except Skipped:
            if not places:
                raise
            break  # the budget is used up: what was proven until then stays proven
        if seen:
            places[one.ref] = f"{one.ref} {wrong(one)}"
            evidence.extend(seen if len(places) <= SHOWN else ())
    if not places:
        return passed(f"{len(found)} {right}")
    return failed(next(iter(places.values())), list(places), evidence)


def _is_guess(one: Input) -> bool:
    """That nothing says the route reads it: a usual name in the query."""
    return one.place == "query" and one.name not in (*query_names(one.request), *one.route.names)


def _tells(route: Route, asked: Request, honest: Exchange) -> bool:
    """That the answer is the view's own; where a sample is not found, another text may still tell."""
    status = honest.response.status
    if honest.response.error or status in (401, 403, 405, 429):
        return False
    return status != 404 or bool(route.parameters or route.names or query_names(honest.request) or members(asked))


def _as_asked(target: Target, asked: Request, honest: Exchange) -> Request:
    """*asked* as the one who was answered. What was sent may be a form by then, and the members of a body are read from its JSON."""
    who = next((one for one in target.identities if one.name == honest.request.identity), None)
    return asked if who is None else who.on(asked)


def _of(route: Route, request: Request, honest: Exchange, usual: Sequence[str]) -> Iterator[Input]:
    for name, kind in route.parameters:
        if kind in ("string", "any", "path") and "{" + name + "}" in route.path:
            yield Input(route, request, name, "path", honest)
    if request.method == "GET":
        known = dict.fromkeys((*query_names(request), *route.names))
        if GRAPHQL.search(route.path):
            known.pop("query", None)
        for name in known or (() if route.parameters or route.reads_no_query else tuple(usual)):
            yield Input(route, request, name, "query", honest)
        return
    names = list(_texts(members(request)))
    if GRAPHQL.search(route.path):
        names = [name for name in names if name != "query"]
    for name in _beside_the_account(names) if request.method in ("PUT", "PATCH") else names:
        yield Input(route, request, name, "body", honest)


def _beside_the_account(names: Sequence[str]) -> list[str]:
    """Without password and name of a person's own account: a probe that changes them shuts that person out of the scan."""
    if not any(PASSWORD.search(name.rpartition(".")[2]) for name in names):
        return list(names)
    return [name for name in names if not any(kind.search(name.rpartition(".")[2]) for kind in (PASSWORD, SUBJECT))]


def _texts(members: dict[str, object], depth: int = 3) -> Iterator[str]:
    """The members that hold a text or a number; those of an inner object by their path."""
    for name, value in members.items():
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            yield name
        elif isinstance(value, dict) and depth > 1 and "." not in name:
            yield from (f"{name}.{inner}" for inner in _texts(cast("dict[str, object]", value), depth - 1))


def _in_path(route: Route, target: str, name: str, value: str) -> str:
    path, mark, query = target.partition("?")
    said, sent = route.path.split("/"), path.split("/")
    offset = len(sent) - len(said)
    for number, part in enumerate(said):
        if "{" + name + "}" in part and 0 <= number + offset < len(sent):
            sent[number + offset] = part.replace("{" + name + "}", quote(value, safe=""))
    return "/".join(sent) + mark + query
