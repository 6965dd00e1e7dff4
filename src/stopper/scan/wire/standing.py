"""Somebody's standing: the role, the rights and the status of an account. What changes it could lock out who was there, also the administrator
whose credential was given to the scan, and with the role the right to put it back is gone. So it is done to accounts alone that the scan has
registered; where a body says what is to be, it says what stands there already."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import parse_qsl, unquote

from stopper.core.exchange import Request
from stopper.core.naming import as_parameter
from stopper.core.probing.accounts.account_body import HIGH
from stopper.core.probing.ids_in_paths import ID
from stopper.core.probing.participles import with_deeds
from stopper.core.probing.things.objects import is_masked
from stopper.scan.wire.body_members import members_in, members_of, with_members
from stopper.scan.wire.deeds_by_get import words_of
from stopper.scan.wire.foreign_deeds import PeopleKnown
from stopper.scan.wire.form_doors import FORM
from stopper.scan.wire.given_people import GivenPeople
from stopper.scan.wire.made_up_ids import NOBODY
from stopper.scan.wire.things_made import ThingsMade, is_an_id

OF_ALL: Final = "it could change all people at once"
WHY: Final = "it could change the role, the rights or the status of an account that this scan has not registered"
LONGEST: Final = 400
"""Letters of a path that is looked at."""
_CHANGES: Final = ("POST", "PUT", "PATCH", "DELETE")
_LOOKS: Final = frozenset(
    {"search", "query", "filter", "lookup", "find", "preview", "validate", "check", "export", "report", "list"}
)
_ROLES: Final = frozenset(
    {
        "role",
        "roles",
        "permission",
        "permissions",
        "privilege",
        "privileges",
        "rights",
        "admin",
        "admins",
        "superuser",
        "moderator",
    }
)
_RAISES: Final = frozenset({"promote", "demote", "elevate", "escalate", "adminify", "entitle"})
_BANS: Final = frozenset({
    "ban", "unban", "suspend", "unsuspend", "deactivate", "reactivate", "blacklist", "whitelist", "reinstate", "kick", "expel", "impersonate",
})  # fmt: skip
"""Deeds that are done to people and to nothing else, as a rule."""
_DEEDS: Final = _RAISES | _BANS | {
    "block", "unblock", "disable", "enable", "activate", "lock", "unlock", "approve", "reject", "verify", "unverify", "freeze", "unfreeze", "mute", "unmute",
    "restrict", "unrestrict", "restore", "archive", "close", "expire", "terminate", "anonymize", "anonymise", "forget", "merge", "revoke", "assign", "unassign",
    "upgrade", "downgrade", "toggle", "grant", "fire", "logout", "signout", "make", "become", "confirm",
}  # fmt: skip
_STATES: Final = frozenset({
    "status", "state", "level", "access", "membership", "scopes", "capabilities", "entitlements", "authorities", "active", "enabled", "disabled", "banned",
    "blocked", "suspended", "locked", "verified", "approved", "staff",
})  # fmt: skip
_SAYS: Final = _ROLES | _STATES
"""Ends of paths behind which a body says what is to be, so that it can say what is."""
_PEOPLE: Final = re.compile(
    r"(?i)([^/]*[_-])?(users?|accounts?|members?|people|persons?|customers?|profiles?|employees?|clients?|students?|teachers?|doctors?|drivers?|patients?|authors?)"
)
"""Parts of a path behind which the id of somebody stands."""
_RANKED: Final = re.compile(r"(?i)([^/]*[_-])?(roles?|permissions?|admins?|administrators?|staff|moderators?)")
"""The same where the path ends with it: a role that people have, or who has it."""
_PARTS: Final = frozenset({
    "profile", "settings", "account", "details", "detail", "info", "update", "edit", "change", "save", "set", "modify", "admin", "manage", "data", "preferences",
})  # fmt: skip
"""What a path may say behind somebody's id where the account itself is changed."""
_SETS: Final = frozenset({"update", "edit", "set", "change", "save", "modify"})
_WHOSE: Final = re.compile(
    r"(?i)((target|for|to|of)_?-?)?((user|account|member|person|customer|profile|employee|client|staff|admin)s?_?-?(ids?|uuids?|names?)|(user|member|person)s?)|"
    r"e_?-?mails?|login|handle"
)
"""Members of a body or a query that name somebody."""
_ANY_ID: Final = re.compile(r"(?i)_?(ids?|uu?ids?|pk)")
_MEMBER: Final = re.compile(
    r"(?i)((user|account|member|new)_?)?(roles?(_?(id|name)s?)?|permissions?|privileges?|rights|scopes?|groups?|access(_?level)?|level|status|state)|"
    r"(user|account)_?type|authorities|(is_?)?(admin|staff|superuser|moderator|active|enabled|disabled|banned|blocked|suspended|locked|verified|approved|"
    r"deleted|archived|deactivated|activated)"
)
"""Members that say somebody's standing."""
_OF_A_PATH: Final = (
    _DEEDS
    | _SAYS
    | _PARTS
    | _LOOKS
    | {"me", "self", "myself", "create", "new", "add", "invite", "import", "register", "bulk", "batch", "all"}
)
"""Words of parts of a path that name nobody."""
_OF_NOTHING: Final = _SAYS | _SETS | _DEEDS | {"api", "v", "rest"}
"""Words of a path that does not say what it is about: ``/api/update-status``."""
_ALL: Final = frozenset({"all", "everyone", "everybody", "bulk", "batch", "mass"})
"""Words beside people by which a path means many of them: ``PATCH /users/all``, ``/users/bulk-update``."""
_OVER: Final = frozenset({"deleted", "disabled", "banned", "blocked", "suspended", "locked", "archived", "deactivated"})
_ONESELF: Final = frozenset({"me", "self", "myself"})
_OF_ONESELF: Final = re.compile(r"(?i)(^|/)(me|self|myself|account|profile|settings)(/[^/]{1,80})?/?$")


