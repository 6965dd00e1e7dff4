"""Resets that ask for no proof: a new password is set for whoever is named, or with a token that the answer hands to whoever asks."""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode, urljoin

from stopper.core.account_names import RESETS
from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence
from stopper.core.login_names import PASSWORD, SUBJECT
from stopper.core.naming import as_parameter
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.login import log_in
from stopper.core.probing.accounts.registration import registered, registers
from stopper.core.probing.accounts.reset import mail_of, name_of, reset_tokens, resets, shown_links
from stopper.core.probing.baseline import attempt
from stopper.core.probing.inputs import members
from stopper.core.probing.page_forms import forms_of
from stopper.core.secret import Secret

ROUTES_MOST: Final = 3
_SETS: Final = re.compile(r"(?i)(^|[/_-])(passw(or)?d|pwd)([/_-]|$)")
_PROOF: Final = re.compile(
    r"(?i)(^|_)(token|code|otp|pin|key|hash|answer|signature|nonce|ticket)$|current|old|previous"
)
_CODE: Final = re.compile(r"(?i)(^|_)(token|code|otp|pin|key)$")
_USUAL: Final = (
    "email",
    "username",
    "password",
    "new_password",
    "newPassword",
    "confirm_password",
    "password_confirm",
)
_VERBS: Final = ("POST", "PUT", "PATCH")


def taken_over(target: Target) -> Steps[tuple[str, RouteRef, list[Evidence]] | None]:
    """What sets a password without a proof, with the exchanges: for somebody whom this probe registers, and whose log-in tells."""
    doors = [(route, verb) for route in target.app.routes if _sets(route) for verb in _VERBS if verb in route.methods]
    person = (yield from registered(target)) if doors and target.mode == "active" else None
    if person is None or person.subject is None:
        return None
    asked_for = yield from resets(target, person)
    tokens = {token: asked.exchange for asked in asked_for for token in list(reset_tokens(asked.exchange.response))[:1]}
    for asked in asked_for:
        for link in list(shown_links(asked.exchange.response))[:1]:
            if (taken := (yield from attempt(_by_link(target, person, asked.exchange, link)))) is not None:
                return taken
    for route, verb in doors[:ROUTES_MOST]:
        for token in ("", *tokens):
            new = Secret(f"Cc7!{secrets.token_urlsafe(9)}")
            body = _body(target, route, verb, person, new, token)
            if body is None:
                continue
            honest = target.request_for(route, verb)
            sent = yield from attempt(send(replace(honest, body=json.dumps(body).encode(), identity=None)))
            if sent is None or not sent.response.succeeded:
                continue
            entered = yield from log_in(target, replace(person, headers=(), token=None, password=new))
            if entered is not None:
                what = "with the token that its answer handed out" if token else "for whoever is named"
                evidence = [
                    *_handed(tokens, token),
                    Evidence("exchange", "a new password is set without a proof", sent),
                ]
                evidence.append(Evidence("exchange", "the new password lets in", entered[1]))
                return f"sets a new password {what}, and asks for no proof", RouteRef(verb, route.path), evidence
    return None


def _by_link(
    target: Target, person: Identity, asked: Exchange, link: str
) -> Steps[tuple[str, RouteRef, list[Evidence]] | None]:
    """A link that belongs into a mail stands on the page for whoever asks: its form sets a password, which lets in."""
    page = yield from send(Request("GET", link, (("Accept", "text/html"),)))
    form = (
        next((one for one in forms_of(page.response.text) if one.asks_password), None)
        if page.response.succeeded
        else None
    )
    if form is None:
        return None
    new = Secret(f"Cc7!{secrets.token_urlsafe(9)}")
    said = {name: new.reveal() if kind == "password" else value for name, kind, value in form.fields}
    where = urljoin(link, form.action) if form.action else link
    headers = (("Accept", "text/html"), ("Content-Type", "application/x-www-form-urlencoded"))
    sent = yield from send(Request("POST", where, headers, urlencode(said).encode(), "write"))
    if sent.response.error or sent.response.status >= 400:  # it mostly leads on to the log-in
        return None
    entered = yield from log_in(target, replace(person, headers=(), token=None, password=new))
    if entered is None:
        return None
    evidence = [
        Evidence("exchange", "the page shows the link to whoever asks", asked),
        Evidence("exchange", "its form sets a new password", sent),
        Evidence("exchange", "the new password lets in", entered[1]),
    ]
    told = "shows the link that sets a new password to whoever asks, and asks for no proof"
    return told, RouteRef(asked.request.method, asked.request.target.partition("?")[0]), evidence


def _another(value: object) -> object:
    """Another value of that kind: the last digit is another one, or a sign stands behind it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value + 1
    if not isinstance(value, str):
        return value
    return f"{value[:-1]}{(int(value[-1]) + 1) % 10}" if value[-1:].isdigit() else f"{value}x"


def _handed(tokens: dict[str, Exchange], token: str) -> Iterator[Evidence]:
    if token:
        yield Evidence("exchange", "the answer to whoever asks holds the token", tokens[token])


def _sets(route: Route) -> bool:
    return not route.parameters and bool(RESETS.search(route.path) or _SETS.search(route.path))


def _body(
    target: Target, route: Route, verb: str, person: Identity, new: Secret, token: str
) -> dict[str, object] | None:
    """The body that names the person and a new password, and a token where the probe has one; None where it takes another proof."""
    known = members(target.request_for(route, verb))
    if not known and "spec" in route.readers:
        return None
    known = known or dict.fromkeys((*_USUAL, *(("token", "code", "otp", "pin") if token else ())), "")
    if not any(PASSWORD.search(name) for name in known if not _PROOF.search(as_parameter(name))):
        return None
    registered_with = {
        name for one in target.app.routes if registers(one) for name in members(target.request_for(one, "POST"))
    }
    body: dict[str, object] = {}
    for name, value in known.items():
        said = as_parameter(name)
        if _PROOF.search(said):
            if not token or not _CODE.search(said):
                return None
            body[name] = token
        elif PASSWORD.search(name):
            body[name] = new.reveal()
        elif "mail" in said:
            body[name] = mail_of(person)
        elif SUBJECT.search(name):
            body[name] = name_of(person)
        elif name in registered_with:
            body[name] = _another(value)  # what a person has said of itself may be the proof that is asked for
        else:
            body[name] = value
    return body
