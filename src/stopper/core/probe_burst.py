"""Many requests in a row, to see whether something holds a caller down. Sent once a scan, for the rules that read them."""

import re
from dataclasses import dataclass
from typing import Final

from stopper.core.exchange import Exchange, Response
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, send
from stopper.core.probe_baseline import attempt, candidates
from stopper.core.probe_shared import found_once

BURST: Final = 25
"""Requests after the first. A limit for people is seldom above 20 a second."""
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


def announces(response: Response) -> bool:
    """Whether a header speaks of a limit."""
    return any(_RATE.match(name) for name, _ in response.headers)


def burst(target: Target) -> Steps[Burst | None]:
    """The first route that can be read, asked again and again; None where there is none."""
    return (yield from found_once(target, "burst", lambda: _burst(target)))


def _burst(target: Target) -> Steps[Burst | None]:
    for route, method in candidates(target):
        request = target.request_for(route, method)
        first = yield from attempt(send(request))
        if first is None or first.response.error or first.response.status in (429, 503):
            continue
        last = first
        for _ in range(BURST):
            last = yield from send(request)
            if last.response.status in (429, 503) or announces(last.response):
                break
        return Burst(RouteRef(method, route.path), first, last)
    return None