@dataclass(frozen=True, slots=True)
class _Said:
    """What a change says: the words that its path ends with, whom it names, and the members of its body."""

    words: frozenset[str]
    whom: tuple[tuple[str, str, str], ...]
    oneself: bool
    itself: bool
    """Whether the path is that of an account."""
    names: tuple[str, ...]
    """The members of the body and the query that name nobody."""

    @property
    def says(self) -> frozenset[str]:
        """The words of the path that say what of somebody is set: anything that a member bears, where a member names who is meant."""
        named = bool(self.whom) and not any(path for _, _, path in self.whom)
        return self.words & (_SAYS.union(map(as_parameter, self.names)) if named else _SAYS)


class Standing:
    """One per courier: what it has made, who its people are, and who of them was given to it."""

    def __init__(self, made: ThingsMade, known: PeopleKnown, given: GivenPeople) -> None:
        self._made, self._known, self._given = made, known, given

    def refusal(self, request: Request) -> str:
        """Why a change is not sent that does something to somebody's standing; an empty text where it does not, or says what is to be: that is
        seen once it has been read (:meth:`as_it_is`)."""
        said = _said(request)
        if said is None or said.words & _LOOKS:
            return ""
        if not (said.whom and all(map(self._is_own, said.whom))) and _means_all(request):
            return "" if self._made.is_own(request.target) else OF_ALL
        if not said.whom and request.identity in self._given.names and not any(map(ID.fullmatch, _parts(request))):
            ranks = said.words & {"make", "become", "grant", "give"} and said.words & _ROLES
            risen = f"it could change what {request.identity} may do, who was given to the scan"
            return risen if ranks or said.words & _RAISES else ""
        if all(map(self._is_own, said.whom)):
            return ""
        says = said.says
        if said.words & _DEEDS or (says and not said.names):
            return WHY
        asked = [as_parameter(name) for name, _ in parse_qsl(request.target.partition("?")[2])]
        return WHY if any(map(_MEMBER.fullmatch, asked)) and (says or said.itself) else ""

    def as_it_is(self, request: Request, shown: Mapping[str, object]) -> Request | None:
        """*request*, in which what it says of the standing of somebody who was there is what is *shown* of it; None where that is not known.
        An account of the scan's own is changed as it is told; somebody who was given may give the own account what it has not, where that is
        shown and can be taken back, and nothing else."""
        said = _said(request)
        if said is None or said.words & _LOOKS:
            return request
        of_oneself = request.identity in self._given.names and (said.oneself or self._names_itself(request, said))
        if not of_oneself and all(map(self._is_own, said.whom)):
            return request
        says, whole = said.says, members_of(request)
        names = [name for name in said.names if says or _MEMBER.fullmatch(as_parameter(name))]
        if not names or not (says or said.itself):
            return request
        stands = dict[str, object](whole)
        adds = request.method == "POST" and any(word.endswith("s") and not word.endswith("us") for word in says)
        form = (request.header("Content-Type") or "").startswith(FORM)
        for name in names:
            value = whole.get(name)
            known = name in shown and not is_masked(shown[name]) and (isinstance(shown[name], str) or not form)
            if known and name in whole and not adds:
                stands[name] = value if of_oneself and _raises(shown[name], value) else shown[name]
            elif of_oneself and name in whole and not says and not _is_no_news(name, value):
                del stands[name]  # what the account has no member for could not be taken back
            elif not _is_no_news(name, value) and (name not in whole or not self._stands_so(said, name, value)):
                return None
        if not stands:
            return None
        return with_members(request, stands) if stands != whole else request

    def is_of_another(self, request: Request) -> bool:
        """Whether the path is the account of somebody who was there, as the scan has registered nobody of that id or name."""
        said = _said(request)
        if said is None or not said.itself or self._names_itself(request, said):
            return False
        return any(path and not self._is_own((noun, key, path)) for noun, key, path in said.whom)

    def _names_itself(self, request: Request, said: _Said) -> bool:
        own = self._known.ids_shown_to(request.identity)
        return bool(said.whom) and all(key in own for _, key, _ in said.whom)

    def _stands_so(self, said: _Said, name: str, value: object) -> bool:
        """Whether somebody who was given is shown to be just that, and is who is meant."""
        keys = {key for _, key, _ in said.whom}
        people = [one for one in self._given.names if keys and keys <= self._known.ids_shown_to(one)]
        shown = [self._known.shown_to(one) for one in people]
        return any(one is not None and name in one[1] and one[1][name] == value for one in shown)

    def _is_own(self, somebody: tuple[str, str, str]) -> bool:
        noun, key, path = somebody
        if NOBODY.fullmatch(key) or self._known.has_registered(noun, key):
            return True
        kinds = {noun.rstrip("s"), noun}
        by_id = not path and any(key == one and kind.rstrip("s") in kinds for kind, one in self._made.ids())
        return by_id or (bool(path) and self._made.is_own(path))


