"""Who the scan can be: given, logged in with given accounts, registered as test people, or minted with the application's key."""

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Final

from stopper.core.account_body import PHONE, account_body
from stopper.core.app import App, Route
from stopper.core.exchange import Effect, Exchange, Request, Response
from stopper.core.login_names import LOGIN, PASSWORD, pairs
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Skipped
from stopper.core.probe_login import asks_basic, basic, lets_in
from stopper.core.secret import Secret
from stopper.scan.credential import credentials_in, forms, proven, shut_doors
from stopper.scan.doors import REGISTER, accounts_bodies, doors, form_of, json_of
from stopper.scan.entry_page import entry_request
from stopper.scan.honest import HonestRequests
from stopper.scan.mint import minted
from stopper.scan.page_visit import as_visitor, wants_token, with_page_token
from stopper.scan.told_bodies import a_short_name, password_of, sent_by, subjects_of, until_taken
from stopper.scan.usual_account import TOLD, usual_account
from stopper.scan.wire.courier import Courier

PEOPLE: Final = ("alice", "bob")
_PICKY: Final = re.compile(
    r"(?i)pattern|alpha-?numeric|letters and (?:numbers|digits)|(?:illegal|invalid|forbidden|unsupported) character|only contain"
)
_BOUNDED: Final = re.compile(
    r"(?i)passw\w*[^.]{0,60}(?:too long|at most|no more than|maximum|between|exceed|not meet|requirements|policy)|(?:too long|at most)[^.]{0,40}passw"
)
"""What says that a password may be too long."""
FORMS_MOST: Final = 3
"""Ways to send a registration to a route whose form is known."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is needed to become somebody: the model, the way to send, honest requests, and the run's random text."""

    app: App
    courier: Courier
    honest: HonestRequests
    canary: str
    useless: dict[str, str] = field(default_factory=dict[str, str])
    """Who got a credential that opened nothing, and from where."""
    recipes: dict[str, tuple[Route, Request]] = field(default_factory=dict[str, tuple[Route, Request]])
    """The log-in that each person came in by."""
    forms: dict[str, int] = field(default_factory=dict[str, int])
    """The form of an account that a log-in took, by its path: the next person is sent in that one first."""
    entries: dict[str, tuple[Route, Exchange]] = field(default_factory=dict[str, tuple[Route, Exchange]])
    """The log-in of each person whose answer handed out a credential: probes read it and need not log in again."""
    registrations: dict[str, tuple[Route, Exchange]] = field(default_factory=dict[str, tuple[Route, Exchange]])
    """The registration of each person that was taken."""
    asks_basic: set[str] = field(default_factory=set[str])
    """Paths of log-ins that asked for Basic authentication."""
    picky: dict[tuple[str, int], None] = field(default_factory=dict[tuple[str, int], None])
    """Registrations that were turned away for the signs in them: the route's path, and which of the ways it was."""
    bounded: dict[tuple[str, int], None] = field(default_factory=dict[tuple[str, int], None])
    """Registrations that were turned away for the length of their passwords: the route's path, and which of the ways it was."""
    _shut: list[tuple[Exchange, ...]] = field(default_factory=list[tuple[Exchange, ...]])

    def shut(self) -> tuple[Exchange, ...]:
        """Reads that refuse nobody, asked for once."""
        if not self._shut:
            self._shut.append(shut_doors(self.app, self.courier, self.honest))
        return self._shut[0]


def gather(scene: Scene, given: Sequence[Identity]) -> tuple[tuple[Identity, ...], tuple[str, ...]]:
    """Everybody the scan can be, and a line for each who could not be proven. Given ones come first and keep their names."""
    found: list[Identity] = []
    notes: list[str] = []
    for identity in given:
        ready = _with_token(scene, identity) if identity.headers else log_in(scene, identity)
        if ready is not None:
            found.append(ready)
        elif identity.name not in scene.useless:
            notes.append(_why_not(scene, identity))
        if identity.headers and proven(scene.shut(), scene.courier, [identity.headers]).state == "nothing":
            scene.useless[identity.name] = "the command line"
    wanted = [name for name in PEOPLE if name not in {identity.name for identity in found}]
    for name in wanted[: max(0, 2 - len(found))]:
        person = register(scene, name)
        if person is not None:
            found.append(person)
    if not found and not given and (usual := usual_account(scene)) is not None:
        person = log_in(scene, usual)
        if person is not None:
            found.append(person)
            notes.append(TOLD)
    if not found and not given and (person := _whoever(scene)) is not None:
        found.append(person)
    notes.extend(_opened_nothing(scene, name, source) for name, source in scene.useless.items())
    found.extend(minted(scene.app, scene.courier, scene.honest, [one.name for one in found]))
    return tuple(found), tuple(notes)


