"""Who the scan can be: given, logged in with given accounts, registered as test people, or minted with the application's key."""

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request
from stopper.core.login_names import LOGIN
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Skipped
from stopper.core.secret import Secret
from stopper.scan.credential import credential_headers, credentials_in
from stopper.scan.doors import REGISTER, accounts_bodies, doors, form_of, json_of
from stopper.scan.honest import HonestRequests
from stopper.scan.mint import minted
from stopper.scan.wire.courier import Courier

PEOPLE: Final = ("alice", "bob")


@dataclass(frozen=True, slots=True)
class Scene:
    """What is needed to become somebody: the model, the way to send, honest requests, and the run's random text."""

    app: App
    courier: Courier
    honest: HonestRequests
    canary: str


def gather(scene: Scene, given: Sequence[Identity]) -> tuple[tuple[Identity, ...], tuple[str, ...]]:
    """Everybody the scan can be, and a line for each who could not be proven. Given ones come first and keep their names."""
    found: list[Identity] = []
    notes: list[str] = []
    for identity in given:
        ready = identity if identity.headers else log_in(scene, identity)
        if ready is None:
            notes.append(f"{identity.name} could not log in: no login route took the account")
        else:
            found.append(ready)
    wanted = [name for name in PEOPLE if name not in {identity.name for identity in found}]
    for name in wanted[: max(0, 2 - len(found))]:
        person = register(scene, name)
        if person is not None:
            found.append(person)
    found.extend(minted(scene.app, scene.courier, scene.honest, [one.name for one in found]))
    return tuple(found), tuple(notes)


def log_in(scene: Scene, person: Identity) -> Identity | None:
    """*person* (subject and password known) with a credential that the server gave, or None."""
    if person.subject is None or person.password is None or scene.courier.mode == "passive":
        return None
    for route in doors(scene.app, LOGIN):
        for body in accounts_bodies(route, person.subject, person.password.reveal()):
            if (ready := _logged_in(scene, person, route, body)) is not None:
                return ready
    return None


def _logged_in(scene: Scene, person: Identity, route: Route, body: dict[str, object]) -> Identity | None:
    target = scene.honest.prefix + scene.honest.path(route)
    for request in (json_of(target, body, "login"), form_of(target, body, "login")):
        exchange = _try(scene.courier, request)
        if exchange is None:
            continue
        if (ready := holder(scene, person, exchange, route)) is not None:
            return ready
        if exchange.response.status in (404, 405, 429):
            break  # a 401 or 403 to JSON may come from a view that reads a form only
    return None


def register(scene: Scene, name: str) -> Identity | None:
    """A new test person who is registered and logged in, or None where the API takes none. Mode active only."""
    if scene.courier.mode != "active":
        return None
    subject = f"{name}-{scene.canary}@example.com"
    password = Secret(f"Aa9!{secrets.token_urlsafe(18)}")
    user = f"{name}{scene.canary}"
    for route in doors(scene.app, REGISTER):
        for body, login in _registrations(scene, route, subject, user, password):
            person = Identity(name, (), subject=login, password=password)
            target = scene.honest.prefix + scene.honest.path(route)
            for request in (json_of(target, body, "write"), form_of(target, body, "write")):
                exchange = _try(scene.courier, request)
                if exchange is None or not (exchange.response.succeeded or exchange.response.status in (302, 303)):
                    continue
                ready = log_in(scene, person) or log_in(
                    scene, replace(person, subject=user if login == subject else subject)
                )
                if ready is None:
                    ready = holder(scene, person, exchange, route)
                if ready is not None:
                    return ready
    return None


def _registrations(
    scene: Scene, route: Route, subject: str, user: str, password: Secret
) -> Iterator[tuple[dict[str, object], str]]:
    """Bodies to register with, and what the person logs in by. The names that a reader knows come first."""
    known = scene.honest.body(route)
    full: dict[str, object] = {"email": subject, "username": user, "name": user, "password": password.reveal()}
    if known:
        body: dict[str, object] = {}
        login = ""
        for key, value in known.items():
            lowered = key.lower()
            if re.search(r"passw|pwd", lowered):
                body[key] = password.reveal()
            elif "mail" in lowered:
                body[key] = login = subject
            elif re.search(r"user|login|name", lowered):
                body[key] = user
                login = login or user
            elif not re.search(r"role|admin", lowered):
                body[key] = value
        yield (body, login) if login else ({**full, **body}, subject)
    yield full, subject
    yield {"email": subject, "password": password.reveal()}, subject
    yield {"username": user, "password": password.reveal()}, user


def holder(scene: Scene, person: Identity, exchange: Exchange, route: Route) -> Identity | None:
    """*person* with the credential that an answer handed out, in the form that the API takes; None when it gave none."""
    if not (exchange.response.succeeded or exchange.response.status in (302, 303)):
        return None
    held = credentials_in(exchange.response)
    if held is None:
        return None
    headers = credential_headers(scene.app, scene.courier, scene.honest, held)
    issuer = RouteRef("POST", route.path)
    return replace(person, headers=headers, token=held.token, refresh_token=held.refresh, issued_by=issuer)


def _try(courier: Courier, request: Request) -> Exchange | None:
    try:
        return courier.carry(request)
    except Skipped:
        return None
