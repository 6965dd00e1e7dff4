"""How an API answers to pages of other websites: the same request with and without an ``Origin``."""

from dataclasses import dataclass
from typing import Final, cast

from stopper.core.exchange import Exchange, Response
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.baseline import attempt, candidates
from stopper.core.probing.shared import found_once

ENOUGH: Final = 8
"""Routes that are asked: cross-origin rules hold for an application or a prefix, seldom for one route."""
ALLOW: Final = "Access-Control-Allow-Origin"
CREDENTIALS: Final = "Access-Control-Allow-Credentials"


@dataclass(frozen=True, slots=True)
class Crossing:
    """One reading request as it is, and as a page of *origin* sends it."""

    ref: RouteRef
    origin: str
    honest: Exchange
    crossed: Exchange

    @property
    def allowed(self) -> str:
        """What the answer to the page allows."""
        return allowed(self.crossed.response)

    @property
    def with_credentials(self) -> bool:
        """Whether a browser would send the visitor's cookies along."""
        return (self.crossed.response.header(CREDENTIALS) or "").strip() == "true"


def allowed(response: Response) -> str:
    """The one origin that an answer allows; ``""`` for none and for two."""
    said = response.all_headers(ALLOW)
    return said[0].strip() if len(said) == 1 else ""


def crossings(target: Target, origin: str, most: int = ENOUGH) -> Steps[list[Crossing]]:
    """The first routes that answer, each asked twice; the honest answers are shared by the probes of one scan, and so is what the invented
    origin met."""
    if origin != stranger(target):
        return (yield from _crossings(target, origin, most))
    found = yield from found_once(target, "crossings", lambda: _crossings(target, origin, ENOUGH))
    return found[:most]


def _crossings(target: Target, origin: str, most: int) -> Steps[list[Crossing]]:
    known = cast("dict[RouteRef, Exchange | None]", target.notes.setdefault("plain answers", {}))
    found: list[Crossing] = []
    for route, method in candidates(target):
        if len(found) >= most:
            break
        request, ref = target.request_for(route, method), RouteRef(method, route.path)
        if ref not in known:
            known[ref] = yield from attempt(send(request))
        honest = known[ref]
        crossed = yield from attempt(send(request.with_headers(("Origin", origin))))
        if honest is None or crossed is None or honest.response.error or crossed.response.error:
            continue
        found.append(Crossing(ref, origin, honest, crossed))
    return found


def stranger(target: Target) -> str:
    """An origin that nobody has heard of."""
    return f"https://stopper-{target.canary}.example"
