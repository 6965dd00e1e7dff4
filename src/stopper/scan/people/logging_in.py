"""Logs somebody in whose account is known: by the page, as JSON, as a form, by Basic authentication."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, cast
from urllib.parse import urlencode, urlsplit

from stopper.core.answers.cookie_flags import sets_credential
from stopper.core.app import App, Route
from stopper.core.exchange import Effect, Exchange, Request, Response
from stopper.core.login_names import LOGIN, PASSWORD, SUBJECT, pairs
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Skipped
from stopper.core.probing.accounts.login import asks_basic, basic, lets_in
from stopper.core.probing.turned_away import turned_away
from stopper.core.secret import Secret
from stopper.scan.people.credential import credentials_in, forms, further_forms, odd_token, proven, signed_cookie
from stopper.scan.people.doors import REGISTER, accounts_bodies, doors, every_name, form_of, json_of
from stopper.scan.people.entry_page import entry_request
from stopper.scan.people.page_visit import as_visitor, wants_a_token, with_page_token
from stopper.scan.people.scene import Scene
from stopper.scan.people.second_step import says_more, stepped
from stopper.scan.people.told_bodies import sent_by
from stopper.scan.surface.page_links import on_host
from stopper.scan.survey import ENDS_ACCESS
from stopper.scan.wire.courier import Courier

TURNED_AWAY_MOST: Final = 120
"""Log-ins after which routes that have let nobody in are left alone: an eighth of what a scan may ask."""
UNNAMED_MOST: Final = 3
"""Routes at which an account is tried though their paths say nothing of it."""
ODD_MOST: Final = 2
"""Texts of one door that may be a token and are not called one, and shut doors at which a credential is shown in further ways."""


def log_in(scene: Scene, person: Identity) -> Identity | None:
    """*person* (subject and password known) with a credential that the server gave, or None."""
    if person.subject is None or person.password is None or scene.courier.mode == "passive":
        return None
    password = person.password.reveal()
    for route in (*doors(scene.app, LOGIN), *_unnamed(scene, person)):
        for number, requests in _likely_first(scene, route, person.subject, password):
            in_vain = 0 if route.path in scene.forms else sum(scene.tried.values())
            if route.path in scene.limited or in_vain >= TURNED_AWAY_MOST:
                break
            if (ready := logged_in(scene, person, route, requests)) is not None:
                scene.useless.pop(person.name, None)
                scene.forms[route.path] = number
                return ready
            if person.name in scene.useless:
                break  # the account was taken: another body says nothing new of this route
    return _by_basic(scene, person, basic(person.subject, password))


def _unnamed(scene: Scene, person: Identity) -> tuple[Route, ...]:
    """Where no path says that somebody is let in there: other routes that take a POST and told nothing of what they read. Nobody's
    password but a test person's is sent there."""
    if person.subject not in scene.own or next(doors(scene.app, LOGIN), None) is not None:
        return ()
    registers = {route.path for route in doors(scene.app, REGISTER)}
    others = [
        route
        for route in scene.app.routes
        if "POST" in route.methods
        and not route.parameters
        and route.readers <= {"wire"}
        and not route.names
        and route.path not in registers
    ]
    return tuple(route for route in others if not ENDS_ACCESS.search(route.path))[:UNNAMED_MOST]


def log_in_again(scene: Scene, person: Identity) -> Identity | None:
    """*person* with a new credential, by the log-in that gave the first one, else by any."""
    route, request = scene.recipes.get(person.name, (None, None))
    if route is not None and request is not None:
        ready = logged_in(scene, person, route, (request,))
        if ready is not None:
            return ready
        scene.useless.pop(person.name, None)  # a form has a token of its own that is good once
    return log_in(scene, person)


