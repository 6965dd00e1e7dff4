"""Routes asked wrongly: what errors look like from outside. The answers are fetched once a scan and shared by the rules that read them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from itertools import islice
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.place import RouteRef
from stopper.core.probe import Skipped, Steps, Target, send
from stopper.core.probing.baseline import answered, attempt, candidates, every, tries
from stopper.core.probing.inputs import members
from stopper.core.probing.query import query_names, with_query
from stopper.core.probing.shared import found_once

_USUAL: Final = ("page", "limit", "id")
VARIATIONS_MOST: Final = {"quick": 2, "standard": 3, "deep": 5}
"""Ways in which one route is asked wrongly, by the scan's depth."""
FULLY: Final = 15
"""Routes that are asked wrongly in every way; those after them in the most telling one, because one handler mostly answers for all."""
READ_MOST: Final = {"quick": 12, "standard": 60, "deep": 200}
"""Readings whose answers are looked at."""
_CUT: Final = "provoked until the budget ended"
_METHODS: Final = ("GET", "POST", "PUT", "PATCH")


@dataclass(frozen=True, slots=True)
class Provoked:
    """One route-method: how it answers an honest request, and how it answers wrong ones."""

    ref: RouteRef
    honest: Exchange
    wrong: tuple[Exchange, ...]


def provoked(target: Target) -> Steps[list[Provoked]]:
    """Each route in reach, asked once as it wants to be asked and a few times wrongly."""
    return (yield from found_once(target, "provoked", lambda: _provoked(target)))


def to_the_end(target: Target) -> Steps[None]:
    """Raises Skipped where the budget ended before all were asked wrongly: that the others tell nothing is no proof then."""
    yield from ()
    if _CUT in target.notes:
        raise Skipped(str(target.notes[_CUT]))


def asked_honestly(target: Target) -> Steps[list[Provoked]]:
    """Each route in reach, asked once as it wants to be asked and never wrongly."""
    found = yield from found_once(target, "asked honestly", lambda: _honestly(target))
    return [Provoked(RouteRef(honest.request.method, route.path), honest, ()) for route, honest in found]


def _honestly(target: Target) -> Steps[list[tuple[Route, Exchange]]]:
    found: list[tuple[Route, Exchange]] = []
    first = list(candidates(target, _METHODS))
    known = {(id(route), method) for route, method in first}
    readings = every(target)[: READ_MOST[target.depth]]  # the scan asks each of them once in any case
    for route, method in (*first, *(pair for pair in readings if (id(pair[0]), pair[1]) not in known)):
        honest = yield from attempt(answered(target, target.request_for(route, method)))
        found += [(route, honest)] if honest is not None else []
    return found


def _provoked(target: Target) -> Steps[list[Provoked]]:
    found: list[Provoked] = []
    asked = yield from found_once(target, "asked honestly", lambda: _honestly(target))
    for route, honest in asked[: tries(target)]:
        wrong: list[Exchange] = []
        most = VARIATIONS_MOST[target.depth] if len(found) < FULLY else 1
        try:
            for request in islice(variations(target, route, honest.request), most):
                answer = yield from attempt(send(request))
                if answer is not None:
                    wrong.append(answer)
        except Skipped as skipped:
            if not found:
                raise
            target.notes[_CUT] = str(skipped)  # what was told until then is told
            break
        found.append(Provoked(RouteRef(honest.request.method, route.path), honest, tuple(wrong)))
    return found


def variations(target: Target, route: Route, honest: Request) -> Iterator[Request]:
    """The honest request with one thing wrong, most telling first."""
    wrong = f"{target.canary}'\""
    if honest.method != "GET":
        others = tuple(pair for pair in honest.headers if pair[0].lower() != "content-type")
        typed = json.dumps({name: {"a": [1]} for name in members(honest)}).encode()
        for body in dict.fromkeys((b"{}", typed, b"null", b'{"', b"[]")):
            yield replace(honest, headers=(*others, ("Content-Type", "application/json")), body=body)
        return
    known = dict.fromkeys((*query_names(honest), *route.optional))
    yield from _wrong_path(route, honest, target.canary)
    yield from (with_query(honest, name, wrong) for name in known)
    guessed = [name for name in _USUAL if name not in known]
    if guessed:  # nothing says that the view reads any of them: one request asks for all
        yield reduce(lambda request, name: with_query(request, name, wrong), guessed, honest)


def _wrong_path(route: Route, honest: Request, canary: str) -> Iterator[Request]:
    """The request with one free part of its path changed; of those that Flask itself checks, numbers to what no database holds and to none."""
    path, _, query = honest.target.partition("?")
    kinds = dict(route.parameters)
    said, sent = route.path.split("/"), path.split("/")
    offset = len(sent) - len(said)
    for number, part in enumerate(said):
        kind = kinds.get(part.strip("{}"), "string") if part.startswith("{") and offset >= 0 else ""
        wrong = (f"{canary}%27",) if kind in ("string", "any") else ("9" * 20, "0") if kind == "int" else ()
        for text in wrong:
            changed = [*sent]
            changed[number + offset] = text
            yield replace(honest, target="/".join(changed) + (f"?{query}" if query else ""))
