"""Where an API lets people in and out, and how a probe logs in there with an account that the scan knows."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from stopper.core.answers.cookie_flags import sets_credential
from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.login_names import (
    BEST,
    KEY_NAMES,
    LOGIN,
    LOGOUT,
    PASSWORD,
    SUBJECT,
    in_headers,
    named,
    token_named,
)
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.shared import found_once

ENTERED: Final = "how somebody came in:"
"""Begins the names under which ``target.notes`` keeps the log-in of a person."""

REGISTERED: Final = "how somebody registered:"
"""Begins the names under which ``target.notes`` keeps the registration of a person."""

_ASKS_AGAIN: Final = re.compile(r"""(?i)<input[^>]{1,400}type\s*=\s*["']?password""")
FORM: Final = "x-www-form-urlencoded"
FIELDS_MOST: Final = 4
"""Fields of a form that logs in: a box to be remembered may be among them."""
_OPENS: Final = re.compile(
    r"(?i)regist|sign-?up|join|create|enroll|change|reset|recover|restore|forgot|update|profile|settings|account|new|"
    r"delete|deleting|deletion|remov|destroy|erase|disable|deactivat|revoke|unlink|unregister|unsubscribe|close|cancel|"
    r"(^|[/_-])(add|invite|pass\w*|pwd?|(user|member|employee|customer|client|student|teacher|patient|author|owner)s?|admins|people|staff)(/|$)"
)
_NEW: Final = re.compile(r"(?i)new|old|current|confirm|repeat|again|retype|verif")
"""Fields beside which a password is given anew."""


def login_routes(target: Target) -> list[Route]:
    """Routes that take a log-in by POST, the plainest names first."""
    found = [
        route
        for route in target.app.routes
        if "POST" in route.methods and (is_log_in_form(route) or (not route.parameters and LOGIN.search(route.path)))
    ]
    return sorted(found, key=lambda route: (not BEST.search(route.path), len(route.path), route.path))


def is_log_in_form(route: Route) -> bool:
    """Whether a form asks a name and one password and nothing else, wherever it is sent: the start page may be the log-in."""
    if not route.takes_form or _OPENS.search(route.path):
        return False
    if "wire" not in route.readers and (route.path != "/" or "spec" not in route.readers):
        return False  # what a document says of a form elsewhere is known by its path
    fields = route.fields or route.body_names
    if any(_NEW.search(name) for name in fields):
        return False
    passwords = [name for name in fields if PASSWORD.search(name)]
    names = [name for name in fields if SUBJECT.search(name) and name not in passwords]
    return len(passwords) == 1 and len(names) == 1 and len(fields) <= FIELDS_MOST


def may_let_in(route: Route) -> bool:
    """Whether a path that speaks of log-ins may be one: it ends so, or nothing in it makes, changes or ends an account (``/auth/forgot-password``)."""
    return LOGIN.search(route.path) is not None or not (_OPENS.search(route.path) or LOGOUT.search(route.path))


def logout_requests(target: Target) -> Iterator[tuple[Route, Request]]:
    """Requests that log out, without a credential yet."""
    for route in target.app.routes:
        if LOGOUT.search(route.path) and not route.parameters:
            method = next((method for method in ("POST", "DELETE", "GET") if method in route.methods), None)
            if method is not None:
                honest = target.request_for(route, method)
                yield route, Request(honest.method, honest.target, honest.headers, honest.body, "login")


def login_requests(target: Target, route: Route, subject: str, password: str) -> Iterator[Request]:
    """The ways to send an account to a login route: as JSON, as a form, by Basic authentication (RFC 7617)."""
    body = _body(target, route, subject, password)
    address = target.request_for(route, "POST").target
    accept = ("Accept", "application/json")
    yield Request("POST", address, (("Content-Type", "application/json"), accept), json.dumps(body).encode(), "login")
    form = urlencode({name: str(value) for name, value in body.items()}).encode()
    yield Request("POST", address, (("Content-Type", "application/x-www-form-urlencoded"), accept), form, "login")
    yield Request("POST", address, (("Authorization", basic(subject, password)), accept), b"", "login")


