"""An account that anybody knows, found where nobody was given and the API takes no test person: what it opens is open to anybody."""

import secrets
from collections.abc import Iterator
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.login_names import BEST, LOGIN, PASSWORD, SUBJECT
from stopper.core.people.usual_accounts import PAIRS
from stopper.core.probe import Identity, Skipped
from stopper.core.probing.accounts.login import asks_basic, basic, lets_in, token_in, understood
from stopper.core.secret import Secret
from stopper.scan.people.doors import accounts_bodies, doors, form_of, json_of
from stopper.scan.people.scene import Scene
from stopper.scan.spec.sample import sample

NAME: Final = "default"
"""What the report calls the person; the account itself stands with the finding that proves it."""
ROUTES: Final = 2
"""Log-ins at which the accounts are tried."""
ANYBODY_MOST: Final = 2
"""Ways to send an account by which somebody who does not exist is tried: the usual names as JSON and as a form."""
TOLD: Final = (
    f"nobody was given and the API took no test person: the scan went on as {NAME!r}, by a default account that the API lets in "
    "(default-account-enabled) or by the one that its document shows"
)


def usual_account(scene: Scene) -> Identity | None:
    """Whom a log-in lets in by one of the commonest accounts but not with another password; not logged in yet. Mode active only."""
    if scene.courier.mode != "active":
        return None
    for route in list(doors(scene.app, LOGIN))[:ROUTES]:
        if (anybody := _anybody(scene, route)) is not None:
            return anybody
        known = way_in(scene, route)
        for subject, password in (*_shown(route), *PAIRS) if known is not None else ():
            exchange = sent(scene, ways(scene, route, subject, password)[known or 0])
            if exchange is None or exchange.response.status == 429:
                break
            if not lets_in(exchange.response):
                continue
            wrong = sent(scene, ways(scene, route, subject, secrets.token_hex(8))[known or 0])
            if wrong is None or lets_in(wrong.response):
                break
            return Identity(NAME, (), subject=subject, password=Secret(password), guessed=True)
    return None


def _shown(route: Route) -> Iterator[tuple[str, str]]:
    """The account that the document shows as an example of what the log-in takes: what is made up is another one each time."""
    bodies = [sample(route.request_schema, canary) for canary in ("a", "b")] if route.request_schema else []
    said = [cast("dict[str, object]", body) for body in bodies if isinstance(body, dict)]
    fixed = {
        name: value
        for name, value in (said[0].items() if len(said) > 1 else ())
        if isinstance(value, str) and value and said[1].get(name) == value
    }
    subject = next((value for name, value in fixed.items() if SUBJECT.search(name) and not PASSWORD.search(name)), "")
    password = next((value for name, value in fixed.items() if PASSWORD.search(name)), "")
    if subject and password:
        yield subject, password


def _anybody(scene: Scene, route: Route) -> Identity | None:
    """Somebody who does not exist, where the log-in gives a token to whoever asks."""
    if not BEST.search(route.path):
        return None
    subject, password = f"nobody-{scene.canary}", secrets.token_hex(8)
    for request in ways(scene, route, subject, password)[:ANYBODY_MOST]:
        exchange = sent(scene, request)
        if exchange is None or not token_in(exchange.response) or not lets_in(exchange.response):
            continue
        return Identity(NAME, (), subject=subject, password=Secret(password), guessed=True)
    return None


def way_in(scene: Scene, route: Route) -> int | None:
    """The form in which the route reads an account and refuses one that cannot exist."""
    for number, request in enumerate(ways(scene, route, f"nobody-{scene.canary}", secrets.token_hex(8))):
        exchange = sent(scene, request)
        if exchange is None or exchange.response.status in (405, 429) or lets_in(exchange.response):
            return None
        if understood(exchange.response) and (request.header("Authorization") or not asks_basic(exchange.response)):
            return number
    return None


def ways(scene: Scene, route: Route, subject: str, password: str) -> list[Request]:
    """An account as the route may read it: as JSON, as a form, by Basic authentication; first as a form where a page has one."""
    target = scene.honest.prefix + scene.honest.path(route)
    makes = (form_of, json_of) if route.takes_form else (json_of, form_of)
    ways = [make(target, body, "login") for body in accounts_bodies(route, subject, password) for make in makes]
    said = (("Authorization", basic(subject, password)), ("Accept", "application/json"))
    return [*ways, Request("POST", target, said, b"", "login")]


def sent(scene: Scene, request: Request) -> Exchange | None:
    try:
        return scene.courier.carry(request)
    except Skipped:
        return None
