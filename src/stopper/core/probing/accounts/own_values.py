"""What is known of a person of the scan by name: the ids in its token, what a log-in answered, and what a route says about it."""

import re
from collections.abc import Iterator
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Response
from stopper.core.naming import as_parameter
from stopper.core.owner_names import WHOSE_ID
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.login import known_log_in
from stopper.core.probing.accounts.told_by_pages import told_by_pages
from stopper.core.probing.things.objects import as_id, ids
from stopper.core.tokens.flask_cookie import payload

SELF: Final = re.compile(
    r"(?i)(^|[/_-])(me|self|whoami|profile|account|current[_-]?user|user|userinfo|check[_-]?(session|auth|log[_-]?in))/?$"
)
"""Paths under which a person sees the own account."""
_CLAIMS: Final = ("sub", "user_id", "uid", "id", "username", "public_id")
_TOLD: Final = re.compile(
    r"((user|account|customer|client|member|profile|person|owner|patient|employee|student|merchant|wallet|card|company|tenant|org|organi[sz]ation|team|workspace|"
    r"group|department|store|branch|school|household|family|agency|practice|clinic|hospital|firm|business|club)_(id|uuid|number|no)|public_id|uuid|iban|company|tenant|org|organi[sz]ation|workspace|agency|clinic)"
)
"""Members that say which one of many this person, its account, or what it belongs to is."""
BELONGS: Final = re.compile(
    r"(company|tenant|org|organi[sz]ation|team|workspace|group|department|store|branch|school|household|family|agency|practice|clinic|hospital|firm|business|club)(_?(id|uuid|number|no))?"
)
"""What a person belongs to, as parameters are spelled."""
_PERSONS: Final = ("sub", "identity", "user", "current_user")
"""Claims, and what a session holds, that may be a whole person."""
_IN_SESSIONS: Final = ("_user_id", "user_id", "userid", "uid", "user", "id")
"""What an application keeps of who is logged in; the first is Flask-Login's."""
_BY_NAME: Final = re.compile(r"(user_?)?name|login|nick(_?name)?|handle|user")
_PEOPLE: Final = re.compile(r"(current_)?(user|person|member|customer|profile|me)")
_OF_PEOPLE: Final = frozenset({"user_id", "profile_id", "account_id", "uid"})
_ADDRESS: Final = ("email", "e_mail", "email_address")
NAMES_SOMEBODY: Final = re.compile(r"e_?mail|email_address|user_?name|login|handle|nickname")
"""Parameters that say who is meant by what that person is called."""
_LOGINS: Final = ("username", "user_name", "login", "handle", "nickname", "user")
_OWNED: Final = re.compile(r"(\w+_)?(balance|iban|salary|credit_limit|card_number)")
"""Members that nobody publishes beside a person's name."""
_PLAIN: Final = frozenset({"id", "_id", "uuid", "number", "no", "key", "pk", "oid", "ident", "identifier"})
SHORT: Final = 2
"""Letters of a parameter whose name says nothing."""
ASKED_MOST: Final = 3
"""Times that routes which tell a person nothing of itself are asked: a shop's own door refuses its customers each time."""
TELLING: Final = 8
"""Letters of a name that does not stand in an answer by chance."""


def parameter_of(route: Route) -> str:
    """The name of a route's one parameter as parameters are spelled; where it says no more than that it is an id, with the noun before it:
    ``organization_id`` of ``/organizations/{id}/secrets``."""
    name = as_parameter(route.parameters[0][0])
    noun = as_parameter(re.sub(r"(?i)(ie)?s$", lambda end: "y" if end.group(1) else "", _before(route)))
    somebody = BELONGS.fullmatch(noun) or WHOSE_ID.fullmatch(noun)
    return f"{noun}_id" if noun and somebody and (name in _PLAIN or len(name) <= SHORT) else name


def _before(route: Route) -> str:
    return route.path.partition("/{")[0].rpartition("/")[2] if route.path.count("{") == 1 else ""


