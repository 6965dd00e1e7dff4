"""Who has an account, told by a log-in or a reset where the scan itself can be nobody: by names that many an application has, and by its own words."""

import json
import re
from collections.abc import Sequence
from itertools import islice
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.keys.random_words import token_hex
from stopper.core.login_names import PASSWORD
from stopper.core.people.unknown_people import says_nobody
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, send
from stopper.core.probing.accounts.login import lets_in, login_requests, login_routes, understood
from stopper.core.probing.accounts.reset import asks_for_reset
from stopper.core.probing.baseline import attempt, beyond, says_nothing, steady
from stopper.core.probing.inputs import members

GIVEN: Final = "accounts that were given"
"""Under this name ``target.notes`` keeps them, also those that no log-in gave anything for."""
USUAL: Final = ("admin", "alice", "test", "user", "bob", "john", "guest", "user1")
"""Names that somebody has in many an application. Each is tried with one wrong password."""
ROUTES: Final = 2
_RESET: Final = re.compile(r"(?i)forgot|request-?reset|recover")
_ENTITY: Final = re.compile(r"<[^>]{0,300}>")
TEXT_MOST: Final = 2000
"""Characters of an answer in which words for nobody are looked for."""


def told_to_nobody(target: Target) -> Steps[Verdict | None]:
    """The failure of a log-in that answers otherwise for a usual name than for one that nobody has, or of a reset that says that nobody is called so."""
    found: list[Verdict] = []
    for route in login_routes(target)[:ROUTES]:
        told = yield from attempt(_by_name(target, route))
        if told is not None:
            found.append(told)
            break
    reset = next((route for route in target.app.routes if sends_reset(target, route)), None)
    told = (yield from beyond(_by_words(target, reset), found)) if reset is not None else None
    found += [told] if told is not None else []
    if not found:
        return None
    places = [ref for one in found for ref in one.routes]
    return failed(found[0].message, places, [seen for one in found for seen in one.evidence])


def sends_reset(target: Target, route: Route) -> bool:
    """Whether the route sends somebody a reset: one that sets a password asks for none."""
    if "POST" not in route.methods or route.parameters:
        return False
    if not (_RESET.search(route.path) or asks_for_reset(route)):
        return False
    return not any(PASSWORD.search(name) for name in members(target.request_for(route, "POST")))


def _by_name(target: Target, route: Route) -> Steps[Verdict | None]:
    nobody, wrong = f"nobody-{target.canary}", token_hex(8)
    for way in range(2):
        unknown = yield from send(_request(target, route, nobody, wrong, way))
        if understood(unknown.response) and not lets_in(unknown.response):
            break
    else:
        return None
    for name in _names(target, route):
        request = _request(target, route, name, wrong, way)
        known = yield from send(request)
        said = known.response
        if says_nothing(said) or said.status >= 500 or lets_in(said):
            return None
        if is_told_alike(said, unknown.response, name, nobody):
            continue
        other = f"nobody-{target.canary}{token_hex(2)}"
        again = yield from send(_request(target, route, other, wrong, way))
        still = yield from send(request)
        if is_told_alike(again.response, unknown.response, other, nobody) and is_told_alike(
            still.response, said, name, name
        ):
            evidence = [
                Evidence("exchange", "a wrong password of somebody who does not exist", unknown),
                Evidence("exchange", "control: the same for another one", again),
                Evidence("exchange", f"the same for {name}", known),
            ]
            ref = RouteRef("POST", route.path)
            return failed(f"{ref} answers otherwise for people who do not exist", [ref], evidence)
    return None


def _request(target: Target, route: Route, name: str, password: str, way: int) -> Request:
    return next(islice(login_requests(target, route, name, password), way, None))


def _names(target: Target, route: Route) -> list[str]:
    given = [one.subject for one in given_accounts(target) if one.subject is not None][:2]
    fields = [name for name in members(target.request_for(route, "POST")) if not PASSWORD.search(name)]
    by_mail = bool(fields) and all("mail" in name.lower() for name in fields)
    return list(dict.fromkeys((*given, *(f"{name}@example.com" if by_mail else name for name in USUAL))))


def given_accounts(target: Target) -> Sequence[Identity]:
    """The accounts that were given to the scan, also those that it could not log in with."""
    return cast("Sequence[Identity]", target.notes.get(GIVEN, ()))


def _by_words(target: Target, route: Route) -> Steps[Verdict | None]:
    """A reset asks for no password: what it says of a name that nobody has is about the person."""
    asked: list[Exchange] = []
    for name in (f"nobody-{target.canary}", f"nobody-{target.canary}{token_hex(2)}"):
        honest = target.request_for(route, "POST")
        mail = f"{name}@example.com"
        body = {field: mail if "mail" in field.lower() else name for field in members(honest)} or {
            "email": mail,
            "username": name,
        }
        exchange = yield from send(_with_body(honest, body))
        if says_nothing(exchange.response) or not says_nobody(words_of(exchange.response)):
            return None
        asked.append(exchange)
    ref = RouteRef("POST", route.path)
    evidence = [Evidence("exchange", "a reset for somebody who does not exist is answered so", one) for one in asked]
    return failed(f"{ref} says that somebody does not exist", [ref], evidence)


def _with_body(honest: Request, body: dict[str, str]) -> Request:
    return Request(honest.method, honest.target, honest.headers, json.dumps(body).encode(), "write")


def words_of(response: Response) -> str:
    """What an answer says, without the marks of a page."""
    return _ENTITY.sub(" ", response.text[:TEXT_MOST])


def is_told_alike(one: Response, two: Response, first: str, second: str) -> bool:
    """The same status and the same words, both names left out of both: one may be a word of the page."""
    if one.status != two.status:
        return False
    return said_beside(one, first, second) == said_beside(two, first, second)


def said_beside(response: Response, *names: str) -> str:
    """What an answer says beside these names, and beside what changes with each one."""
    text = response.text
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, "")
    text = steady(text)
    return re.sub(r"[0-9a-f-]{16,}|\d+", "", text)
