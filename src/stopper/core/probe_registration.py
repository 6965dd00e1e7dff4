"""People whom a probe registers itself, so that nothing is changed about anybody who was there before."""

import json
import secrets
from dataclasses import replace

from stopper.core.account_body import account_body, texts_of
from stopper.core.account_names import REGISTERS
from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probe_baseline import attempt
from stopper.core.probe_inputs import members
from stopper.core.probe_login import log_in, token_in
from stopper.core.secret import Secret


def registers(route: Route) -> bool:
    """That the route takes new accounts, by its path."""
    return "POST" in route.methods and not route.parameters and bool(REGISTERS.search(route.path))


def new_account(known: dict[str, object]) -> tuple[Identity, dict[str, object]]:
    """A new person, and the body that registers it: the names that a reader knows, or the usual ones."""
    user, password = f"stp{secrets.token_hex(6)}", f"Aa9!{secrets.token_urlsafe(18)}"
    wanted = known or dict.fromkeys(("username", "email", "name", "password"), "")
    body = account_body(wanted, mail=f"{user}@example.com", user=user, password=password).whole
    said = texts_of(body)
    subject = next((one for one in (user, f"{user}@example.com") if one in said), None)
    return Identity(user, (), subject=subject, password=Secret(password)), body


def logged_in(target: Target, person: Identity) -> Steps[Identity | None]:
    """*person* with the bearer token of a log-in; None where none is given out."""
    return holding(person, (yield from attempt(log_in(target, person))))


def holding(person: Identity, let_in: tuple[Route, Exchange] | None) -> Identity | None:
    """*person* with the bearer token that a log-in handed out; None where it handed out none."""
    token = token_in(let_in[1].response) if let_in is not None else None
    return replace(person, headers=(("Authorization", Secret(f"Bearer {token}")),)) if token else None


def registered(target: Target) -> Steps[Identity | None]:
    """A new person who is registered and logged in with a bearer token; None where the API takes none."""
    for route in [one for one in target.app.routes if registers(one)][:2]:
        request = target.request_for(route, "POST")
        person, body = new_account(members(request))
        made = yield from attempt(send(replace(request, body=json.dumps(body).encode())))
        if made is not None and made.response.succeeded and (ready := (yield from logged_in(target, person))):
            return ready
    return None