def says_whose(name: str) -> bool:
    """Whether a member or a parameter of that name says whose a thing is."""
    return WHOSE_ID.fullmatch(as_parameter(name)) is not None


def told_about(response: Response) -> dict[str, str]:
    """The numbers of one person in the answer to its log-in, by the names of parameters; the first of each name."""
    found: dict[str, str] = {}
    for name, value in _members(response.json(), 4):
        wanted = as_parameter(name)
        if _TOLD.fullmatch(wanted) and (number := as_id(value)) is not None:
            found.setdefault(wanted, number)
    return found


def _members(value: object, depth: int) -> Iterator[tuple[str, object]]:
    """The members of objects in objects; lists are about others as well and are left out."""
    if isinstance(value, dict) and depth:
        for name, item in cast("dict[str, object]", value).items():
            yield name, item
            yield from _members(item, depth - 1)


def own_numbers(target: Target, person: Identity, parameter: str = "") -> Steps[dict[str, str]]:
    """The ids of a person by where they were found: in the token's claims, in what a route tells the person about itself, and in the
    answer to its log-in. What that answer calls as *parameter* is called is the only one worth asking with."""
    wanted = as_parameter(parameter)
    entered = known_log_in(target, person)
    told = told_about(entered.response) if entered is not None else {}
    claims = _claims(target, person)
    claimed = as_id(claims.get(wanted)) if _TOLD.fullmatch(wanted) else None
    spelled = (wanted, wanted.removesuffix("_id")) if BELONGS.fullmatch(wanted) else (wanted,)
    if (named := next(filter(None, map(told.get, spelled)), None) or claimed) is not None:
        return {wanted: named}
    if person.subject is not None and _BY_NAME.fullmatch(wanted) and "@" not in person.subject:
        return {wanted: person.subject}
    if wanted in _ADDRESS or (_BY_NAME.fullmatch(wanted) and wanted != "name"):
        name = yield from _name_of_oneself(target, person, wanted)
        if name is not None:
            return {wanted: name}
    found = {name: number for name in _CLAIMS if (number := as_id(claims.get(name))) is not None}
    for path, shown, number in (yield from _told_of_oneself(target, person)):
        if (named := next(filter(None, map(shown.get, spelled)), None)) is not None:
            return {wanted: named}
        if number is not None:
            found[path] = number
    if not found and (number := told.get("user_id")) is not None:
        found["user_id"] = number
    if not found and WHOSE_ID.fullmatch(wanted):
        pages = yield from told_by_pages(target, person)
        noun = wanted.removesuffix("_id")
        number = next((pages[name] for name in (wanted, noun, f"{noun}_id") if name in pages), None)
        if number is None and wanted in _OF_PEOPLE:  # ``/user/profile/7``
            number = next((pages[name] for name in ("user", "profile", "account") if name in pages), None)
        found = {wanted: number} if number is not None else {}
    if BELONGS.fullmatch(wanted):
        return {}
    return {**_in_the_session(person), **found}  # of routes some tell everybody the same


Told = tuple[str, dict[str, str], str | None]
"""A path, what is told there of one person by the names of parameters, and the id of that person."""


def _name_of_oneself(target: Target, person: Identity, wanted: str) -> Steps[str | None]:
    """The name or the address of a person as a route tells it of oneself."""
    for _, shown, _ in (yield from _told_of_oneself(target, person)):
        for name in _ADDRESS if wanted in _ADDRESS else _LOGINS:
            if name in shown:
                return shown[name]
    return None


