"""Texts that one request stores and that a page shows later, to whoever opens it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, urlsplit

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence
from stopper.core.login_names import PASSWORD
from stopper.core.place import RouteRef
from stopper.core.probe import LITTLE, Steps, Target, send
from stopper.core.probing.answers import honest_answers
from stopper.core.probing.baseline import answered, attempt, is_door
from stopper.core.probing.inputs import members
from stopper.core.probing.landing import landed
from stopper.core.probing.uploads import with_picture

WRITES_MOST: Final = {"quick": 3, "standard": 8, "deep": 30}
"""Routes that are given a text to store, by the scan's depth."""
PAGES_MOST: Final = {"quick": 4, "standard": 12, "deep": 40}
"""Pages that are looked at afterwards."""
NAMED_MOST: Final = 3
"""Pages of one thing that are asked for by what was written."""
_FORMED: Final = re.compile(r"(?i:mail|phone|date|url|uri|uuid|token|code|key|(?:^|_)id$)|Id$|ID$")
"""Members that have a form of their own, which a word has not, or that name another thing."""
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
    said: Mapping[str, object]


def stored_markup(target: Target) -> Steps[tuple[tuple[RouteRef, ...], list[Evidence]]]:
    """The routes whose text a page shows as markup, with the proof: a tag of our own is stored, and the page is opened afterwards."""
    stored: list[_Stored] = []
    found: dict[RouteRef, list[Evidence]] = {}
    pages = yield from _pages(target)
    writes = (
        list(_writes(target)) if pages or any(_named_by(target, members(one)) for _, one in _writes(target)) else []
    )
    for number, (route, request) in enumerate(writes):
        tag = f"<{target.canary}8{chr(97 + number % 26)} y=1>"  # no quote: a query that is put together would break of one
        said = _with_tag(members(request), tag, _own_names(target))
        asked = with_picture(target, route, said) or replace(request, body=json.dumps(said).encode())
        exchange = yield from attempt(answered(target, asked))
        if exchange is not None and 0 < exchange.response.status < 400 and not exchange.response.refused:
            stored.append(_Stored(RouteRef(request.method, route.path), tag, asked, exchange, said))
            # Looked at at once: where there is place for one text, another probe writes the next.
            shown = yield from _shown_next(target, asked, stored[-1], pages)
            found.update(shown or (yield from _shown_elsewhere(target, stored[-1], pages)))
    waiting = [one for one in stored if one.ref not in found]
    named = [page for one in waiting for page in _named_by(target, one.said)]
    for page in (*_led_to(waiting), *named, *pages) if waiting else ():
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


def _shown_next(
    target: Target, request: Request, one: _Stored, pages: Sequence[Request]
) -> Steps[dict[RouteRef, list[Evidence]]]:
    """What the page shows to which the write sent on, or the page at its own path, which may show the newest few; a small body is written once
    more where another may have come between."""
    there = [page for page in pages if page.target.partition("?")[0] == request.target.partition("?")[0]]
    for page in (*_led_to([one]), *there):
        seen = yield from _shown(target, page, [one])
        if not seen and len(one.said) <= _FEW:
            yield from attempt(answered(target, request))
            seen = yield from _shown(target, page, [one])
        return seen
    return {}


_NUMBER: Final = re.compile(r"(?<=/)\d{1,6}(?=/|$)")


def _shown_elsewhere(target: Target, one: _Stored, pages: Sequence[Request]) -> Steps[dict[RouteRef, list[Evidence]]]:
    """The same at the thing before or behind, where the page of this one is broken: by what another probe has written there."""
    path, numbers = one.asked.target, list(_NUMBER.finditer(one.asked.target))
    for page in _led_to([one]) if len(numbers) == 1 else ():
        broken = yield from attempt(answered(target, page))
        if broken is None or broken.response.status < 500:
            return {}
        for number in (int(numbers[0].group()) - 1, int(numbers[0].group()) + 1):
            asked = replace(one.asked, target=f"{path[: numbers[0].start()]}{number}{path[numbers[0].end() :]}")
            exchange = (yield from attempt(answered(target, asked))) if number > 0 else None
            if exchange is not None and exchange.response.went_through:
                shown = yield from _shown_next(target, asked, replace(one, asked=asked, exchange=exchange), pages)
                if shown:
                    return shown
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
        if any(_is_told_in_words(name, value) for name, value in members(request).items()):
            left -= 1
            yield route, request


def _is_text(name: str) -> bool:
    return not PASSWORD.search(name) and not _NO_TEXT.search(name)


def _is_told_in_words(name: str, value: object) -> bool:
    """A text that an honest client writes: a page that counts with what was a number breaks of a tag, and stays broken."""
    return isinstance(value, str) and _is_text(name) and not value.isdigit()


def _with_tag(said: Mapping[str, object], tag: str, names: frozenset[str]) -> dict[str, object]:
    """What is said, with the tag in each text; what pages are asked for by is a word of its own, as another probe may have said the usual one."""
    return {
        name: value
        if not isinstance(value, str)
        else re.sub(r"\W|y=1", "", tag)
        if name in names and not _FORMED.search(name)
        else tag
        if _is_told_in_words(name, value)
        else value
        for name, value in said.items()
    }


def _own_names(target: Target) -> frozenset[str]:
    """The parameters by which something is read that is no number."""
    return frozenset(
        name
        for route in target.app.routes
        if "GET" in route.methods
        for name, kind in route.parameters
        if kind not in ("int", "uuid", "float")
    )


def _named_by(target: Target, said: Mapping[str, object]) -> list[Request]:
    """What is read by members of what was written: ``GET /profiles/{username}`` after ``{"username": …, "page": …}``."""
    found: list[Request] = []
    for route in target.app.routes:
        names = [name for name, _ in route.parameters]
        if "GET" not in route.methods or not names or _LEAVE.search(route.path):
            continue
        if all(isinstance(said.get(name), (str, int)) for name in names) and len(found) < NAMED_MOST:
            path = re.sub(r"\{([^{}]+)\}", lambda one: quote(str(said[one[1]]), safe=""), route.path)
            found.append(replace(target.request_for(route, "GET"), target=path))
    return found


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