def _whoever(scene: Scene) -> Identity | None:
    """Somebody by a door that hands out a token without asking for a password; None where none does."""
    if scene.courier.mode == "passive":
        return None
    for route in doors(scene.app, LOGIN):
        names = scene.honest.body(route)
        if not names or any(PASSWORD.search(name) for name in names):
            continue
        exchange = _change(scene, replace(scene.honest(route, "POST"), effect="login"))
        person = holder(scene, Identity(PEOPLE[0], ()), exchange, route) if exchange is not None else None
        if person is not None and person.token is not None:
            return person
    return None


def _why_not(scene: Scene, person: Identity) -> str:
    if scene.courier.mode == "passive":
        return f"{person.name} was not logged in: a passive scan sends no log-in"
    if person.subject is None or person.password is None:
        return f"{person.name} could not log in: a user name and a password are needed"
    if next(doors(scene.app, LOGIN), None) is None:
        return f"{person.name} could not log in: no route looks like a log-in"
    return f"{person.name} could not log in: no login route took the account"


def _opened_nothing(scene: Scene, name: str, source: str) -> str:
    doors_tried = [door.request for door in scene.shut() if door.response.refused]
    shut = [f"{request.method} {request.target.partition('?')[0]}" for request in doors_tried]
    return (
        f"{name}'s credential from {source} opened none of the routes that refuse nobody ({', '.join(shut)}): "
        f"what only {name} may see was not tested"
    )


def log_in(scene: Scene, person: Identity) -> Identity | None:
    """*person* (subject and password known) with a credential that the server gave, or None."""
    if person.subject is None or person.password is None or scene.courier.mode == "passive":
        return None
    password = person.password.reveal()
    for route in doors(scene.app, LOGIN):
        for number, requests in _likely_first(scene, route, person.subject, password):
            if (ready := _logged_in(scene, person, route, requests)) is not None:
                scene.useless.pop(person.name, None)
                scene.forms[route.path] = number
                return ready
            if person.name in scene.useless:
                break  # the account was taken: another body says nothing new of this route
    return _by_basic(scene, person, basic(person.subject, password))


def log_in_again(scene: Scene, person: Identity) -> Identity | None:
    """*person* with a new credential, by the log-in that gave the first one, else by any."""
    route, request = scene.recipes.get(person.name, (None, None))
    if route is not None and request is not None:
        ready = _logged_in(scene, person, route, (request,))
        if ready is not None:
            return ready
        scene.useless.pop(person.name, None)  # a form has a token of its own that is good once
    return log_in(scene, person)


def _login_requests(scene: Scene, route: Route, subject: str, password: str) -> Iterator[tuple[Request, ...]]:
    """The ways to send an account to a route; within one group the first that is plainly answered ends the group."""
    target = scene.honest.prefix + scene.honest.path(route)
    yield _from_page(scene, route, "login", (subject, subject, password))
    for body in accounts_bodies(route, subject, password):
        yield json_of(target, body, "login"), form_of(target, body, "login")
    headers = (("Authorization", basic(subject, password)), ("Accept", "application/json"))
    yield (Request("POST", target, headers, b"", "login"),)


def _likely_first(scene: Scene, route: Route, subject: str, password: str) -> Iterator[tuple[int, tuple[Request, ...]]]:
    """The ways to send an account, each with its number: that which let somebody in before comes first, and Basic authentication as
    soon as the route asks for it. A log-in hashes a password each time, and each that is spared is time."""
    waiting = list(enumerate(_login_requests(scene, route, subject, password)))
    basic_way = waiting[-1]
    waiting.sort(key=lambda way: way[0] != scene.forms.get(route.path))
    if _is_basic(scene.app, route):
        scene.asks_basic.add(route.path)
    while waiting:
        way = basic_way if route.path in scene.asks_basic and basic_way in waiting else waiting[0]
        waiting.remove(way)
        yield way


def _is_basic(app: App, route: Route) -> bool:
    """Whether the document says that this route takes Basic authentication and nothing else."""
    kinds = {app.spec.schemes[name].kind for name in route.spec_security or () if app.spec and name in app.spec.schemes}
    return bool(kinds) and kinds <= {"basic", "http basic"}