def basic(subject: str, password: str) -> str:
    """The value of an Authorization header that shows an account (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{subject}:{password}".encode()).decode()


def _body(target: Target, route: Route, subject: str, password: str) -> dict[str, object]:
    said = target.request_for(route, "POST").body
    try:
        known: object = json.loads(said) if said else {}
    except ValueError:
        known = {}
    body = dict(cast("Mapping[str, object]", known)) if isinstance(known, dict) else {}
    body = body or _as_entered(target, route)
    return filled(body, subject, password) or {"email": subject, "username": subject, "password": password}


def _as_entered(target: Target, route: Route) -> dict[str, object]:
    """The body by which somebody of the scan came in at *route*, of which no reader knows the members."""
    for name, entry in list(target.notes.items()):
        if name.startswith(ENTERED) and isinstance(entry, tuple):
            came, exchange = cast("tuple[Route, Exchange]", entry)
            try:
                said: object = json.loads(exchange.request.body) if came.path == route.path else None
            except ValueError:
                continue
            if isinstance(said, dict):
                return dict(cast("Mapping[str, object]", said))
    return {}


def filled(body: Mapping[str, object], subject: str, password: str) -> dict[str, object] | None:
    """*body* with the account in the places that are named for one, at the top or in an object inside; None where there are none."""
    mine = {
        name: password if PASSWORD.search(name) else subject
        for name, value in body.items()
        if not isinstance(value, dict) and (PASSWORD.search(name) or SUBJECT.search(name))
    }
    if len(mine) >= 2:
        return {**body, **mine}
    if len(body) == 2 and len(mine) == 1 and all(PASSWORD.search(name) for name in mine):
        return {
            **dict.fromkeys(body, subject),
            **mine,
        }  # of two that a log-in reads, the one beside the password names the person
    for name, value in body.items():
        if isinstance(value, dict):
            inner = filled(cast("Mapping[str, object]", value), subject, password)
            if inner is not None:
                return {**body, name: inner}
    return None


_OF_THE_ACCOUNT: Final = re.compile(
    r"(?i)\b(bad|invalid|wrong|incorrect|unknown|failed)[ _-]*(log-?_?in|sign-?_?in|credentials?|user(name)?|(e-?mail|user(name)?)[ /]*(or|and|/)[ /]*password|password)\b|"
    r"\b(log-?_?in|authentication)[ _-]*(bad|failed|invalid|incorrect|unsuccessful|denied)\b|(credentials|password) (do|does)(n't| not) match|(user|account) (was )?not found|no such user"
)
PAGE_MOST: Final = 50_000
"""Characters of a page that are looked at."""
_OF_THE_FORM: Final = re.compile(r"(?i)\brequired\b|missing|\bmust\b|provide|expected|format|\bjson\b|content.type")


def understood(response: Response) -> bool:
    """Whether the server read the body at all, whatever it then said. A 404 with a JSON object, or in a view's own few words, is a refusal of
    a stranger; so is a 400 that says the log-in was wrong, and nothing of what is missing."""
    if response.status in (400, 422) and not response.error:
        return refuses_the_account(response)
    if response.status == 404:
        own_words = bool(response.text.strip()) and "<html" not in response.text[:200].lower()
        return not response.error and (isinstance(response.json(), dict) or own_words)
    return not response.error and response.status not in (400, 405, 415, 422) and response.status < 500


def refuses_the_account(response: Response) -> bool:
    """Whether an answer says that an account is not right, and nothing of what it lacks."""
    said = response.text[:2000]
    return _OF_THE_ACCOUNT.search(said) is not None and _OF_THE_FORM.search(said) is None


def says_anew_of_the_account(response: Response, before: Response) -> bool:
    """Whether a page says of an account that it is not right, and did not say so *before*, when it was shown without one."""
    known = before.text[:PAGE_MOST]
    return any(found.group() not in known for found in _OF_THE_ACCOUNT.finditer(response.text[:PAGE_MOST]))


def asks_basic(response: Response) -> bool:
    """Whether a refusal asks for Basic authentication, so that an account in the body was not looked at."""
    return any(said.lower().startswith("basic") for said in response.all_headers("WWW-Authenticate"))


def is_plainly_login(route: Route) -> bool:
    """Whether the path says log in or sign in, and not only token or session."""
    return bool(BEST.search(route.path))


def lets_in(response: Response) -> bool:
    """Whether the answer of a login hands out a credential."""
    # A page that asks for the password again sets a cookie too: for its token, or for what it says.
    handed = bool(token_in(response) or named(response.json(), KEY_NAMES[:2])) or (
        sets_credential(response) and not asks_again(response)
    )
    return handed and not response.refused and (response.succeeded or response.status in (302, 303))


def asks_again(response: Response) -> bool:
    """Whether the answer is a page that asks for a password: nobody was let in, and nobody was taken."""
    return _ASKS_AGAIN.search(response.text) is not None


def log_in(target: Target, person: Identity, beside: str = "") -> Steps[tuple[Route, Exchange] | None]:
    """The route and exchange by which *person* (subject and password known) is let in; None where no route takes the account. A log-in *beside* the
    route where the person was registered comes first: people of one kind come in there."""
    if person.subject is None or person.password is None:
        return None
    folder = beside.rpartition("/")[0]
    routes = sorted(login_routes(target), key=lambda one: bool(beside) and one.path.rpartition("/")[0] != folder)
    for route in routes[:3]:
        password = person.password.reveal()
        came = _as_somebody_came(target, route, person.subject, password)
        known = came_in_by(target, route)
        ways = login_requests(target, route, person.subject, password)
        fit = [way for way in ways if not known or (way.body and (FORM in (way.header("Content-Type") or "")) in known)]
        for request in (*came, *fit):
            exchange = yield from send(request)
            if lets_in(exchange.response):
                return route, exchange
            if exchange.response.status in (404, 405, 429):
                break  # a 401 or 403 to one coding may come from a view that reads another one
    return None


def came_in_by(target: Target, route: Route) -> set[bool]:
    """Whether the scan's people came in at *route* by forms: a log-in that reads JSON reads no form as a rule."""
    found: set[bool] = set()
    for name, entry in list(target.notes.items()):
        if name.startswith(ENTERED) and isinstance(entry, tuple):
            door, exchange = cast("tuple[Route, Exchange]", entry)
            if door.path == route.path and exchange.request.body:
                found.add(FORM in (exchange.request.header("Content-Type") or ""))
    return found


