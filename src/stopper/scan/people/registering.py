"""Registers a test person where the application takes one, and logs it in."""

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Request
from stopper.core.login_names import LOGIN, pairs
from stopper.core.probe import Identity
from stopper.core.probing.accounts.account_body import PHONE, account_body
from stopper.core.probing.turned_away import turned_away
from stopper.core.secret import Secret
from stopper.scan.people.doors import REGISTER, doors, form_of, json_of
from stopper.scan.people.logging_in import change, from_page, holder, is_basic, log_in, logged_in
from stopper.scan.people.scene import Scene
from stopper.scan.people.second_step import confirmed
from stopper.scan.people.told_bodies import a_short_name, of_account, password_of, sent_by, subjects_of, until_taken

_PICKY: Final = re.compile(
    r"(?i)pattern|alpha-?numeric|letters and (?:numbers|digits)|(?:illegal|invalid|forbidden|unsupported) character|only contain"
)
_BOUNDED: Final = re.compile(
    r"(?i)passw\w*[^.]{0,60}(?:too long|at most|no more than|maximum|between|exceed|not meet|requirements|policy)|(?:too long|at most)[^.]{0,40}passw"
)
"""What says that a password may be too long."""
_PLAIN: Final[dict[str, object]] = {"email": "", "username": "", "name": "", "password": ""}
"""What is sent first to a registration of which nobody knows what it reads."""
_USUAL: Final = frozenset({"email", "username", "name", "login", "user", "password"})
FORMS_MOST: Final = 3
"""Ways to send a registration to a route whose form is known."""


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
            if route.path in scene.limited:
                break
            if only and (route.path, number) not in only:
                continue
            exchange = change(scene, request if "POST" in route.methods else replace(request, method="PUT"))
            if exchange is not None and exchange.response.status == 429:
                scene.limited.add(route.path)
            if exchange is not None and 400 <= exchange.response.status < 500 and _PICKY.search(exchange.response.text):
                scene.picky.setdefault((route.path, number))
            elif (
                exchange is not None
                and 400 <= exchange.response.status < 500
                and _BOUNDED.search(exchange.response.text)
            ):
                scene.bounded.setdefault((route.path, number))
            if exchange is None or turned_away(exchange.response):
                continue
            person = Identity(name, (), subject=login, password=password)
            said: object = sent_by(request)
            if not scene.honest.body(route) and request.body[:1] == b"{":
                scene.honest.learned[route.path] = _names(said)
            _remember(scene, said)
            further = confirmed(scene, exchange, said)
            scene.own.update((subject, user))
            scene.courier.known.registered.append((login, subject, user))
            other = replace(person, subject=user if login == subject else subject)
            called = _by_phone(scene, person, request)
            ready = (
                _by_both_names(scene, replace(person, subject=user), subject) if "@" in login and not called else None
            )
            ready = ready or (log_in(scene, called) if called is not None else None)
            ready = ready or log_in(scene, person) or log_in(scene, other) or holder(scene, person, exchange, route)
            ready = ready or (holder(scene, person, further, route) if further is not None else None)
            if ready is not None:
                scene.useless.pop(name, None)
                scene.registrations[name] = (route, exchange)
                return ready
            if name in scene.useless:
                return None
            if any(door.path in scene.limited for door in doors(scene.app, LOGIN)):
                scene.limited.add(
                    route.path
                )  # somebody is registered, and nobody comes in: a second one would not either
    return None


def _names(said: object) -> tuple[str, ...]:
    return tuple(cast("dict[str, object]", said)) if isinstance(said, dict) else ()


def _as_it_is_told(scene: Scene, name: str) -> Identity | None:
    """A test person whose registration is changed after what each refusal tells, beginning with a short name and password."""
    for route in islice(doors(scene.app, REGISTER), 2):
        if route.path in scene.tells_nothing or route.path in scene.limited:
            continue
        known, user = scene.honest.body(route), a_short_name()
        account = (f"{user}@example.com", user, f"Aa9!@#%{secrets.token_hex(3)}")
        first = account_body(known or _PLAIN, mail=account[0], user=user, password=account[2]).whole
        target = scene.honest.prefix + scene.honest.path(route)
        unread = not known and route.readers <= {"wire"}
        for make in (form_of,) if route.takes_form else (json_of, form_of) if unread else (json_of,):
            taken = until_taken(first, target, partial(change, scene), account, make)
            if taken is not None:
                break
        else:
            scene.tells_nothing.add(route.path)
            continue
        said, exchange = taken
        scene.honest.told[route.path] = {key: value for key, value in said.items() if known.get(key) != value}
        _remember(scene, said)
        further = confirmed(scene, exchange, said)
        told = subjects_of(said, exchange.response.json())  # what nobody else is called comes first
        subjects = tuple(islice(sorted(told, key=lambda text: text not in account[:2]), 4))
        scene.courier.known.registered.append(subjects)
        for subject in subjects:
            person = Identity(name, (), subject=subject, password=Secret(password_of(said)))
            scene.own.add(subject)
            ready = log_in(scene, person) or holder(scene, person, exchange, route)
            ready = ready or (holder(scene, person, further, route) if further is not None else None)
            if ready is not None:
                scene.useless.pop(name, None)
                scene.registrations[name] = (route, exchange)
                return ready
    return None


def _remember(scene: Scene, said: object) -> None:
    """Keep what an account is called, by each of its subjects, where the names are none that every log-in is tried with."""
    names = of_account(said)
    if names and not set(names) <= _USUAL:
        for _, text in pairs(names):
            scene.said.setdefault(text, names)


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
        known = route.path in scene.forms or route.path in scene.asks_basic or is_basic(scene.app, route)
        if known or route.fields or route.request_schema or route.takes_form:
            return None
        names = {"username": person.subject, "login": person.subject, "email": mail}
        body: dict[str, object] = {**names, "password": person.password.reveal()}
        target = scene.honest.prefix + scene.honest.path(route)
        if (ready := logged_in(scene, person, route, (json_of(target, body, "login"),))) is not None:
            scene.useless.pop(person.name, None)
            return ready
    return None


def _register_requests(
    scene: Scene, route: Route, subject: str, user: str, password: Secret
) -> Iterator[tuple[Request, str]]:
    """Requests to register with, and what the person logs in by."""
    for request in from_page(scene, route, "write", (subject, user, password.reveal())):
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
