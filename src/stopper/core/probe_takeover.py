"""Resets that ask for no proof: a new password is set for whoever is named, or with a token that the answer hands to whoever asks."""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.account_names import RESETS
from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence
from stopper.core.login_names import PASSWORD, SUBJECT
from stopper.core.naming import as_parameter
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probe_baseline import attempt
from stopper.core.probe_inputs import members
from stopper.core.probe_login import log_in
from stopper.core.probe_registration import registered, registers
from stopper.core.probe_reset import mail_of, name_of, reset_tokens, resets
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
    tokens = {
        token: asked.exchange
        for asked in (yield from resets(target, person))
        for token in list(reset_tokens(asked.exchange.response))[:1]
    }
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
