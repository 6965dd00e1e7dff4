"""Many requests in a row, to see whether something holds a caller down. Sent once a scan, for the rules that read them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.facts import source_of
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.baseline import answered, attempt, candidates
from stopper.core.probing.shared import found_once

BURST: Final = 25
"""Requests after the first. A limit for people is seldom above 20 a second."""
FEW: Final = 5
"""The least that is asked in a row."""
SLOW: Final = 0.25
"""Seconds of an answer that costs the target too much to ask for it again and again."""
WINDOW: Final = 60.0
"""Seconds over which most limits count."""
ENOUGH: Final = 101
"""Requests of one path within the window after which no usual limit of a route stands in the way: those end at 100 a minute."""
ENOUGH_IN_ALL: Final = 301
"""The same for limits that count a caller over all routes."""
LOAD: Final = "what this scan has asked"
_RATE: Final = re.compile(r"(?i)(x-)?rate-?limit|retry-after")


@dataclass(frozen=True, slots=True)
class Burst:
    """The first request and the last: that one met a limit, heard of one, or was the last of them."""

    ref: RouteRef
    first: Exchange
    last: Exchange

    @property
    def reached(self) -> bool:
        """Whether a limit was met."""
        return self.last.response.status in (429, 503)

    @property
    def announced(self) -> bool:
        """Whether the last answer speaks of a limit."""
        return announces(self.last.response)


@dataclass(frozen=True, slots=True)
class Load:
    """What a scan has asked within the last minute, in all and of one path; whether any answer spoke of a limit, and whether what was
    sent to that path was ever turned away by one (429)."""

    in_all: int
    of_path: int
    limited: bool
    paced: bool
    turned_away: bool = False

    @property
    def enough(self) -> bool:
        """Whether a limit that is usual would have shown."""
        return self.in_all >= ENOUGH_IN_ALL and self.of_path >= ENOUGH


def load_of(target: Target, path: str) -> Load | None:
    """What the scan has asked so far; None where nobody counts."""
    count = cast("Callable[[str], Load] | None", target.notes.get(LOAD))
    return count(path) if count is not None else None


def pressed(target: Target, found: Burst) -> Steps[tuple[Exchange, Load] | None]:
    """The burst goes on, bounded, until a usual limit would have shown. None where it cannot come to that: the scan is held back, the
    answers are slow, or too little was asked in all."""
    path, last = found.first.request.target.partition("?")[0], found.last
    load = load_of(target, path)
    if load is None or load.paced or load.in_all + ENOUGH < ENOUGH_IN_ALL:
        return None
    for _ in range(ENOUGH):
        if load is None or load.enough or last.response.seconds > SLOW or found.reached or announces(last.response):
            break
        last = yield from send(found.first.request)
        if last.response.status in (0, 429, 503):
            break
        load = load_of(target, path)
    return (last, load) if load is not None else None


def announces(response: Response) -> bool:
    """Whether a header speaks of a limit."""
    return any(_RATE.match(name) for name, _ in response.headers)


def burst(target: Target) -> Steps[Burst | None]:
    """The first route that can be read, asked again and again; None where there is none."""
    return (yield from found_once(target, "burst", lambda: _burst(target)))


def _burst(target: Target) -> Steps[Burst | None]:
    for route, asked in _most_asked_first(target):
        first = yield from attempt(answered(target, asked))
        if first is None or first.response.error or first.response.status in (429, 503):
            continue
        request, last = first.request, first
        for _ in range(_how_many(target, request.target.partition("?")[0])):
            last = yield from send(request)
            if last.response.status in (429, 503) or announces(last.response):
                break
        return Burst(RouteRef(asked.method, route.path), first, last)
    return None


def _most_asked_first(target: Target) -> list[tuple[Route, Request]]:
    """Requests that may be asked again and again. Where the scan itself is the proof, what it has asked most needs the fewest more."""
    found = [(route, target.request_for(route, method)) for route, method in candidates(target)]
    if source_of(target.app).routes:
        return found

    def so_far(pair: tuple[Route, Request]) -> int:
        load = load_of(target, pair[1].target.partition("?")[0])
        return load.of_path if load is not None else 0

    return sorted(found, key=so_far, reverse=True)


def _how_many(target: Target, path: str) -> int:
    """``BURST``; fewer where no source is there to hold it against and the scan has asked nearly enough to tell by itself."""
    load = load_of(target, path)
    if source_of(target.app).routes or load is None or load.paced or load.in_all + BURST < ENOUGH_IN_ALL:
        return BURST
    return min(BURST, max(FEW, ENOUGH - load.of_path))