def _login_requests(scene: Scene, route: Route, subject: str, password: str) -> Iterator[tuple[Request, ...]]:
    """The ways to send an account to a route; within one group the first that is plainly answered ends the group."""
    target = scene.honest.prefix + scene.honest.path(route)
    yield from_page(scene, route, "login", (subject, subject, password))
    headers = (("Authorization", basic(subject, password)), ("Accept", "application/json"))
    if "GET" in route.methods and "POST" not in route.methods:
        yield (_by_query(route, target, subject, password),)
        yield (Request("GET", target, headers, b"", "login"),)
        return
    said = scene.said.get(subject)
    yield () if said is None else (json_of(target, said, "login"), form_of(target, said, "login"))
    for body in accounts_bodies(route, subject, password):
        yield json_of(target, body, "login"), form_of(target, body, "login")
    if route.readers <= {"wire"} and not route.names:
        every = every_name(subject, password)
        yield json_of(target, every, "login"), form_of(target, every, "login")
    yield (Request("POST", target, headers, b"", "login"),)


def _by_query(route: Route, target: str, subject: str, password: str) -> Request:
    """The account in the query, for a log-in that is read and takes nothing else."""
    names = [name for name in route.names if PASSWORD.search(name) or SUBJECT.search(name)] or [
        "username",
        "email",
        "password",
    ]
    query = urlencode({name: password if PASSWORD.search(name) else subject for name in names})
    return Request("GET", f"{target}?{query}", (("Accept", "application/json"),), b"", "login")


def _likely_first(scene: Scene, route: Route, subject: str, password: str) -> Iterator[tuple[int, tuple[Request, ...]]]:
    """The ways to send an account, each with its number: that which let somebody in before comes first, and Basic authentication as
    soon as the route asks for it. A log-in hashes a password each time, and each that is spared is time."""
    waiting = list(enumerate(_login_requests(scene, route, subject, password)))
    basic_way = waiting[-1]
    waiting.sort(key=lambda way: way[0] != scene.forms.get(route.path))
    if is_basic(scene.app, route):
        scene.asks_basic.add(route.path)
    while waiting:
        way = basic_way if route.path in scene.asks_basic and basic_way in waiting else waiting[0]
        waiting.remove(way)
        yield way


def is_basic(app: App, route: Route) -> bool:
    """Whether the document says that this route takes Basic authentication and nothing else."""
    kinds = {app.spec.schemes[name].kind for name in route.spec_security or () if app.spec and name in app.spec.schemes}
    return bool(kinds) and kinds <= {"basic", "http basic"}


def from_page(scene: Scene, route: Route, effect: Effect, account: tuple[str, str, str]) -> tuple[Request, ...]:
    """What a browser sends from the page at *route*, where there is one that asks a password."""
    if not any("GET" in one.methods for one in scene.app.routes if one.path == route.path):
        return ()
    target = scene.honest.prefix + scene.honest.path(route)
    page = attempted(scene.courier, Request("GET", target, (("Accept", "text/html"),)))
    request = entry_request(page, effect, *account) if page is not None and page.response.succeeded else None
    return (request,) if request is not None else ()


def _by_basic(scene: Scene, person: Identity, said: str) -> Identity | None:
    """*person* by HTTP Basic alone, where a route that refuses nobody lets that in."""
    way = (("Authorization", Secret(said)),)
    if proven(scene.shut(), scene.courier, [way]).state != "opened":
        return None
    scene.useless.pop(person.name, None)
    return replace(person, headers=way)


def logged_in(scene: Scene, person: Identity, route: Route, requests: Sequence[Request]) -> Identity | None:
    for request in requests:
        exchange = change(scene, request)
        if exchange is not None and not exchange.response.status and scene.courier.slow.is_forgiven(request):
            exchange = change(scene, request)
        if exchange is None:
            continue
        if route.path not in scene.forms:
            scene.tried[route.path] = scene.tried.get(route.path, 0) + 1
        if exchange.response.went_through and says_more(exchange.response):
            for further in stepped(scene, exchange, sent_by(request), is_own=person.subject in scene.own):
                if (ready := holder(scene, person, further, route)) is not None:
                    return ready
        if (ready := holder(scene, person, exchange, route)) is not None:
            scene.recipes[person.name] = (route, request)
            if lets_in(exchange.response):
                scene.entries.setdefault(person.name, (route, exchange))
            return ready
        if exchange.response.status in (401, 403):
            scene.refusing.add(route.path)
        if _took_and_gave_nothing(exchange, person, refuses=route.path in scene.refusing):
            scene.limited.add(route.path)
        if asks_basic(exchange.response):
            scene.asks_basic.add(route.path)
        if exchange.response.status == 429:
            scene.limited.add(route.path)
        if exchange.response.status in (404, 405, 429):
            break  # a 401 or 403 to JSON may come from a view that reads a form only
    return None


