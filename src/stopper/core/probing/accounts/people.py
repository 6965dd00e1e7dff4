"""Ids of people that only a list tells: one that anybody sees, or one for administrators, seen by an administrator whom the scan makes itself."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, cast

from stopper.core.answers.cookie_flags import cookies_of
from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.account_body import RIGHTS, beside_the_password
from stopper.core.probing.accounts.accounts import likeliest_first
from stopper.core.probing.accounts.login import known_log_in
from stopper.core.probing.accounts.registration import logged_in, new_account, registers
from stopper.core.probing.baseline import attempt, is_door
from stopper.core.probing.inputs import members
from stopper.core.probing.shared import found_once
from stopper.core.probing.things.objects import entries, ids
from stopper.core.secret import Secret

LISTS_MOST: Final = 3
_PEOPLE: Final = re.compile(
    r"(?i)(^|[/_-])(all_?)?(users?|people|persons?|accounts?|members?|customers?|profiles?|employees?|patients?)/?(all|list)?/?$"
)
_HIGH: Final[dict[str, object]] = {"role": "admin", "is_admin": True, "admin": True}


def number_in_lists(target: Target, person: Identity, parameter: str) -> Steps[str | None]:
    """The id of *person* in a list of people, as the person sees it, else as an administrator does; looked for once."""
    key = f"the id of {person.name} by {parameter} in a list"
    return (yield from found_once(target, key, lambda: _looked_up(target, person, parameter)))


def _looked_up(target: Target, person: Identity, parameter: str) -> Steps[str | None]:
    for route in list(_lists(target))[:LISTS_MOST]:
        request = target.request_for(route, "GET")
        seen = yield from attempt(send(person.on(request)))
        if seen is not None and not seen.response.succeeded:
            admin = yield from found_once(target, "an administrator of this scan's own", lambda: _administrator(target))
            seen = (yield from attempt(send(admin.on(request)))) if admin is not None else None
        entry = _entry(seen, person) if seen is not None and seen.response.succeeded else None
        if entry is not None and (number := next(ids(entry, parameter), None)) is not None:
            return number
    return None


def _lists(target: Target) -> Iterator[Route]:
    return (
        one
        for one in target.app.routes
        if "GET" in one.methods and not one.parameters and not is_door(one) and _PEOPLE.search(one.path)
    )


def _entry(seen: Exchange, person: Identity) -> dict[str, object] | None:
    names = {one.lower() for one in (person.subject, person.name if person.subject is None else None) if one}
    return next(
        (
            one
            for one in entries(seen.response.json())
            if any(isinstance(value, str) and value.lower() in names for value in one.values())
        ),
        None,
    )


def _administrator(target: Target) -> Steps[Identity | None]:
    """Somebody who gives himself the role at registration, where the API lets him; mode active only."""
    if target.mode != "active":
        return None
    for route in likeliest_first(target, filter(registers, target.app.routes))[:1]:
        request = target.request_for(route, "POST")
        person, body = new_account(members(request))
        rights = {
            name: "admin" if isinstance(value, str) else True for name, value in _rights(members(request)).items()
        }
        sent = beside_the_password(body, rights or _HIGH)
        made = yield from attempt(send(replace(request, body=json.dumps(sent).encode())))
        if made is not None and made.response.succeeded:
            return (yield from logged_in(target, person))
    return None


def _rights(known: dict[str, object]) -> dict[str, object]:
    inner = [cast("dict[str, object]", value) for value in known.values() if isinstance(value, dict)]
    return {name: value for some in (known, *inner) for name, value in some.items() if RIGHTS.search(name)}


def by_cookie(target: Target, person: Identity) -> Identity | None:
    """*person* by the cookies that came with its log-in, where it shows a token otherwise: pages beside an API want them."""
    entered = known_log_in(target, person)
    if entered is None or person.cookies:
        return None
    held = cookies_of(entered.response)
    return replace(person, headers=(("Cookie", Secret(held)),)) if held else None
