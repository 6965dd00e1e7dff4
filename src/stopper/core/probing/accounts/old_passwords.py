"""A change of a password that asks for the old one beside a name: whoever may guess there needs no log-in to find it."""

import json
import re
import secrets
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Evidence
from stopper.core.login_names import PASSWORD, SUBJECT
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.registration import registered
from stopper.core.probing.baseline import attempt, says_nothing
from stopper.core.probing.burst import announces
from stopper.core.probing.inputs import members

ATTEMPTS: Final = 12
"""Wrong passwords, as at a log-in."""
_OLD: Final = re.compile(r"(?i)(old|current|existing|present|previous)[_-]?(pass\w*|pwd|pw)")
_REFUSED: Final = re.compile(
    r"(?i)\b(wrong|incorrect|invalid|bad)\b.{0,30}\bpassw\w*|\bpassw\w*.{0,30}\b(wrong|incorrect|invalid|not (match|correct|valid)|(does|did)(?: not|n't) match|mismatch)"
)
"""A refusal that speaks of the password: the name was found."""
_FORMAT: Final = re.compile(r"(?i)pattern|format|characters|must be|at least|required|missing|strong|weak|confirm")


def asked_old_passwords(target: Target) -> Steps[list[tuple[RouteRef, list[Evidence]]]]:
    """The routes that took wrong old passwords without an end for somebody whom the probe registered, from another one, each with the proof."""
    doors = [
        (route, method) for route in target.app.routes for method in ("POST", "PUT") if _asks(target, route, method)
    ]
    person = (yield from attempt(registered(target))) if doors and target.mode == "active" else None
    guesser = (yield from attempt(registered(target))) if person is not None else None
    found: list[tuple[RouteRef, list[Evidence]]] = []
    if person is None or person.password is None or guesser is None:
        return found
    for route, method in doors[:1]:
        proof = yield from attempt(_guessed(target, route, method, person, guesser))
        found += [(RouteRef(method, route.path), proof)] if proof is not None else []
    return found


def _asks(target: Target, route: Route, method: str) -> bool:
    """Whether the body says whose password is changed, and asks for the old one."""
    if method not in route.methods or route.parameters:
        return False
    body = members(target.request_for(route, method))
    names = [name for name in body if SUBJECT.search(name) and not PASSWORD.search(name)]
    return bool(names) and any(map(_OLD.fullmatch, body)) and any(_sets(name) for name in body)


def _sets(name: str) -> bool:
    return PASSWORD.search(name) is not None and _OLD.fullmatch(name) is None


def _guessed(
    target: Target, route: Route, method: str, person: Identity, guesser: Identity
) -> Steps[list[Evidence] | None]:
    """The first and the last wrong one, each refused in the same words, and the right one, which the guesser would have found now."""
    first = yield from send(guesser.on(_with(target, route, method, person, secrets.token_hex(8))))
    if not _refuses(first.response):
        return None
    last = first
    for _ in range(1, ATTEMPTS):
        last = yield from send(guesser.on(_with(target, route, method, person, secrets.token_hex(8))))
        if not _refuses(last.response) or last.response.status != first.response.status:
            return None
    own = person.password.reveal() if person.password is not None else ""
    right = yield from send(guesser.on(_with(target, route, method, person, own)))
    if not right.response.succeeded or right.response.refused or _refuses(right.response):
        return None
    return [*_told(first, last), Evidence("exchange", "the right one after all the wrong ones is taken at once", right)]


def _told(first: Exchange, last: Exchange) -> list[Evidence]:
    return [
        Evidence("exchange", "the first wrong old password", first),
        Evidence("exchange", f"wrong old password number {ATTEMPTS}: nothing has changed", last),
    ]


def _with(target: Target, route: Route, method: str, person: Identity, old: str) -> Request:
    """The change for *person*, who keeps the password that it has where *old* is the right one."""
    honest = target.request_for(route, method)
    own = person.password.reveal() if person.password is not None else old
    body = {
        name: old
        if _OLD.fullmatch(name)
        else own
        if PASSWORD.search(name)
        else f"{person.name}@example.com"
        if "mail" in name.lower()
        else person.subject
        if SUBJECT.search(name)
        else value
        for name, value in members(honest).items()
    }
    return replace(honest, body=json.dumps(body).encode(), effect="login")


def _refuses(response: Response) -> bool:
    if announces(response) or says_nothing(response) or response.status >= 500:
        return False
    return _REFUSED.search(response.text) is not None and not _FORMAT.search(response.text)
