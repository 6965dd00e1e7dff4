"""Where an API lets people in: its register, login and refresh routes, and what they read."""

import json
import re
from collections.abc import Iterator
from typing import Final, cast
from urllib.parse import urlencode

from stopper.core.app import App, Route
from stopper.core.exchange import Effect, Request
from stopper.core.login_names import BEST, LOGIN, PASSWORD, SUBJECT
from stopper.core.probe_accounts import names_in
from stopper.core.probe_login import filled, is_log_in_form
from stopper.scan.spec.sample import sample

REGISTER: Final = re.compile(
    r"(?i)(^|[/_-])(register|registration|sign[-_]?up|users?|accounts?|customers?|members?|clients?|students?|people|enroll?|(create|new|add)[-_](user|account))/?$"
)
_BEST: Final = re.compile(r"(?i)(register|sign-?up)/?$")
_WRAPPER: Final = re.compile(r"(?i)user|account|credentials?|data|auth|session|login")
_NAMES: Final = ("email", "username", "user", "login", "name")


def doors(app: App, kind: re.Pattern[str]) -> Iterator[Route]:
    """Routes without parameters that take POST and are named so, the plainest names first. A form that asks for an account is a log-in
    under any name, and wherever it is sent."""
    found = [
        route
        for route in app.routes
        if "POST" in route.methods
        and (
            (kind is LOGIN and is_log_in_form(route))
            or (
                not route.parameters
                and (kind.search(route.path) or (kind is REGISTER and (_opens_by_form(route) or _opens_by_body(route))))
            )
        )
    ]
    yield from sorted(
        found,
        key=lambda route: (not (BEST.search(route.path) or _BEST.search(route.path)), len(route.path), route.path),
    )


_NEW: Final = re.compile(r"(?i)(^|[/_-])(create|new|join|add)[/_-]?(user|account|member)?/?$")


def _opens_by_form(route: Route) -> bool:
    """Whether a form of a page asks for a name and a password where something new is made."""
    said = [any(kind.search(name) for name in route.fields) for kind in (PASSWORD, SUBJECT)]
    return route.takes_form and "wire" in route.readers and all(said) and bool(_NEW.search(route.path))


_CHANGES: Final = re.compile(r"(?i)passw|reset|forgot|verif|confirm|change|update|recover|unlock")


def _opens_by_body(route: Route) -> bool:
    """Whether a document says that a POST takes a name and a password, and the path is of no log-in and of no change of one: ``/drivers``."""
    members = tuple(names_in(route.request_schema, 3))
    said = [any(kind.search(name) for name in members) for kind in (PASSWORD, SUBJECT)]
    return all(said) and not LOGIN.search(route.path) and not _CHANGES.search(route.path)


def accounts_bodies(route: Route, subject: str, password: str) -> Iterator[dict[str, object]]:
    """Bodies to log in with. The names that a reader knows come first, then the usual ones."""
    properties = route.request_schema.get("properties") if route.request_schema else None
    members = cast("dict[str, object]", properties) if isinstance(properties, dict) else {}
    members = {name: said for name, said in members.items() if not _is_only_read(said)}
    known = tuple(members) or route.fields
    made: object = sample(route.request_schema, "") if route.request_schema else {}
    body = cast("dict[str, object]", made) if isinstance(made, dict) else {}
    named = {name: "" for name in known if PASSWORD.search(name) or SUBJECT.search(name)}
    if len(known) == 2 and len(named) == 1:
        named = dict.fromkeys(known, "")
    flat = {name: text for name, text in named.items() if not isinstance(body.get(name), dict)}
    mine = filled(flat, subject, password) or filled(body, subject, password)
    if mine is not None:
        yield mine
        return
    full: dict[str, object] = {"email": subject, "username": subject, "login": subject, "password": password}
    inside = tuple(name for name in known if _is_wrapper(name, members.get(name)))
    if not any(PASSWORD.search(name) for name in known):
        for name in inside:
            yield {name: full}
    yield full
    for name in _NAMES:
        yield {name: subject, "password": password}
    if "user" not in inside:
        yield {"user": full}


def _is_only_read(schema: object) -> bool:
    """Whether a client is shown a member and may not send it, as an id in the schema of an account."""
    return isinstance(schema, dict) and bool(cast("dict[str, object]", schema).get("readOnly"))


def _is_wrapper(name: str, schema: object) -> bool:
    """Whether a member of a body may hold the account as an object of its own."""
    return (isinstance(schema, dict) and "properties" in schema) or bool(_WRAPPER.fullmatch(name))


def json_of(target: str, body: dict[str, object], effect: Effect) -> Request:
    """A POST with *body* as JSON."""
    headers = (("Content-Type", "application/json"), ("Accept", "application/json"))
    return Request("POST", target, headers, json.dumps(body).encode(), effect)


def form_of(target: str, body: dict[str, object], effect: Effect) -> Request:
    """A POST with *body* as a form."""
    headers = (("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"))
    return Request("POST", target, headers, urlencode({k: str(v) for k, v in body.items()}).encode(), effect)