def _as_somebody_came(target: Target, route: Route, subject: str, password: str) -> tuple[Request, ...]:
    """The form by which somebody of the scan came in at *route*, with another account: it may have a token of its own."""
    for one in target.identities:
        entry = target.notes.get(ENTERED + one.name)
        came, exchange = cast("tuple[Route, Exchange]", entry) if isinstance(entry, tuple) else (None, None)
        if came is None or exchange is None or came.path != route.path:
            continue
        request = retyped(exchange.request, one, password, subject)
        return (request,) if request is not None and "form" in (request.header("Content-Type") or "") else ()
    return ()


def entered(target: Target, person: Identity) -> Steps[tuple[Route, Exchange] | None]:
    """How *person* came in, for probes that read the answer or vary the request: the log-in that the scan began with, else one for all
    of them. A log-in costs the target a slow hash, and where one session is all, it ends the last one."""
    return (yield from found_once(target, ENTERED + person.name, lambda: log_in(target, person)))


def known_log_in(target: Target, person: Identity) -> Exchange | None:
    """How *person* came in, where that is known already."""
    entry = target.notes.get(ENTERED + person.name)
    return cast("tuple[Route, Exchange]", entry)[1] if isinstance(entry, tuple) else None


def retyped(request: Request, person: Identity, password: str, subject: str = "") -> Request | None:
    """*request*, by which *person* came in, with another password, and another name where *subject* is given; None where it has none
    that could be replaced."""
    if person.subject is None or person.password is None:
        return None
    own = person.password.reveal()
    other = {own: password, person.subject: subject or person.subject}
    said = request.header("Authorization")
    if said is not None and said == basic(person.subject, own):
        others = tuple(pair for pair in request.headers if pair[0].lower() != "authorization")
        return replace(request, headers=(*others, ("Authorization", basic(other[person.subject], password))))
    if "form" in (request.header("Content-Type") or ""):
        pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        changed = [(name, other.get(text, text)) for name, text in pairs]
        return replace(request, body=urlencode(changed).encode()) if any(text == own for _, text in pairs) else None
    try:
        body: object = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    again = _exchanged(body, other, 4)
    return replace(request, body=json.dumps(again).encode()) if json.dumps(own) in json.dumps(body) else None


def _exchanged(value: object, other: Mapping[str, str], depth: int) -> object:
    if isinstance(value, str):
        return other.get(value, value)
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {name: _exchanged(one, other, depth - 1) for name, one in members.items()} if depth else members
    return value


def token_in(response: Response) -> str | None:
    """The token that an answer hands out in its JSON or in a header."""
    return token_named(response.json()) or in_headers(response)


def goes_on(response: Response, path: str) -> bool:
    """Whether the answer of a log-in at *path* leads on without handing out anything: to another page, or by a plain success."""
    led = urlsplit(response.header("Location") or "").path
    return (response.sends_on and bool(led) and led.rstrip("/") != path.rstrip("/")) or (
        response.succeeded and not asks_again(response)
    )


def told_apart(answer: Response, control: Response) -> bool:
    """Whether a log-in answers one password otherwise than another, by its status or by where it leads."""
    if answer.sends_on and control.sends_on:
        return urlsplit(answer.header("Location") or "").path != urlsplit(control.header("Location") or "").path
    return answer.status != control.status and (control.status in (400, 401, 403, 404, 422) or control.succeeded)