def _said(request: Request) -> _Said | None:
    """What *request* says, if it is a change and could be one of somebody."""
    path, _, query = request.target.partition("?")
    if request.method not in _CHANGES or request.effect == "login" or len(path) > LONGEST:
        return None
    segments = _parts(request)
    place = _somebody(segments, request.method)
    words = with_deeds(_tail(segments, place))  # ``/users/5/promoted``
    pairs = [*parse_qsl(query, keep_blank_values=True), *members_in(request, 3)]
    names = tuple(name for name, _ in pairs if not (_WHOSE.fullmatch(name) or _ANY_ID.fullmatch(name)))
    if place is not None:
        whom = [(segments[place - 1], segments[place], "/" + "/".join(segments[: place + 1]))]
        itself = all(words_of(one) & _PARTS for one in segments[place + 1 :])
    else:
        whom = list(dict.fromkeys(_named(pairs, segments, words, names)))
        sets = request.method in ("PUT", "PATCH") or not words.isdisjoint(_SETS)
        itself = bool(whom) and sets and _speaks_of_people(segments)
    oneself = not whom and (_OF_ONESELF.search(path) is not None or not _ONESELF.isdisjoint(segments))
    return _Said(frozenset(words), tuple(whom), oneself, itself or oneself, names)


def _parts(request: Request) -> list[str]:
    return [one for one in unquote(request.target.partition("?")[0]).split("/") if one]