def _from_page(scene: Scene, route: Route, effect: Effect, account: tuple[str, str, str]) -> tuple[Request, ...]:
    """What a browser sends from the page at *route*, where there is one that asks a password."""
    if not any("GET" in one.methods for one in scene.app.routes if one.path == route.path):
        return ()
    target = scene.honest.prefix + scene.honest.path(route)
    page = _try(scene.courier, Request("GET", target, (("Accept", "text/html"),)))
    request = entry_request(page, effect, *account) if page is not None and page.response.succeeded else None
    return (request,) if request is not None else ()


def _by_basic(scene: Scene, person: Identity, said: str) -> Identity | None:
    """*person* by HTTP Basic alone, where a route that refuses nobody lets that in."""
    way = (("Authorization", Secret(said)),)
    if proven(scene.shut(), scene.courier, [way]).state != "opened":
        return None
    scene.useless.pop(person.name, None)
    return replace(person, headers=way)


def _logged_in(scene: Scene, person: Identity, route: Route, requests: Sequence[Request]) -> Identity | None:
    for request in requests:
        exchange = _change(scene, request)
        if exchange is None:
            continue
        if (ready := holder(scene, person, exchange, route)) is not None:
            scene.recipes[person.name] = (route, request)
            if lets_in(exchange.response):
                scene.entries.setdefault(person.name, (route, exchange))
            return ready
        if asks_basic(exchange.response):
            scene.asks_basic.add(route.path)
        if exchange.response.status in (404, 405, 429):
            break  # a 401 or 403 to JSON may come from a view that reads a form only
    return None


def register(scene: Scene, name: str) -> Identity | None:
    """A new test person who is registered and logged in, or None where the API takes none. Mode active only."""
    if scene.courier.mode != "active":
        return None
    ready = _registered(scene, name, Secret(f"Aa9!{secrets.token_urlsafe(18)}"))
    if ready is None and scene.picky and name not in scene.useless:
        return _registered(scene, name, Secret(f"Aa9{secrets.token_hex(8)}"), only=tuple(scene.picky))
    if ready is None and scene.bounded and name not in scene.useless:
        ready = _registered(scene, name, Secret(f"Aa9!{secrets.token_hex(3)}"), only=tuple(scene.bounded))
    return ready if ready is not None or name in scene.useless else _as_it_is_told(scene, name)


def _registered(scene: Scene, name: str, password: Secret, only: Sequence[tuple[str, int]] = ()) -> Identity | None:
    subject = f"{name}-{scene.canary}@example.com"
    user = f"{name}{scene.canary}"
    for route in doors(scene.app, REGISTER):
        for number, (request, login) in enumerate(_register_requests(scene, route, subject, user, password)):
            if route.takes_form and number >= FORMS_MOST:
                break  # the page said what it wants, and all others are sent as the same form
            if only and (route.path, number) not in only:
                continue
            exchange = _change(scene, request)
            if exchange is not None and 400 <= exchange.response.status < 500 and _PICKY.search(exchange.response.text):
                scene.picky.setdefault((route.path, number))
            elif (
                exchange is not None
                and 400 <= exchange.response.status < 500
                and _BOUNDED.search(exchange.response.text)
            ):
                scene.bounded.setdefault((route.path, number))
            if exchange is None or not (exchange.response.succeeded or exchange.response.status in (302, 303)):
                continue
            person = Identity(name, (), subject=login, password=password)
            other = replace(person, subject=user if login == subject else subject)
            called = _by_phone(scene, person, request)
            ready = (
                _by_both_names(scene, replace(person, subject=user), subject) if "@" in login and not called else None
            )
            ready = ready or (log_in(scene, called) if called is not None else None)
            ready = ready or log_in(scene, person) or log_in(scene, other) or holder(scene, person, exchange, route)
            if ready is not None:
                scene.useless.pop(name, None)
                scene.registrations[name] = (route, exchange)
                return ready
            if name in scene.useless:
                return None
    return None


def _as_it_is_told(scene: Scene, name: str) -> Identity | None:
    """A test person whose registration is changed after what each refusal tells, beginning with a short name and password."""
    for route in islice(doors(scene.app, REGISTER), 2):
        known, user = scene.honest.body(route), a_short_name()
        if not known or route.takes_form:
            continue
        first = account_body(known, mail=f"{user}@example.com", user=user, password=f"Aa9!{secrets.token_hex(4)}").whole
        target = scene.honest.prefix + scene.honest.path(route)
        taken = until_taken(first, target, partial(_change, scene))
        if taken is None:
            continue
        said, exchange = taken
        scene.honest.told[route.path] = {key: value for key, value in said.items() if known.get(key) != value}
        for subject in islice(subjects_of(said, exchange.response.json()), 4):
            person = Identity(name, (), subject=subject, password=Secret(password_of(said)))
            ready = log_in(scene, person) or holder(scene, person, exchange, route)
            if ready is not None:
                scene.useless.pop(name, None)
                scene.registrations[name] = (route, exchange)
                return ready
    return None


