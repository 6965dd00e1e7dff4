"""Where an API lets people in: its register, login and refresh routes, and what they read."""

import json
import re
from collections.abc import Iterator
from typing import Final, cast
from urllib.parse import urlencode

from stopper.core.app import App, Route
from stopper.core.exchange import Effect, Request
from stopper.core.login_names import BEST, LOGIN, PASSWORD, SUBJECT
from stopper.core.probing.accounts.accounts import names_in
from stopper.core.probing.accounts.login import filled, is_log_in_form
from stopper.scan.spec.sample import sample

_PEOPLE: Final = r"(users?|accounts?|customers?|members?|clients?|students?|people)"
REGISTER: Final = re.compile(
    rf"(?i)(^|[/_-])(((do|user|process|perform)[-_]?)?(register|registration|sign[-_]?up)([-_]?{_PEOPLE})?|{_PEOPLE}(/(new|create|add))?|enroll?|onboard(ing)?|join|"
    rf"(create|new|add|open)[-_/]?(user|account|customer|member))/?$"
)
_BEST: Final = re.compile(r"(?i)(register|sign-?up)/?$")
_OF_HIGHER: Final = re.compile(
    r"(?i)(^|[/_-])(super[_-]?)?(admin(istrator)?|super-?user|staff|manager|moderator)s?([/_-]|$)"
)
"""Where people of a higher role are registered: only where nobody else is."""
SAID_MOST: Final = 3
"""Members of a log-in."""
_WRAPPER: Final = re.compile(r"(?i)user|account|credentials?|data|auth|session|login")
_NAMES: Final = ("email", "username", "user", "login", "name")
_WHO: Final = (
    "email", "username", "user", "login", "name", "user_name", "userName", "identifier", "handle", "user_id", "userId", "uname", "account", "phone", "email_or_username", "mail", "e_mail", "emailAddress", "mobile",
    "username_or_email", "user_or_email", "usernameOrEmail", "emailOrUsername", "usuario", "correo", "benutzername", "kullanici_adi", "nom", "nombre", "nome",
)  # fmt: skip
_PASSWORDS: Final = (
    "password", "passwd", "pwd", "pass", "psw", "pw", "passcode", "pin", "secret", "contrasena", "clave", "senha", "passwort", "mot_de_passe", "sifre",
)  # fmt: skip


def doors(app: App, kind: re.Pattern[str]) -> Iterator[Route]:
    """Routes without parameters that take POST and are named so, the plainest names first; last those that take a registration by PUT or a
    log-in by GET alone. A form that asks for an account is a log-in under any name, and wherever it is sent."""
    found = [
        route
        for route in app.routes
        if "POST" in route.methods
        and (
            (kind is LOGIN and (is_log_in_form(route) or _logs_in_by_body(route)))
            or (
                not route.parameters
                and (kind.search(route.path) or (kind is REGISTER and (_opens_by_form(route) or _opens_by_body(route))))
            )
        )
    ]
    other, posted = "GET" if kind is LOGIN else "PUT", {route.path for route in app.routes if "POST" in route.methods}
    found += [
        route
        for route in app.routes
        if other in route.methods
        and route.path not in posted
        and not route.parameters
        and (BEST if kind is LOGIN else kind).search(route.path)
    ]
    yield from sorted(
        found,
        key=lambda route: (
            "POST" not in route.methods,
            kind is REGISTER and _OF_HIGHER.search(route.path) is not None,
            not (BEST.search(route.path) or _BEST.search(route.path)),
            len(route.path),
            route.path,
        ),
    )


_NEW: Final = re.compile(r"(?i)(^|[/_-])(create|new|join|add)[/_-]?(user|account|member)?/?$")


def _opens_by_form(route: Route) -> bool:
    """Whether a form of a page asks for a name and a password where something new is made."""
    said = [any(kind.search(name) for name in route.fields) for kind in (PASSWORD, SUBJECT)]
    return route.takes_form and "wire" in route.readers and all(said) and bool(_NEW.search(route.path))


_CHANGES: Final = re.compile(
    r"(?i)passw|otp|2fa|mfa|reset|forgot|verif|confirm|change|update|recover|unlock|"
    r"delete|deleting|deletion|remov|destroy|erase|disable|deactivat|revoke|unlink|unregister|unsubscribe|close|cancel|terminate|termination|"
    r"(^|[/_-])(drop|purge|set|edit)[_-]|(create|make|add|set|edit|link)[_-]?(log|sign)[_-]?in"
)


def _opens_by_body(route: Route) -> bool:
    """Whether a document says that a POST takes a name and a password, and the path is of no log-in and of no change of one: ``/drivers``."""
    members = tuple(names_in(route.request_schema, 3)) or (() if route.takes_form else route.names)
    said = [any(kind.search(name) for name in members) for kind in (PASSWORD, SUBJECT)]
    return all(said) and not LOGIN.search(route.path) and not _CHANGES.search(route.path)


def _logs_in_by_body(route: Route) -> bool:
    """Whether all that a route is known to read is one name and a password, and its path is of no registration and no change: ``/enter``."""
    if route.takes_form or route.parameters or route.request_schema or not 2 <= len(route.names) <= SAID_MOST:
        return False
    said = [sum(bool(kind.search(name)) for name in route.names) for kind in (PASSWORD, SUBJECT)]
    return said[0] == 1 and said[1] >= 1 and not REGISTER.search(route.path) and not _CHANGES.search(route.path)


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


def every_name(subject: str, password: str) -> dict[str, object]:
    """The account under all names that log-ins have for it: for one that tells nobody how it calls them."""
    return {**dict.fromkeys(_WHO, subject), **dict.fromkeys(_PASSWORDS, password)}


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