def holder(scene: Scene, person: Identity, exchange: Exchange, route: Route) -> Identity | None:
    """*person* with the credential that an answer handed out, in the form that the API takes; None when it gave none that opens."""
    response = exchange.response
    held = (
        credentials_in(response, exchange.request.header("Cookie") or "", exchange.request.body)
        if response.succeeded or response.status in (302, 303)
        else None
    )
    if held is None:
        return None
    if not held.by_name and held.token is not None:
        scene.odd[route.path] = scene.odd.get(route.path, 0) + 1
        if scene.odd[route.path] > ODD_MOST:
            return None
    proof = proven(scene.shut(), scene.courier, list(forms(held, scene.app)))
    if proof.state == "nothing" and not _still_outside(response):
        shut = [door for door in scene.shut() if door.response.refused][:ODD_MOST]
        further = list(further_forms(held, [door.response for door in shut]))
        proof = proven(shut, scene.courier, further) if further else proof
    if proof.state == "unknown" and not held.by_name:
        proof = proven(_led_to(scene, response), scene.courier, list(forms(held, scene.app)))
    if proof.state == "nothing" and sets_credential(
        response
    ):  # a door that is shut to everybody says nothing of who came in
        beyond = proven(_led_to(scene, response), scene.courier, list(forms(held, scene.app)))
        proof = beyond if beyond.state == "opened" else proof
    if proof.state == "nothing" and held.by_name and not _still_outside(response):
        scene.useless[person.name] = f"POST {route.path}"
    if proof.state == "nothing" or (proof.state == "unknown" and (not held.by_name or _still_outside(response))):
        return None
    issuer = RouteRef("POST", route.path)
    ready = replace(
        person, headers=proof.way, token=held.token or signed_cookie(held), refresh_token=held.refresh, issued_by=issuer
    )
    return with_token(scene, ready, response)


def _led_to(scene: Scene, response: Response) -> tuple[Exchange, ...]:
    """The page that a log-in leads to, where that refuses nobody: the one door of which it is sure that somebody who is let in passes."""
    base = urlsplit(scene.courier.transport.base_url)
    where = response.header("Location") or ""
    led = on_host(where, f"{base.scheme}://{base.netloc}", "/") if response.sends_on else None
    door = attempted(scene.courier, Request("GET", led.path, (("Accept", "text/html"),))) if led is not None else None
    return (door,) if door is not None and door.response.refused else ()


def _took_and_gave_nothing(exchange: Exchange, person: Identity, *, refuses: bool) -> bool:
    """Whether a log-in knew the account, which it says or *refuses* to others, and handed out nothing at all: no other way to send it will."""
    response = exchange.response
    said = response.json()
    if turned_away(response) or not isinstance(said, dict) or response.all_headers("Set-Cookie") or lets_in(response):
        return False
    told = {text for _, text in pairs(cast("dict[str, object]", said))}
    known = person.subject in told or any(person.name in text for text in told if "@" in text)
    return (known or refuses) and odd_token(response, exchange.request.body) is None


def with_token(scene: Scene, person: Identity, said: Response | None = None) -> Identity:
    return with_page_token(scene.app, scene.courier, scene.honest, person, said)


def change(scene: Scene, request: Request) -> Exchange | None:
    """The answer to a log-in or registration; where that wants a token of a page, the answer to it with one."""
    exchange = attempted(scene.courier, request)
    if exchange is None or not wants_a_token(exchange):
        return exchange
    return as_visitor(scene.app, scene.courier, scene.honest, exchange) or exchange


def _still_outside(response: Response) -> bool:
    """Whether an answer sends back to the log-in or shows its form again."""
    return response.refused or re.search(r"""(?i)<input[^>]+type=["']?password""", response.text) is not None


def attempted(courier: Courier, request: Request) -> Exchange | None:
    try:
        return courier.carry(request)
    except Skipped:
        return None