def _told_of_oneself(target: Target, person: Identity) -> Steps[list[Told]]:
    """What routes tell a person about itself; asked again, a few times, where none has told anything."""
    key = f"what {person.name} is told of oneself"
    known, asked = cast("tuple[list[Told], int]", target.notes.get(key, (list[Told](), 0)))
    if known or asked >= ASKED_MOST:
        return known
    found: list[Told] = []
    for route in [
        one for one in target.app.routes if "GET" in one.methods and not one.parameters and SELF.search(one.path)
    ][:2]:
        answer = yield from send(person.on(target.request_for(route, "GET")))
        if answer.response.succeeded:
            told = {as_parameter(name): str(value) for name, value in _members(answer.response.json(), 3)}
            names = {name: told[name] for name in (*_ADDRESS, *_LOGINS) if as_id(told.get(name)) is not None}
            number = next(ids(_the_person(answer.response.json()), "user_id"), None)
            found.append((route.path, {**names, **told_about(answer.response)}, number))
    target.notes[key] = found, asked + 1
    return found


def _the_person(whole: object) -> object:
    """The object of an answer that is a person by its name; the answer itself where there is none."""
    for name, value in _named(whole).items():
        if _PEOPLE.fullmatch(as_parameter(name)) and (person := _named(value)):
            return person
    return whole


def _named(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _claims(target: Target, person: Identity) -> dict[str, object]:
    """What its token says of a person, wherever it shows that: a key in a header of its own may be one."""
    shown = [person.token] if person.token is not None else [value for _, value in person.headers]
    for one in shown:
        if claims := target.forge.claims(one.reveal().rpartition(" ")[2]):
            return _flat(claims)
    return {}


def _flat(said: dict[str, object]) -> dict[str, object]:
    """Claims with what stands in the one that is a whole person: ``{"sub": {"id_user": 2, "name": "ann"}}``."""
    found = dict(said)
    for name in _PERSONS:
        for inner, value in _named(said.get(name)).items():
            found.setdefault("user_id" if inner == "id" else as_parameter(inner), value)
    return found


def _in_the_session(person: Identity) -> dict[str, str]:
    """The id of a person as the session that Flask signs says it, which whoever has the cookie may read."""
    for part in person.cookies.split("; "):
        held = _flat(payload(part.partition("=")[2]))
        others = (name for name in held if name.endswith("_id") and WHOSE_ID.fullmatch(as_parameter(name)))
        for name in (*_IN_SESSIONS, *others):  # ``owner_id`` where owners are those who log in
            if (number := as_id(held.get(name))) is not None:
                return {"user_id": number}
    return {}


def told_apart(target: Target, alice: Identity, bob: Identity) -> Steps[dict[str, tuple[str, str]]]:
    """What routes tell two people about themselves under one name and otherwise: hers and his, by the name as parameters are spelled."""
    found: dict[str, tuple[str, str]] = {}
    for route in [
        one for one in target.app.routes if "GET" in one.methods and not one.parameters and SELF.search(one.path)
    ][:2]:
        hers, his = (
            (yield from send(alice.on(target.request_for(route, "GET")))),
            (yield from send(bob.on(target.request_for(route, "GET")))),
        )
        if hers.response.succeeded and his.response.succeeded:
            others = {as_parameter(name): as_id(value) for name, value in _members(his.response.json(), 3)}
            for name, value in _members(hers.response.json(), 3):
                own, other = as_id(value), others.get(as_parameter(name))
                if own is not None and other is not None and own != other:
                    found.setdefault(as_parameter(name), (own, other))
    return found


def shows_account(target: Target, shown: Exchange) -> bool:
    """Whether an answer says what a person of the scan owns, by a name that the request did not bring along."""
    text, sent = shown.response.text.lower(), f"{shown.request.target} {shown.request.body!r}".lower()
    names = [one.subject.lower() for one in target.identities if one.subject and len(one.subject) >= TELLING]
    if not any(name in text and name not in sent for name in names):
        return False
    return says_what_is_owned(shown.response.json())


def says_what_is_owned(whole: object) -> bool:
    """Whether a JSON answer says what somebody owns or earns."""
    return any(_OWNED.fullmatch(as_parameter(name)) for name, _ in _members(whole, 4))
