"""People whom a probe registers itself, so that nothing is changed about anybody who was there before."""

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from stopper.core.account_names import REGISTERS
from stopper.core.answers.cookie_flags import cookies_of
from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.keys.random_words import random_mark
from stopper.core.login_names import KEY_NAMES, PASSWORD, named
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.account_body import PHONE, account_body, phone_of, texts_of
from stopper.core.probing.accounts.accounts import likeliest_first, registered_at, registration_at, takes_accounts
from stopper.core.probing.accounts.login import known_log_in, log_in, login_routes, token_in
from stopper.core.probing.baseline import attempt
from stopper.core.probing.inputs import members
from stopper.core.probing.missing import missing_members, usual
from stopper.core.probing.shared import found_once
from stopper.core.secret import Secret


def registers(route: Route) -> bool:
    """That the route takes new accounts, by its path."""
    return "POST" in route.methods and not route.parameters and bool(REGISTERS.search(route.path))


def new_account(known: dict[str, object], like: Exchange | None = None) -> tuple[Identity, dict[str, object]]:
    """A new person, and the body that registers it: the names that a reader knows, or the usual ones. The password is of letters and digits alone
    where that with which somebody was registered before, *like* so, had to be."""
    user, password = f"stp{random_mark(4)}", f"Aa9!{secrets.token_urlsafe(9)}"
    before = (
        [value for name, value in members(like.request).items() if PASSWORD.search(name)] if like is not None else []
    )
    if any(isinstance(one, str) and one.isalnum() for one in before):
        password = f"Aa9{secrets.token_hex(8)}"
    wanted = known or dict.fromkeys(("username", "email", "name", "password"), "")
    body = account_body(wanted, mail=f"{user}@example.com", user=user, password=password).whole
    said = texts_of(body)
    subject = next((one for one in (user, f"{user}@example.com") if one in said), None)
    return Identity(user, (), subject=subject, password=Secret(password)), body


def let_in(target: Target, person: Identity, beside: str = "") -> Steps[tuple[Identity, tuple[Route, Exchange]] | None]:
    """A new *person*, registered at the path *beside*, with what the log-in handed out, and the log-in: by the name or by the address, as its
    body asks; None where it lets in by neither."""
    if person.subject is None:
        return None
    ways = [person.subject, *(one for one in (person.name, f"{person.name}@example.com") if one != person.subject)]
    body = {
        name: value
        for route in login_routes(target)[:1]
        for name, value in members(target.request_for(route, "POST")).items()
    }
    asks = " ".join(body)
    if "mail" in asks.lower() and not re.search(r"(?i)user|login|\bname", asks):
        ways.sort(key=lambda way: "@" not in way)
    elif called := next((phone_of(person.name, like) for name, like in body.items() if PHONE.search(name)), None):
        ways = [called, *ways] if not re.search(r"(?i)mail|user|login|\bname", asks) else ways
    for subject in ways[:2]:
        known = replace(person, subject=subject)
        entry = yield from attempt(log_in(target, known, beside))
        if entry is not None:
            return known, entry
    return None


def logged_in(target: Target, person: Identity) -> Steps[Identity | None]:
    """*person* with the credential of a log-in; None where none is given out."""
    found = yield from let_in(target, person)
    return holding(target, *found) if found is not None else None


def holding(target: Target, person: Identity, entry: tuple[Route, Exchange]) -> Identity | None:
    """*person* with what a log-in handed out: a token or a key, shown as the scan's people show theirs, else cookies; None where it handed out
    nothing."""
    answer, held = entry[1].response, cookies_of(entry[1].response)
    cookie = (("Cookie", Secret(held)),) if held else ()
    if text := token_in(answer) or named(answer.json(), KEY_NAMES):
        headers = _as_others_show_it(target, text) or (("Authorization", Secret(f"Bearer {text}")),)
        return replace(person, headers=(*headers, *cookie) if _show_cookies(target) else headers)
    return replace(person, headers=cookie) if cookie else None


def _show_cookies(target: Target) -> bool:
    """Whether those of the scan's people who logged in are known by cookies, though a token may open other doors beside."""
    return any(one.cookies and known_log_in(target, one) is not None for one in target.identities)


def _as_others_show_it(target: Target, text: str) -> tuple[tuple[str, Secret], ...]:
    """The headers of somebody of the scan, with *text* in the place of what that person's own log-in handed out."""
    for one in target.identities:
        entered = known_log_in(target, one)
        told = named(entered.response.json(), KEY_NAMES) if entered is not None else None
        own = one.token.reveal() if one.token else told
        for name, value in one.headers:
            if own and own in value.reveal():
                return ((name, Secret(value.reveal().replace(own, text))),)
    return ()


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A new person with a credential, and the exchanges by which it was registered and let in."""

    person: Identity
    made: Exchange
    entered: Exchange


def enrolled(target: Target) -> Steps[Enrolled | None]:
    """A new person who is registered and logged in; None where the API takes none."""
    came = {one.path for one in registered_at(target)}
    takes = [
        one
        for one in target.app.routes
        if registers(one) or takes_accounts(one) or ("POST" in one.methods and one.path in came)
    ]
    for route in likeliest_first(target, takes)[:2]:
        person, request = _new_person(target, route)
        made = yield from attempt(send(request))
        if made is not None and (lacks := missing_members(made.response.text, members(request))) and _refuses(made):
            person, request = _new_person(target, route, lacks)
            made = yield from attempt(send(request))
        if made is None or not (made.response.succeeded or made.response.status in (302, 303)):
            continue
        found = yield from let_in(target, person, route.path)
        ready = holding(target, *found) if found is not None else None
        if found is not None and ready is not None:
            return Enrolled(ready, made, found[1][1])
    return None


def newcomer(target: Target, which: str) -> Steps[Enrolled | None]:
    """Somebody whom the scan has registered for all its probes, with what it was told then, be the account shown anywhere or not."""
    return (yield from found_once(target, f"somebody new, the {which}", lambda: enrolled(target)))


def _refuses(made: Exchange) -> bool:
    """Whether the body was refused, and of a kind to which members can be added."""
    return made.response.status in (400, 422) and bool(members(made.request))


def _new_person(target: Target, route: Route, lacks: Sequence[str] = ()) -> tuple[Identity, Request]:
    """A new person, and what registers it at *route*: the form by which somebody of the scan came, which may have a token of its own, or
    what a well-meaning client sends, with what a refusal says that it *lacks*."""
    known = registration_at(target, route)
    sent = known.request if known is not None else None
    if sent is not None and "form" in (sent.header("Content-Type") or ""):
        fields: dict[str, object] = dict(parse_qsl(sent.body.decode("utf-8", "replace"), keep_blank_values=True))
        person, body = new_account(fields, known)
        return person, replace(sent, body=urlencode({name: str(value) for name, value in body.items()}).encode())
    request = target.request_for(route, "POST")
    person, body = new_account({**members(request), **{name: usual(name, "") for name in lacks}}, known)
    return person, replace(request, body=json.dumps(body).encode())


def registered(target: Target) -> Steps[Identity | None]:
    """A new person who is registered and logged in; None where the API takes none."""
    new = yield from enrolled(target)
    return new.person if new is not None else None