def _somebody(segments: list[str], method: str) -> int | None:
    """The place of the part of a path that is somebody's id or name, or that of a role; no id of anything else stands behind it."""
    found: int | None = None
    for place in range(1, len(segments)):
        one, above = segments[place], segments[place - 1]
        if ID.match(one):
            done = with_deeds(words_of(above))
            deed = place > 1 and _PEOPLE.fullmatch(segments[place - 2]) and done & (_DEEDS | _SAYS)
            ranked = deed or _RANKED.fullmatch(above) or done & (_RAISES | _BANS)
            if _PEOPLE.fullmatch(above) or (ranked and found is None):
                found = place
            elif not words_of(above) & _SAYS:
                found = None
        elif _PEOPLE.fullmatch(above) and not words_of(one) <= _OF_A_PATH and not _PEOPLE.fullmatch(one):
            ends = place == len(segments) - 1
            found = place if not ends or (method in ("PUT", "PATCH") and above.endswith("s")) else found
    return found


def _tail(segments: list[str], place: int | None) -> set[str]:
    """The words of what is done or said: of all that stands behind somebody, of ``set-role`` in ``/set-role/5``, or of the last part."""
    if place is None:
        return words_of(next((one for one in reversed(segments) if not ID.fullmatch(one)), ""))
    behind = [one for one in segments[place + 1 :] if not ID.match(one)]
    above = with_deeds(words_of(segments[place - 1]))
    return set[str]().union(*map(words_of, behind)) if behind else above if len(above) > 1 or above & _DEEDS else set()


def _named(
    pairs: Sequence[tuple[str, object]], segments: Sequence[str], words: set[str], names: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    """Whom the members name where the path does not. Any id counts where people alone are meant, and none where the path or another id says
    what is spoken of (``/orders/status {"order_id": 5, "user_id": 1}``)."""
    spoken = set[str]().union(*map(words_of, segments))
    people = not words.isdisjoint(_ROLES | _RAISES | _BANS) or _speaks_of_people(segments) or spoken <= _OF_NOTHING
    said = {as_parameter(name) for name in names}
    if not people and (words.isdisjoint(_DEEDS | _SAYS | said) or any(map(ID.fullmatch, segments))):
        return
    if not people and said and not any(one in words or _MEMBER.fullmatch(one) for one in said):
        return
    things = {word for name in names if is_an_id(name) for word in words_of(name)} - {"id", "ids", "name"}
    if not people and any({word, f"{word}s"} & spoken for word in things):
        return
    for name, value in pairs:
        if _WHOSE.fullmatch(name) or (people and _ANY_ID.fullmatch(name)):
            for one in cast("list[object]", value) if isinstance(value, list) else [value]:
                if isinstance(one, (str, int)) and not isinstance(one, bool):
                    yield as_parameter(name), str(one), ""


def _raises(had: object, value: object) -> bool:
    """Whether somebody with that would be more afterwards, and an administrator is not meant: only who is more can take it back for sure."""
    if isinstance(had, str) and isinstance(value, str):
        return HIGH.search(had) is None and HIGH.search(value) is not None
    return type(had) in (bool, int) and type(value) in (bool, int) and had in (0, False) and value in (1, True)


def _is_no_news(name: str, value: object) -> bool:
    """Whether a member says of somebody what is so as a rule: ``"deleted": false``."""
    said = as_parameter(name).removeprefix("is_")
    return (value is False and said in _OVER) or (value is True and said in ("active", "enabled"))


def _means_all(request: Request) -> bool:
    """Whether the path says that it changes many people, or does something to them; what makes many of them changes none."""
    segments = _parts(request)
    words = [words_of(one) for one in segments]
    people = [
        place for place, one in enumerate(segments) if _PEOPLE.fullmatch(one) and one.lower().endswith(("s", "people"))
    ]
    beside = set[str]().union(
        *(words[near] for place in people for near in range(max(place - 1, 0), min(place + 2, len(words))))
    )
    done = with_deeds(set[str]().union(*words))
    return not beside.isdisjoint(_ALL) and (request.method in ("PUT", "PATCH") or not done.isdisjoint(_DEEDS | _SETS))


def _speaks_of_people(segments: Sequence[str]) -> bool:
    return any(map(_PEOPLE.fullmatch, segments[-2:]))
