"""Texts that one request stores and that a page shows later, to whoever opens it."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence
from stopper.core.login_names import PASSWORD
from stopper.core.place import RouteRef
from stopper.core.probe import LITTLE, Steps, Target, send
from stopper.core.probe_answers import honest_answers
from stopper.core.probe_baseline import answered, attempt, is_door
from stopper.core.probe_inputs import members
from stopper.core.probe_landing import landed

WRITES_MOST: Final = {"quick": 3, "standard": 8, "deep": 30}
"""Routes that are given a text to store, by the scan's depth."""
PAGES_MOST: Final = {"quick": 4, "standard": 12, "deep": 40}
"""Pages that are looked at afterwards."""
_FEW: Final = 4
"""Members of a body up to which it may be all that one place holds."""
PAGES: Final = ("text/html", "application/xhtml+xml")
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_NO_TEXT: Final = re.compile(
    r"(?i)mail|url|uri|link|phone|date|time|_id$|^id$|amount|price|count|number|token|code|role|admin|user_?name|login"
)
_LEAVE: Final = re.compile(
    r"(?i)delete|remove|logout|password|register|sign-?up|login|purchase|checkout|(^|/)pay(ments?|outs?)?(?![a-z])"
)


@dataclass(frozen=True, slots=True)
class _Stored:
    ref: RouteRef
    tag: str
    asked: Request
    exchange: Exchange


def stored_markup(target: Target) -> Steps[tuple[tuple[RouteRef, ...], list[Evidence]]]:
    """The routes whose text a page shows as markup, with the proof: a tag of our own is stored, and the page is opened afterwards."""
    stored: list[_Stored] = []
    found: dict[RouteRef, list[Evidence]] = {}
    pages = yield from _pages(target)
    for number, (route, request) in enumerate(_writes(target)) if pages else ():
        tag = f"<{target.canary}8{chr(97 + number % 26)} y=1>"  # no quote: a query that is put together would break of one
        asked = _with_tag(request, tag)
        exchange = yield from attempt(answered(target, asked))
        if exchange is not None and 0 < exchange.response.status < 400 and not exchange.response.refused:
            stored.append(_Stored(RouteRef(request.method, route.path), tag, asked, exchange))
            # Looked at at once: where there is place for one text, another probe writes the next.
            found.update((yield from _shown_next(target, asked, stored[-1])))
    waiting = [one for one in stored if one.ref not in found]
    for page in (*_led_to(waiting), *pages) if waiting else ():
        for ref, evidence in (yield from _shown(target, page, waiting)).items():
            found.setdefault(ref, evidence)
    again = yield from _by_somebody(target, [one for one in waiting if one.ref not in found])
    for page in (*_led_to(again), *pages) if again else ():
        for ref, evidence in (yield from _shown(target, page, again)).items():
            found.setdefault(ref, evidence)
    return tuple(found), [evidence for both in found.values() for evidence in both]


def _by_somebody(target: Target, waiting: Sequence[_Stored]) -> Steps[list[_Stored]]:
    """The same texts from somebody who is known: a page that answers nobody's text with itself may not have kept it."""
    who = next((one for one in target.identities if one.headers), None)
    again = list[_Stored]()
    for one in waiting if who is not None else ():
        if who is not None and one.exchange.request.identity is None and not one.exchange.response.header("Location"):
            exchange = yield from attempt(send(who.on(one.asked)))
            if exchange is not None and 0 < exchange.response.status < 400:
                again.append(replace(one, exchange=exchange))
    return again


def _shown_next(target: Target, request: Request, one: _Stored) -> Steps[dict[RouteRef, list[Evidence]]]:
    """What the page shows to which the write sent on; a small body is written once more where another may have come between."""
    for page in _led_to([one]):
        seen = yield from _shown(target, page, [one])
        if not seen and len(members(request)) <= _FEW:
            yield from attempt(answered(target, request))
            seen = yield from _shown(target, page, [one])
        return seen
    return {}


def _shown(target: Target, page: Request, stored: Sequence[_Stored]) -> Steps[dict[RouteRef, list[Evidence]]]:
    """Those whose tag that page shows as one, with the proof. Who has written is who looks: what is somebody's own is shown to nobody else, and
    nobody is not always refused it."""
    wrote = {one.exchange.request.identity for one in stored}
    who = next((one for one in target.identities if one.name in wrote), None) if None not in wrote else None
    shown = yield from attempt(answered(target, page) if who is None else send(who.on(page)))
    if shown is not None and shown.response.sends_on:
        shown = yield from attempt(landed(target, shown))
    if shown is None or not shown.response.succeeded or shown.response.content_type not in PAGES:
        return {}
    text = _COMMENT.sub("", shown.response.text)
    return {
        one.ref: [
            Evidence("exchange", "a tag of our own is stored", one.exchange),
            Evidence("exchange", "a page shows it as a tag", shown),
        ]
        for one in stored
        if one.tag in text
    }


def _writes(target: Target) -> Iterator[tuple[Route, Request]]:
    left = WRITES_MOST[target.depth]
    for route in target.app.routes:
        if not left or "POST" not in route.methods or is_door(route) or _LEAVE.search(route.path):
            continue
        request = target.request_for(route, "POST")
        if any(isinstance(value, str) and _is_text(name) for name, value in members(request).items()):
            left -= 1
            yield route, request


def _is_text(name: str) -> bool:
    return not PASSWORD.search(name) and not _NO_TEXT.search(name)


def _with_tag(request: Request, tag: str) -> Request:
    body = {
        name: tag if isinstance(value, str) and _is_text(name) else value for name, value in members(request).items()
    }
    return replace(request, body=json.dumps(body).encode())


def _pages(target: Target) -> Steps[list[Request]]:
    """The pages that are looked at: where the budget is little, of those that were read once already, as what they are does not change."""
    readable = list(_readable(target))
    if LITTLE in target.notes:
        read = yield from honest_answers(target)
        known = {ref.path for ref, exchange in read if exchange.response.content_type in PAGES}
        return [page for route, page in readable if route.path in known][: PAGES_MOST[target.depth]]
    pages: list[Request] = []
    for _, page in readable[: PAGES_MOST[target.depth]]:
        before = yield from attempt(answered(target, page))
        if before is not None and before.response.content_type in PAGES:
            pages.append(page)
    return pages


def _readable(target: Target) -> Iterator[tuple[Route, Request]]:
    """What may be a page, those at the paths of writes first, and those that need no parameter before others."""
    written = {route.path for route in target.app.routes if "POST" in route.methods}
    readable = [route for route in target.app.routes if "GET" in route.methods and not _LEAVE.search(route.path)]
    for route in sorted(readable, key=lambda route: (route.path not in written, len(route.parameters), route.path)):
        yield route, target.request_for(route, "GET")


def _led_to(stored: Sequence[_Stored]) -> Iterator[Request]:
    """Where the writes sent their caller on to."""
    led = [urlsplit(one.exchange.response.header("Location") or "").path for one in stored]
    for path in dict.fromkeys(led):
        if path.startswith("/") and not _LEAVE.search(path):
            yield Request("GET", path, (("Accept", "text/html, */*;q=0.5"),))
