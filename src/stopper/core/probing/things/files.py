"""Files of somebody: what one person uploads is downloaded or deleted by another, by its id or its name."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urljoin, urlsplit

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.keys.random_words import random_mark
from stopper.core.naming import as_parameter
from stopper.core.owner_names import WHOSE_ID
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, own, passed, send, undo
from stopper.core.probing.accounts.own_values import own_numbers
from stopper.core.probing.accounts.told_by_pages import told_by_pages
from stopper.core.probing.baseline import attempt, is_door
from stopper.core.probing.ids_in_paths import templated
from stopper.core.probing.page_forms import hrefs
from stopper.core.probing.query import query_names, with_query
from stopper.core.probing.things.kinds import at_number, entry_with, new_id, route_at
from stopper.core.probing.things.objects import ids
from stopper.core.probing.uploads import Taker, takers

TAKERS_MOST: Final = 2
WAYS_MOST: Final = 6
"""Addresses at which a file is looked for."""
LISTS_MOST: Final = 4
"""Lists and pages of somebody that may name what was uploaded."""
_KINDS: Final = (("txt", "text/plain", b""), ("pdf", "application/pdf", b"%PDF-1.4\n"), ("png", "image/png", b"\x89PNG\r\n\x1a\n"))  # fmt: skip
"""Files that are taken: plain text, and the beginnings of those that alone are taken where somebody looks at them."""
_FILES: Final = re.compile(
    r"(?i)(^|[/_-])(files?|documents?|docs?|downloads?|attachments?|uploads?|images?|photos?|pictures?|media|reports?|records?|scans?|submissions?|receipts?|contracts?|cvs?|resumes?)([/_-]|$)"
)
"""Words of paths under which files are kept."""
_NAMED: Final = re.compile(r"(?i)(file|doc|document|attachment|upload)?_?(name|path|file)|file|key")
"""Parameters that are the name of a file."""
_AWAY: Final = re.compile(r"(?i)log-?out|sign-?out|delete|remove|destroy|cancel|revoke|unsubscribe")
_DELETES: Final = re.compile(r"(?i)(^|[/_-])(delete|remove|destroy)([/_-]|$)")
_PERSON: Final = re.compile(r"(user|profile|account|member|customer)(_id)?")
_READ: Final = (("Accept", "*/*"),)


_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class _File:
    """What Alice has uploaded: the text in it, its name, and the exchange that made it."""

    text: bytes
    name: str
    made: Exchange


def asked(target: Target, alice: Identity, bob: Identity) -> Steps[list[Verdict]]:
    """The verdicts on the files that Alice uploads at the routes that take one; mode active only."""
    found: list[Verdict] = []
    for taker in list(takers(target))[:TAKERS_MOST] if target.mode == "active" else ():
        found += (yield from attempt(_at(target, taker, alice, bob))) or []
    return found


def _at(target: Target, taker: Taker, alice: Identity, bob: Identity) -> Steps[list[Verdict]]:
    """A file of each kind until one is taken and found again by her who uploaded it."""
    lists = yield from _shown(target, alice)
    known = {link for page in lists for link in _links(page)}
    for ending, kind, head in _KINDS:
        stem = f"{target.canary}{random_mark(3)}"
        text, name = f"{stem}c".encode(), f"{stem}n.{ending}"
        made = yield from send(alice.on(taker.given(target, head + text, name, kind)))
        if made.response.refused:
            return []
        if made.response.status >= 400:
            continue
        file = _File(text, name, made)
        now: list[Exchange] = []
        for one in lists:
            page = yield from attempt(send(one.request))
            now += [page] if page is not None else []
        for request in list(_ways(target, file, now, known))[:WAYS_MOST]:
            seen = yield from attempt(send(alice.on(request)))
            if seen is None or not seen.response.succeeded or text not in seen.response.body:
                continue
            told = yield from _judged(target, file, now, seen, alice, bob)
            if told:
                return told  # else everybody reads it there: it may be kept from others where it is asked for by its id
    return []


def _shown(target: Target, who: Identity) -> Steps[list[Exchange]]:
    """The lists and pages of a person that may name files, those first that say so by their path."""
    routes = [one for one in target.app.routes if "GET" in one.methods and not one.parameters and not is_door(one)]
    found: list[Exchange] = []
    for route in sorted(routes, key=lambda one: not _FILES.search(one.path)):
        if len(found) == LISTS_MOST:
            break
        seen = yield from attempt(send(who.on(target.request_for(route, "GET"))))
        if seen is not None and seen.response.succeeded:
            found.append(seen)
    number = yield from _number_of(target, who)
    for route in [one for one in target.app.routes if _is_of_somebody(one)][:LISTS_MOST] if number else ():
        seen = yield from attempt(send(who.on(at_number(target, route, number))))
        if seen is not None and seen.response.succeeded:
            found.append(seen)
    return found


def _is_of_somebody(route: Route) -> bool:
    """``/files/{user_id}``: the files of the person whose number stands in the path."""
    said = [as_parameter(name) for name, _ in route.parameters]
    return (
        "GET" in route.methods
        and len(said) == 1
        and WHOSE_ID.fullmatch(said[0]) is not None
        and bool(_FILES.search(route.path.partition("{")[0]))
    )


def _number_of(target: Target, who: Identity) -> Steps[str]:
    """The one number by which the pages of a person call that person; empty where there are several."""
    told = yield from told_by_pages(target, who)
    numbers = {value for name, value in told.items() if _PERSON.fullmatch(name) and value.isdigit()}
    if not numbers:
        claimed = yield from own_numbers(target, who, "user_id")
        numbers = {one for one in claimed.values() if one.isdigit()}
    return next(iter(numbers)) if len(numbers) == 1 else ""


def _links(page: Exchange) -> Iterator[str]:
    """The addresses on this host to which an answer leads, in its links and in the texts of its JSON."""
    whole = page.response.json()
    said = hrefs(page.response.text) if whole is None else [one for one in _texts(whole) if "/" in one]
    for one in said:
        try:
            where = urlsplit(urljoin(page.request.target, one))
        except ValueError:
            continue
        if not where.netloc or where.netloc == dict(page.request.headers).get("Host"):
            yield f"{where.path}?{where.query}" if where.query else where.path


def _texts(value: object, depth: int = 5) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping) and depth:
        for one in cast("Mapping[str, object]", value).values():
            yield from _texts(one, depth - 1)
    elif isinstance(value, list) and depth:
        for one in cast("list[object]", value)[-50:]:
            yield from _texts(one, depth - 1)


def _ways(target: Target, file: _File, lists: list[Exchange], known: set[str]) -> Iterator[Request]:
    """Where the file may be read: by new links of her pages and of the answer, by its id, and by its name; each address once."""
    asked = set[str]()
    for request in _every_way(target, file, lists, known):
        if request.target not in asked and not _AWAY.search(request.target):
            asked.add(request.target)
            yield request


def _every_way(target: Target, file: _File, lists: list[Exchange], known: set[str]) -> Iterator[Request]:
    fresh = [one for page in (file.made, *lists) for one in _links(page) if one not in known]
    yield from (
        Request("GET", one, _READ)
        for one in sorted(fresh, key=lambda one: not (file.name in one or _FILES.search(one)))
    )
    entries = [entry for page in lists if (entry := entry_with(page, iter([file.name]))) is not None]
    names = [file.name, *(one.rpartition("/")[2] for one in _texts(file.made.response.json()) if file.name in one)]
    for route, name in _doors(target):
        number = new_id(file.made, name) or next((one for entry in entries for one in ids(entry, name)), None)
        for one in dict.fromkeys(names) if _NAMED.fullmatch(name) else [number] if number is not None else []:
            yield (
                at_number(target, route, one)
                if route.parameters
                else with_query(target.request_for(route, "GET"), name, one)
            )


def _doors(target: Target) -> Iterator[tuple[Route, str]]:
    """The routes that read one file, each with what names it in the path or the query."""
    for route in target.app.routes:
        if "GET" in route.methods and _FILES.search(re.sub(r"\{[^{}]*\}", "", route.path)) and not is_door(route):
            if len(route.parameters) == 1:
                yield route, route.parameters[0][0]
            elif not route.parameters:
                queried = dict.fromkeys((*query_names(target.request_for(route, "GET")), *route.names))
                yield from ((route, name) for name in queried if _NAMED.fullmatch(name) or re.search(r"(?i)id$", name))


def _judged(
    target: Target, file: _File, lists: list[Exchange], own_view: Exchange, alice: Identity, bob: Identity
) -> Steps[list[Verdict]]:
    """Bob asks for the file under the same address; nothing is told of what nobody is refused, or what his own lists name too."""
    path = own_view.request.target.partition("?")[0]
    route = _route_of(target, path)
    ref = RouteRef("GET", route.path if route is not None else templated(path)[0])
    yield from own(path, file.made.request)
    ends = route_at(target, route.path, "DELETE") if route is not None else None
    if ends is not None:
        yield from undo(alice.on(Request("DELETE", path, _READ, effect="write")))
    read = Request("GET", own_view.request.target, _READ)
    plain = [one for one in target.app.routes if not one.parameters]
    anonymous = yield from send(read)
    if file.text in anonymous.response.body or not _is_whole(anonymous):
        return []
    for page in [one for one in lists if _route_of(target, one.request.target.partition("?")[0]) in plain]:
        his = yield from attempt(send(bob.on(Request("GET", page.request.target, page.request.headers))))
        if his is not None and file.name in his.response.text:
            return []
    foreign = yield from send(bob.on(read))
    if file.text not in foreign.response.body:
        return [passed(f"{ref} does not give bob a file of alice's")]
    evidence = (
        Evidence("exchange", "alice uploads a file with a text of our own in it", file.made),
        Evidence("exchange", "control: without a credential it is not given out", anonymous),
        Evidence("exchange", "control: alice reads her file", own_view),
        Evidence("exchange", "bob asks for it, and reads the text", foreign),
    )
    told = [failed(f"{ref} gives one user the file of another who knows its id", (ref,), evidence)]
    posted = [one for one in target.app.routes if _ends(one)][:1] if ends is None else []
    if ends is not None:
        told += yield from _deleted(ends, Request("DELETE", path, _READ, effect="write"), file, own_view, bob)
    for one in posted if (number := path.rpartition("/")[2]).isdigit() else ():
        request = at_number(target, one, number, "POST")
        yield from own(request.target.partition("?")[0], file.made.request)
        told += yield from _deleted(one, request, file, own_view, bob)
    return told


def _ends(route: Route) -> bool:
    """``POST /delete-file/{file_id}``: what a form takes a file away with."""
    said = re.sub(r"\{[^{}]*\}", "", route.path)
    return (
        "POST" in route.methods and len(route.parameters) == 1 and bool(_FILES.search(said) and _DELETES.search(said))
    )


def _deleted(route: Route, request: Request, file: _File, own_view: Exchange, bob: Identity) -> Steps[list[Verdict]]:
    """Bob deletes it, and it is gone."""
    anonymous = yield from send(request)
    kept = yield from send(own_view.request)
    if anonymous.response.succeeded or file.text not in kept.response.body:
        return []
    tried = yield from send(bob.on(request))
    after = yield from send(own_view.request)
    ref = RouteRef(request.method, route.path)
    if not _is_whole(tried) or tried.response.status >= 400 or file.text in after.response.body:
        return [passed(f"{ref} leaves a file of alice's to her")]
    again = yield from send(own_view.request)
    if not _is_whole(after) or not _is_whole(again) or file.text in again.response.body:
        return []  # a connection that ended, or a limit, shows nothing of a file that is gone
    evidence = (
        Evidence("exchange", "control: alice reads her file, which the scan made", own_view),
        Evidence("exchange", "bob deletes it", tried),
        Evidence("exchange", "alice asks for it again", after),
    )
    return [failed(f"{ref} lets one user delete the file of another", (ref,), evidence)]


def _is_whole(exchange: Exchange) -> bool:
    """That the server answered, and neither failed nor asked for patience."""
    response = exchange.response
    return not response.error and response.status != _TOO_MANY and 200 <= response.status < 500


def _route_of(target: Target, path: str) -> Route | None:
    """The route whose template the path fits, one without parameters before others."""
    shapes = [(re.sub(r"\\\{[^{}]+\\\}", "[^/]+", re.escape(one.path)), one) for one in target.app.routes]
    fitting = [one for shape, one in shapes if "GET" in one.methods and re.fullmatch(shape, path)]
    return min(fitting, key=lambda one: len(one.parameters), default=None)
