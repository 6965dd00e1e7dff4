"""Which routes take new accounts, by their path or by what they read; and the account in a body, wherever it stands."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, cast
from urllib.parse import unquote

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.login_names import PASSWORD
from stopper.core.probe import Identity, Target
from stopper.core.probing.accounts.account_body import PHONE, phone_of
from stopper.core.probing.accounts.login import REGISTERED

_REGISTER: Final = re.compile(r"(?i)(^|[/_-])(register|registration|sign-?up)/?$")
_PEOPLE: Final = re.compile(r"(?i)(^|[/_-])(users?|accounts?|members?|people)(/(create|new|add|join))?/?$")
_NAME: Final = re.compile(r"(?i)user_?name|login|nick|handle|alias|screen_?name|^name$|^user$")


def registered_at(target: Target) -> list[Route]:
    """The routes by which the scan's own people came, whatever they are called."""
    notes = [entry for name, entry in list(target.notes.items()) if name.startswith(REGISTERED)]
    return [cast("tuple[Route, object]", entry)[0] for entry in notes if isinstance(entry, tuple)]


def likeliest_first(target: Target, routes: Iterable[Route]) -> list[Route]:
    """Each path of *routes* once: first where the scan's own people came, then what lies beside the door by which given people log in, as
    ``/register`` does beside ``/login``, while the shops of ``/api/shops/register`` are others."""
    came = {one.path for one in registered_at(target)}
    doors = {_folder(one.issued_by.path) for one in target.identities if one.issued_by is not None}
    each = {one.path: one for one in routes}.values()
    return sorted(each, key=lambda one: (one.path not in came, _folder(one.path) not in doors))


def _folder(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0]


def registration_at(target: Target, route: Route) -> Exchange | None:
    """How somebody of the scan was registered at *route*."""
    for name, entry in list(target.notes.items()):
        if name.startswith(REGISTERED) and isinstance(entry, tuple):
            came, exchange = cast("tuple[Route, Exchange]", entry)
            if came.path == route.path:
                return exchange
    return None


def registered_address(target: Target, person: Identity) -> str:
    """The mail address with which *person* was registered; empty where nobody knows."""
    entry = target.notes.get(REGISTERED + person.name)
    if not isinstance(entry, tuple):
        return ""
    said = unquote(cast("tuple[Route, Exchange]", entry)[1].request.body.decode("utf-8", "replace"))
    found = re.search(r"[\w.+-]{1,80}@[\w-]{1,60}(?:\.[\w-]{1,60})+", said)
    return found.group() if found is not None else ""


def takes_accounts(route: Route) -> bool:
    """That the path says register, or says users or accounts and a password is among what the route reads."""
    if "POST" not in route.methods or route.parameters:
        return False
    if _REGISTER.search(route.path):
        return True
    names = (*route.names, *names_in(route.request_schema, 3))
    return bool(_PEOPLE.search(route.path)) and any(PASSWORD.search(name) for name in names)


def asks_no_password(route: Route) -> bool:
    """That what the route reads is known and no password is among it: who registers there is given a key."""
    names = (*route.names, *names_in(route.request_schema, 3))
    return bool(names) and not any(PASSWORD.search(name) for name in names)


def names_in(schema: object, depth: int) -> list[str]:
    """The names of the members of a body, those of inner objects too."""
    if depth == 0 or not isinstance(schema, Mapping):
        return []
    members = cast("Mapping[str, object]", schema).get("properties")
    if not isinstance(members, Mapping):
        return []
    known = cast("Mapping[str, object]", members)
    return [*known, *(name for inner in known.values() for name in names_in(inner, depth - 1))]


def with_account(body: Mapping[str, object], name: str, password: str) -> dict[str, object]:
    """*body* with the account in the members that are called so, in inner objects too; a password is added where none has a place."""
    filled = _filled(body or dict.fromkeys(("email", "username", "password"), ""), name, password, 3)
    if filled == {**body, **{key: password for key in body if PASSWORD.search(key)}} and not any(
        isinstance(one, Mapping) for one in body.values()
    ):
        first = next((key for key, value in body.items() if isinstance(value, str) and not PASSWORD.search(key)), None)
        filled |= (
            {first: name} if first is not None else {}
        )  # a word of its own: what stands first beside a password names the person
    return filled if _holds(filled, password) else {**filled, "password": password}


def _filled(body: Mapping[str, object], name: str, password: str, depth: int) -> dict[str, object]:
    return {key: _value(key, value, name, password, depth) for key, value in body.items()}


def _value(key: str, value: object, name: str, password: str, depth: int) -> object:
    if isinstance(value, Mapping):
        inner = cast("Mapping[str, object]", value)
        return _filled(inner, name, password, depth - 1) if depth else inner
    if PASSWORD.search(key):
        return password
    if "mail" in key.lower():
        return f"{name}@example.com"
    if PHONE.search(key) and isinstance(value, str):
        return phone_of(name, value)
    return name if _NAME.search(key) else value


def _holds(body: object, password: str) -> bool:
    if isinstance(body, Mapping):
        return any(_holds(value, password) for value in cast("Mapping[str, object]", body).values())
    return body == password