def _by_phone(scene: Scene, person: Identity, made: Request) -> Identity | None:
    """*person* known by the number to call that *made* registered, where the log-in asks for one; None where it does not."""
    for route in islice(doors(scene.app, LOGIN), 1):
        if any(PHONE.search(name) for name in scene.honest.body(route)):
            said = [text for name, text in pairs(sent_by(made)) if PHONE.search(name)]
            return replace(person, subject=said[0]) if said else None
    return None


def _by_both_names(scene: Scene, person: Identity, mail: str) -> Identity | None:
    """*person* by a log-in of which nobody knows what it asks for, with its name and its address where each belongs: one request for all that
    leave aside what they do not ask for."""
    if person.password is None:
        return None
    for route in islice(doors(scene.app, LOGIN), 1):
        known = route.path in scene.forms or route.path in scene.asks_basic or _is_basic(scene.app, route)
        if known or route.fields or route.request_schema or route.takes_form:
            return None
        names = {"username": person.subject, "login": person.subject, "email": mail}
        body: dict[str, object] = {**names, "password": person.password.reveal()}
        target = scene.honest.prefix + scene.honest.path(route)
        if (ready := _logged_in(scene, person, route, (json_of(target, body, "login"),))) is not None:
            scene.useless.pop(person.name, None)
            return ready
    return None


def _register_requests(
    scene: Scene, route: Route, subject: str, user: str, password: Secret
) -> Iterator[tuple[Request, str]]:
    """Requests to register with, and what the person logs in by."""
    for request in _from_page(scene, route, "write", (subject, user, password.reveal())):
        yield request, subject
    target = scene.honest.prefix + scene.honest.path(route)
    for body, login in _registrations(scene, route, subject, user, password):
        yield json_of(target, body, "write"), login
        yield form_of(target, body, "write"), login


def _registrations(
    scene: Scene, route: Route, subject: str, user: str, password: Secret
) -> Iterator[tuple[dict[str, object], str]]:
    """Bodies to register with, and what the person logs in by. The names that a reader knows come first."""
    known = scene.honest.body(route)
    full: dict[str, object] = {"email": subject, "username": user, "name": user, "password": password.reveal()}
    if known:
        made = account_body(known, mail=subject, user=user, password=password.reveal())
        plain = made.plain if made.login else {**full, **made.plain}
        yield plain, made.login or subject
        if made.whole != made.plain:  # a view may not do without what the document names
            yield {**plain, **made.whole}, made.login or subject
    yield full, subject
    yield {"email": subject, "password": password.reveal()}, subject
    yield {"username": user, "password": password.reveal()}, user
    yield {"user": full}, subject


def holder(scene: Scene, person: Identity, exchange: Exchange, route: Route) -> Identity | None:
    """*person* with the credential that an answer handed out, in the form that the API takes; None when it gave none that opens."""
    response = exchange.response
    held = (
        credentials_in(response, exchange.request.header("Cookie") or "")
        if response.succeeded or response.status in (302, 303)
        else None
    )
    if held is None:
        return None
    proof = proven(scene.shut(), scene.courier, list(forms(held, scene.app)))
    if proof.state == "nothing" and held.by_name and not _still_outside(response):
        scene.useless[person.name] = f"POST {route.path}"
    if proof.state == "nothing" or (proof.state == "unknown" and (not held.by_name or _still_outside(response))):
        return None
    issuer = RouteRef("POST", route.path)
    ready = replace(person, headers=proof.way, token=held.token, refresh_token=held.refresh, issued_by=issuer)
    return _with_token(scene, ready, response)


def _with_token(scene: Scene, person: Identity, said: Response | None = None) -> Identity:
    return with_page_token(scene.app, scene.courier, scene.honest, person, said)


def _change(scene: Scene, request: Request) -> Exchange | None:
    """The answer to a log-in or registration; where that wants a token of a page, the answer to it with one."""
    exchange = _try(scene.courier, request)
    if exchange is None or not wants_token(exchange.response):
        return exchange
    return as_visitor(scene.app, scene.courier, scene.honest, exchange) or exchange


def _still_outside(response: Response) -> bool:
    """Whether an answer sends back to the log-in or shows its form again."""
    return response.refused or re.search(r"""(?i)<input[^>]+type=["']?password""", response.text) is not None


def _try(courier: Courier, request: Request) -> Exchange | None:
    try:
        return courier.carry(request)
    except Skipped:
        return None
