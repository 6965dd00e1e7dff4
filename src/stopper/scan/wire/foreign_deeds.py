"""What a scan does to others' things and accounts without deleting anything: GETs that are deeds, changes that name somebody else, and what a
given person is reached by where nobody can put it back."""

import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from stopper.core.account_names import REGISTERS
from stopper.core.exchange import Request, Response
from stopper.core.login_names import PASSWORD, SUBJECT
from stopper.core.naming import as_parameter
from stopper.core.owner_names import WHOSE_ID
from stopper.core.probe import Mode
from stopper.core.probing.accounts.account_body import PHONE
from stopper.core.probing.accounts.own_values import SELF, told_about
from stopper.core.probing.things.objects import as_id, inner_object
from stopper.core.probing.turned_away import turned_away
from stopper.scan.wire.body_members import members_in
from stopper.scan.wire.deeds_by_get import ALWAYS, ENTITLES, deed_in, words_of
from stopper.scan.wire.deletions import INVENTED, deletes_of_others
from stopper.scan.wire.spared_accounts import is_of_oneself
from stopper.scan.wire.things_made import ThingsMade, creates

_ODD: Final = re.compile(r"""/[^/]*(?:%[0-9A-Fa-f]{2}|['"; ])[^/]*""")
"""A part of a path that is an id with something added: what a query is made of may mean all things."""
_SWITCHES: Final = re.compile(r"(?i)/(start[-_]?over|(set[-_]?)?(difficulty|security[-_]?level))(?=/|$)")
"""GETs by which teaching applications begin anew, or behave otherwise to everybody."""
CHANGES: Final = ("POST", "PUT", "PATCH")
_CONTACT: Final = re.compile(r"(\w+_)?e_?mail(_?address)?|(new_)?(user_?name|login|login_name|handle)")
"""Members that say what somebody logs in by or is reached by, as parameters are spelled."""
_MAKES: Final = frozenset({
    "create", "new", "add", "register", "registration", "signup", "invite", "invitation", "share", "send", "subscribe", "unsubscribe", "login", "signin",
    "forgot", "reset", "search", "check", "validate", "newsletter", "order", "checkout", "feedback",
})  # fmt: skip
"""Words that end the path of what makes a thing, or speaks of somebody, and changes no account."""
_OF_PEOPLE: Final = frozenset({"settings", "preferences", "details", "credentials"})
_USERS: Final = frozenset(
    {"", "_", "u", "user", "owner", "author", "creator", "created_by", "person", "profile", "public"}
)
"""What stands before an id that numbers users."""
_OF_PEOPLE_PATH: Final = re.compile(
    r"(?i)/(users?|accounts?|members?|people|persons?|customers?|employees?|students?)/?$"
)
_ALL_PEOPLE: Final = re.compile(r"(?i)/(users|accounts|members|people|persons|customers|employees|students)/?$")
"""The end of a path at which everybody is meant: ``/user`` is the own account of whoever asks."""
_PLAIN_ID: Final = re.compile(r"(user_|account_|member_)?(id|uid|uuid|pk)")


def why_no_reading(request: Request, made: ThingsMade, mode: Mode) -> str:
    """Why a GET whose address says a deed is not sent: it changes something, and in mode active something that the scan has not made itself.
    A link that confirms a registration says that it writes."""
    if request.method == "OPTIONS":
        return ""
    deed, path = deed_in(request.target), request.target.partition("?")[0]
    if (switch := _SWITCHES.search(path)) is not None:
        return f"its path says {switch.group(1)!r}, which changes how the target answers everybody"
    if mode != "active":
        return f"its path says {deed!r}, and the mode is {mode}" if deed else ""
    if deed in ENTITLES and request.identity is not None:
        return f"its path says {deed!r}, and nobody of the scan is given another role"
    if deed not in ALWAYS:  # the names of a query may be guesses, so that ``/run?id=…`` says nothing of a thing
        deed = deed_in(path) or deed_in(_ODD.sub("/1", path))
    harms = deed and request.effect == "read" and deletes_of_others(request, made)
    return f"its path says {deed!r}, and that is done to what the scan itself created alone" if harms else ""


