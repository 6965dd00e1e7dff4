"""Gets the token against forged requests that an application wants with a change: before a log-in, and as somebody who came in by cookie."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.answers.cookie_flags import cookies_of
from stopper.core.app import App
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.probe import Identity, Skipped
from stopper.core.secret import Secret
from stopper.scan.people.credential import merged
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.own_page import TOKEN, in_cookies
from stopper.scan.wire.page_tokens import gives_a_token_by_cookie, page_token, visit_of

ASKED: Final = 5
"""Pages that are looked at for a token."""
_SAYS: Final = re.compile(r"(?i)csrf|xsrf|cross.?site|forger")
_DRESS: Final = re.compile(r"(?i)csrf|xsrf|^(origin|referer|sec-fetch-site)$")
"""Headers that a page's change is dressed with."""
_REFUSED: Final = frozenset({400, 401, 403, 419})


def wants_token(response: Response) -> bool:
    """Whether a refusal is for want of a token, not of the account. 419 is what some frameworks say then and nothing else, and a view that takes
    the token out of a cookie which is not there says no more than 400, and gives that cookie."""
    if response.status == 419 or (response.status == 400 and gives_a_token_by_cookie(response)):
        return True
    return response.status in _REFUSED and bool(_SAYS.search(response.text[:20_000]))


def wants_a_token(exchange: Exchange) -> bool:
    """Whether what was sent is refused for want of a token; also where a form comes back with one that it did not say: many say no more of it than that."""
    request, response = exchange.request, exchange.response
    if wants_token(response):
        return True
    if request.method != "POST" or not response.succeeded or "html" not in response.content_type:
        return False
    token = page_token(exchange)
    return token is not None and token.field.encode() not in request.body


def as_visitor(app: App, courier: Courier, honest: HonestRequests, refused: Exchange) -> Exchange | None:
    """The answer to the *refused* change once it is sent as the target wants it from its own pages; None where no way was found."""
    plain = replace(
        refused.request, headers=tuple(pair for pair in refused.request.headers if not _DRESS.search(pair[0]))
    )
    if courier.page.names_origin:
        courier.page.names_origin = False
        again = _try(courier, plain)
        if again is not None and not wants_a_token(again):
            return again
        courier.page.names_origin = True
    if courier.page.known_page is not None or not _visit(app, courier, honest, plain.target.partition("?")[0]):
        return None
    again = _try(courier, plain)
    if again is None or not wants_a_token(again):
        return again
    courier.page.in_json = True
    return _try(courier, plain)


def _visit(app: App, courier: Courier, honest: HonestRequests, door: str) -> bool:
    """Whether a page gave a visitor's token; the courier knows it then."""
    for page in _pages(app, honest, door):
        exchange = _try(courier, page)
        visit = visit_of(exchange) if exchange is not None else None
        if visit is not None:
            courier.page.visited(page, visit)
            return True
    return False


def with_page_token(
    app: App, courier: Courier, honest: HonestRequests, person: Identity, said: Response | None
) -> Identity:
    """*person*, whose changes from now on carry the token of their session. *said* is the answer to the log-in.

    A page that gives the token may set the session anew, so the person's cookies may be new too.
    """
    held = person.cookies
    if not held or in_cookies(held):
        return person
    if said is not None and (token := page_token(Exchange(Request("POST", "/"), said))) is not None:
        courier.page.take_up(person.name, token)
        return person
    for page in _pages(app, honest, ""):
        exchange = _try(courier, person.on(page))
        token = page_token(exchange) if exchange is not None and exchange.response.succeeded else None
        if exchange is None or token is None:
            continue
        courier.page.take_up(person.name, token)
        newer = merged(held, cookies_of(exchange.response))
        return replace(person, headers=tuple(
            (name, Secret(newer) if name.lower() == "cookie" else value) for name, value in person.headers
        ))  # fmt: skip
    return person


def _pages(app: App, honest: HonestRequests, door: str) -> Iterator[Request]:
    """Where a token may stand: routes named for it, the page of the *door* itself, the entry page, pages whose forms post to themselves."""
    plain = [route for route in app.routes if "GET" in route.methods and not route.parameters]
    named = [honest.prefix + route.path for route in plain if TOKEN.search(route.path)]
    sent = {route.path for route in app.routes if "POST" in route.methods}
    own = [honest.prefix + route.path for route in plain if route.path in sent]
    places = [*named, *([door] if door else []), honest.prefix + "/", *own]  # a document may know no page there
    for place in list(dict.fromkeys(places))[:ASKED]:
        kind = "application/json" if place in named else "text/html"
        yield Request("GET", place, (("Accept", f"{kind}, */*;q=0.5"),))


def _try(courier: Courier, request: Request) -> Exchange | None:
    try:
        return courier.carry(request)
    except Skipped:
        return None
