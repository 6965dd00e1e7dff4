"""Asks every route-method that no probe asked, so that coverage says what was seen."""

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from stopper.core.app import App
from stopper.core.exchange import Request
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Skipped
from stopper.scan.merge import template_pattern
from stopper.scan.report import Coverage
from stopper.scan.staying import find_accounts
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.body_members import members_in
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.foreign_deeds import makes_an_account
from stopper.scan.wire.things_made import is_an_id, path_of

ENDS_ACCESS: Final = re.compile(
    r"(?i)log-?out|sign-?out|revoke|password|delete|disable|deactivate|close|rotate|refresh|renew"
)
"""Paths that may end somebody's access: asked after all others."""


def survey(app: App, courier: Courier, honest: HonestRequests, people: Sequence[Identity]) -> None:
    """Send one honest request to each route-method that was not asked yet, as the first person where nobody is refused."""
    who = people[0] if people else None
    tested = refs_of(app, courier.asked)
    todo = [
        (route, ref)
        for route in app.routes
        for ref in route.refs()
        if ref not in tested and not route.endpoint.endswith("static")
    ]
    for route, ref in sorted(
        todo, key=lambda pair: (bool(ENDS_ACCESS.search(pair[1].path)), pair[1].method == "DELETE", pair[1].path)
    ):
        try:
            request = honest(route, ref.method)
            exchange = courier.carry(request)
            if route.optional and ref.method == "GET" and not exchange.response.succeeded:
                exchange = courier.carry(honest(replace(route, fields=route.names), ref.method))
            if exchange.response.refused and who is not None and not ENDS_ACCESS.search(ref.path):
                courier.carry(who.on(request))
        except Skipped as skipped:
            if "budget" in str(skipped) or courier.stopping.is_set():
                return


KEPT_MOST: Final = 3
"""Things of one kind that nobody of the scan may delete, after which no more of them are tried."""


def tidy(app: App, courier: Courier) -> None:
    """Delete what this scan created and nobody deleted since, as the one who created it, where the API has a way to, and put back what it
    changed. People go last, and last of them those as whom the scan asks: without them nothing else could be taken back."""
    find_accounts(app, courier)
    people = {path: made for path, made in list(courier.made.created.items()) if makes_an_account(made)}
    _delete(app, courier, [one for one in list(courier.made.created.items()) if one[0] not in people])
    patterns = [(template_pattern(route.path, dict(route.parameters)), route.methods) for route in app.routes]
    try:
        courier.put_back(
            lambda path: {one for way, methods in patterns if way.fullmatch(path.partition("?")[0]) for one in methods}
        )
    finally:
        names = set(filter(None, courier.people.values()))
        asking = {
            path: made
            for path, made in people.items()
            if names & {value for _, value in members_in(made, 3) if isinstance(value, str)}
        }
        _delete(app, courier, [one for one in people.items() if one[0] not in asking])
        _look_after_failures(courier)
        _delete(app, courier, list(asking.items()))


def _look_after_failures(courier: Courier) -> None:
    left = Counter(path_of(made.target) for made in courier.made.left())
    with contextlib.suppress(Skipped):
        courier.blind.failed.look(lambda request: courier.carry(request, last=True), left)


def _delete(app: App, courier: Courier, things: Iterable[tuple[str, Request]]) -> None:
    """Delete each of the *things*, by its path and the request that made it."""
    ways = [template_pattern(route.path, dict(route.parameters)) for route in app.routes if "DELETE" in route.methods]
    by_query = dict(_by_query(app))
    kept: dict[str, int] = {}
    for path, made in things:
        base, _, number = path.rpartition("/")
        where = (
            path
            if any(way.fullmatch(path) for way in ways)
            else by_query.get(base, "") and f"{base}?{by_query[base]}={number}"
        )
        if path in courier.made.deleted or not where or kept.get(base, 0) >= KEPT_MOST:
            continue
        headers = made.headers_without_body
        with contextlib.suppress(Skipped):
            delete = Request("DELETE", where, headers, b"", "write", made.identity)
            if courier.carry(delete, last=True).response.refused:  # a log-in that a probe has ended made it
                kept[base] = kept.get(base, 0) + 1
                for name in dict.fromkeys((made.identity, *sorted(courier.people))):
                    own = courier.credentials.headers_of(name)
                    again = replace(delete, headers=own, identity=name) if own is not None else delete
                    if own is not None and not courier.carry(again, last=True).response.refused:
                        kept[base] = 0
                        break


def _by_query(app: App) -> Iterator[tuple[str, str]]:
    """The collections that delete a thing by its id in the query, each with the name of that."""
    for route in app.routes:
        names = [name for name in route.names if is_an_id(name)] if "DELETE" in route.methods else []
        if names and not route.parameters:
            yield route.path.rstrip("/"), names[0]


def refs_of(app: App, sent: Iterable[tuple[str, str]]) -> frozenset[RouteRef]:
    """The route-methods that these requests, by method and raw path, belong to."""
    asked: dict[str, list[str]] = {}
    for method, path in set(sent):
        asked.setdefault(method, []).append(path)
    found: set[RouteRef] = set()
    for route in app.routes:
        pattern = template_pattern(route.path, dict(route.parameters))
        found.update(ref for ref in route.refs() if any(pattern.fullmatch(path) for path in asked.get(ref.method, ())))
    return frozenset(found)


def coverage(app: App, courier: Courier) -> Coverage:
    """Route-methods that answered, of all there are. Static files are not counted, and an error of the server or a 429 is no answer:
    an application that is down must not look clean."""
    every = _countable(app)
    return Coverage(len(every & refs_of(app, courier.heard)), len(every))


def only_errors(app: App, courier: Courier) -> tuple[RouteRef, ...]:
    """The route-methods that were asked and gave nothing but errors of the server or 429."""
    silent = _countable(app) & (refs_of(app, courier.asked) - refs_of(app, courier.heard))
    return tuple(sorted(silent, key=lambda ref: (ref.path, ref.method)))


def never_answered(app: App, courier: Courier) -> dict[RouteRef, str]:
    """The route-methods that were asked and gave no whole answer even once, with what went wrong."""
    found: dict[RouteRef, str] = {}
    for key, error in sorted(courier.lost.items()):
        for ref in refs_of(app, [key]):
            found.setdefault(ref, error)
    answered = refs_of(app, courier.asked)
    return {ref: error for ref, error in found.items() if ref not in answered and ref in _countable(app)}


def _countable(app: App) -> set[RouteRef]:
    return {ref for route in app.routes if not is_static(route.endpoint, route.path) for ref in route.refs()}


def is_static(endpoint: str, path: str) -> bool:
    """Flask's own route for files."""
    return (endpoint == "static" or endpoint.endswith(".static")) and path.endswith("{filename}")