def reaches(request: Request, called: str | None = None) -> list[str]:
    """The members of a change by which an account is logged in to or reached, where the path does not say that it makes something else.
    What says nothing but how somebody is *called* already is none."""
    path = request.target.partition("?")[0]
    parts = [one for one in path.split("/") if one]
    last = words_of(parts[-1]) if parts else set[str]()
    if request.method not in CHANGES or request.effect == "login" or not request.body:
        return []
    several = any(word.endswith("s") and not word.endswith("ss") for word in last) and not last & _OF_PEOPLE
    if request.method == "POST" and (several or last & _MAKES) and not is_of_oneself(path):
        return []
    return sorted({
        name
        for name, value in members_in(request)
        if isinstance(value, str) and value and value != called and not PASSWORD.search(name)
        and _is_reached_by(name)
    })  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody whom a request of this scan has registered: by what the account is called, and the ids of the answer."""

    made: Request
    called: str
    names: tuple[str, ...]
    """What of it nobody else is called."""
    ids: tuple[str, ...]


def makes_an_account(request: Request) -> bool:
    """Whether *request* registers somebody, if it is taken."""
    path = request.target.partition("?")[0]
    if request.method != "POST" or request.effect == "login":
        return False
    of_people = _OF_PEOPLE_PATH.search(path) is not None
    return REGISTERS.search(path) is not None or (
        of_people and any(PASSWORD.search(one) for one, _ in members_in(request, 3))
    )


def _says_nothing_of_it(request: Request, response: Response) -> bool:
    """Whether an account may be made of which the answer says nothing: ``{"ok": true}``, or that another page comes next."""
    is_made = makes_an_account(request) and any(PASSWORD.search(one) for one, _ in members_in(request, 3))
    if response.sends_on:
        next_one = (response.header("Location") or "").partition("?")[0].partition("#")[0]
        return is_made and not next_one.endswith(request.target.partition("?")[0])  # not the form once more
    return is_made and response.succeeded and response.json() is not None


def _ids_in(response: Response) -> list[str]:
    shown = inner_object(response.json())
    return [one for name in ("id", "_id", "uuid") if (one := as_id(shown.get(name))) is not None]


class PeopleKnown:
    """The ids by which the target knows the people of a scan. One per courier."""

    def __init__(self, given: Collection[str]) -> None:
        self._given = given
        self._reached: dict[str, tuple[Request, dict[str, object]]] = {}
        """What each of those who were given was shown of the own account, with how it was read."""
        self._ids: dict[str, set[str]] = {}
        """By what they number: somebody is the seventh user and the first account."""
        self._own: dict[str, set[str]] = {}
        """Those of people whom the scan has registered."""
        self.accounts: list[Account] = []
        """Those of them that some request has made, and whose answer says so."""
        self.registered: list[tuple[str, ...]] = []
        """By what each logs in whom the scan has registered, whether anybody came in or not: what was sent, then what else there is."""

    def learn(self, request: Request, response: Response, headers: Sequence[tuple[str, str]] | None) -> None:
        """Note who somebody is by what the own account answers who asks with the *headers* that are known to be good, or whom a
        probe has made up. What a log-in answers to a probe may tell of anybody."""
        asks = request.method == "GET" and SELF.search(request.target.partition("?")[0]) is not None
        own = set(headers) <= set(request.headers) if headers else INVENTED.match(request.identity or "") is not None
        registers = makes_an_account(request) and creates(request, response)
        if asks and own and response.succeeded:
            self.told(response)
        if registers or (asks and own and response.succeeded and request.identity not in self._given):
            self.registers(response)
        if registers or (_says_nothing_of_it(request, response) and not turned_away(response)):
            said = [value for name, value in members_in(request, 3) if SUBJECT.search(name) and isinstance(value, str)]
            names = tuple(dict.fromkeys(one for one in said if INVENTED.search(one)))
            called = next(iter((*names, *said)), "somebody without a name")
            shown = tuple(dict.fromkeys(_ids_in(response))) if registers else ()
            self.accounts.append(Account(request, called, names, shown))
        if asks and own and response.succeeded and request.identity in self._given:
            self._reached.setdefault(request.identity or "", (request, inner_object(response.json())))

    def shown_to(self, name: str | None) -> tuple[Request, dict[str, object]] | None:
        """How somebody who was given reads the own account, and what that showed first."""
        return self._reached.get(name or "")

    def ids_shown_to(self, name: str | None) -> set[str]:
        """By what somebody who was given is named, as the own account shows it."""
        shown = self._reached[name or ""][1] if name in self._reached else {}
        ids = {one for key in ("id", "_id", "uuid", "user_id") if (one := as_id(shown.get(key))) is not None}
        return ids | {one for one in shown.values() if isinstance(one, str) and not one.isdigit()}

    def told(self, response: Response) -> None:
        """Take up the ids of one of the people from an answer about nobody else."""
        for name, number in told_about(response).items():
            self._ids.setdefault(_numbered(name), set()).add(number)
        self._ids.setdefault("user", set()).update(_ids_in(response))

    def registers(self, response: Response, *, by_id: bool = True) -> None:
        """Take up the ids of somebody whom the scan has registered; what is an ``id`` of a log-in may be that of a token."""
        for name, number in told_about(response).items():
            if name != "id":
                self._own.setdefault(_numbered(name), set()).add(number)
        if by_id:
            self._own.setdefault("user", set()).update(_ids_in(response))

    def has_registered(self, noun: str, key: str) -> bool:
        """Whether *key* is the id of somebody whom the scan has registered, as things of that *noun* are numbered."""
        said = re.sub(r"^(target|for|to|of)_", "", as_parameter(noun))
        said = "user" if said == "people" else re.sub(r"(?<=[a-z])s$", "", said)
        return key in self._own.get(_numbered(said), ())

    def of_nobody_else(self, request: Request, is_own: Callable[[str], bool] = lambda _: False) -> Request:
        """*request* without the members that name an account which is none of the scan's people, where it changes the own account, or one of
        all people: ``PATCH /users {"id_user": 1}``. An account is the scan's too that is its own by its path, ``/users/7``."""
        path = request.target.partition("?")[0]
        of_people = request.method in ("PUT", "PATCH") and _ALL_PEOPLE.search(path) is not None
        if request.method not in CHANGES or request.effect == "login" or not (of_people or is_of_oneself(path)):
            return request
        try:
            body: object = json.loads(request.body)
        except (ValueError, RecursionError):
            return request
        if not isinstance(body, dict):
            return request
        whole = cast("dict[str, object]", body)
        base = path.rstrip("/") if of_people else ""
        kept = self._kept(whole, 4, base, is_own)
        return replace(request, body=json.dumps(kept).encode()) if kept != whole else request

    def _kept(
        self, members: dict[str, object], depth: int, base: str, is_own: Callable[[str], bool]
    ) -> dict[str, object]:
        return {
            name: self._kept(cast("dict[str, object]", value), depth - 1, base, is_own)
            if isinstance(value, dict) and depth > 1
            else value
            for name, value in members.items()
            if not self._names_another(name, value, base, is_own)
        }

    def _names_another(self, name: str, value: object, base: str, is_own: Callable[[str], bool]) -> bool:
        said = as_parameter(name)
        if value is None or isinstance(value, (bool, dict, list)) or said.endswith("name"):
            return False
        if WHOSE_ID.fullmatch(said) is None and _PLAIN_ID.fullmatch(said) is None:
            return False
        known = self._ids.get(_numbered(said)) or self._ids.get("user", set())
        if base and is_own(f"{base}/{value}"):
            return False
        if base:
            known = known.union(*self._own.values())
        elif not known:
            return False  # another's cannot be told from one's own: pages name people in hidden fields
        return bool(text := str(value)) and text not in known and INVENTED.match(text) is None


def _is_reached_by(name: str) -> bool:
    return _CONTACT.fullmatch(as_parameter(name)) is not None or PHONE.search(name) is not None


def _numbered(name: str) -> str:
    """What an id of that name numbers: ``user`` of ``owner_id`` and ``id``, ``account`` of ``account_id``."""
    noun = re.sub(r"_?(id|uuid|number|no|pk)$", "", name)
    return "user" if noun in _USERS else noun


def not_to_be_restored(request: Request, called: str | None, keeps: Callable[[Request, Collection[str]], bool]) -> str:
    """Why a change as somebody who was given is not sent: it says anew how that person is reached, and what that was nobody has read."""
    names = reaches(request, called)
    if not names or keeps(request, names):
        return ""
    return f"{request.identity} was given to the scan and could be reached otherwise afterwards ({', '.join(names)})"
