"""Functions of a role whose paths do not say admin: a document says for whom they are (*agents only*), or a guard of what lies beside them does.

That somebody has a role is never supposed: a person of the scan counts as one without it where the scan registered that person, where the credential
tells another role, or where another function of the same role answers that person with 403.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence
from stopper.core.naming import as_parameter
from stopper.core.owner_names import ADMIN_PATH
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, own, send, undo
from stopper.core.probing.accounts.login import REGISTERED, known_log_in
from stopper.core.probing.accounts.own_values import SELF
from stopper.core.probing.accounts.registration import registers
from stopper.core.probing.accounts.rights import lists_administrators, refused_as_administrator
from stopper.core.probing.baseline import alike, attempt, is_door
from stopper.core.probing.inputs import members
from stopper.core.probing.things.foreign import made
from stopper.core.probing.things.kinds import at_number, kinds, route_at
from stopper.core.probing.things.objects import marked, plain_members
from stopper.core.probing.things.read_below import unknown
from stopper.core.spec_document import shape

_ROLE: Final = (
    r"(?:(?:super)?admin(?:istrator)?|super-?user|staff|employee|agent|doctor|physician|nurse|pharmacist|manager|moderator|operator|editor|librarian|teacher|instructor|"
    r"professor|driver|courier|dispatcher|approver|auditor|supervisor|seller|vendor|merchant|organi[sz]er|curator|analyst|accountant|recruiter|reviewer|technician|"
    r"support(?: staff| team)?|back-?office|hr)s?"
)
_SAYS: Final = re.compile(
    rf"(?i)\b({_ROLE})(?:,? (?:or|and|&) (?:an? )?{_ROLE})?(?: users?| role| access| privileges?| rights)? (?:only|required|is required)\b|"
    rf"\bonly (?:for |by |to |an? |the )*({_ROLE})\b|\b(?:requires?|restricted to|limited to|reserved for|must be|available to)(?: an?| the)? ({_ROLE})\b|"
    rf"^\W?({_ROLE})\W? ?[:-] |[(\[]({_ROLE})(?: only)?[)\]]"
)
_OWNERS: Final = re.compile(r"(?i)\b(owners?|own|authors?|creators?|self|yourself|themsel(f|ves))\b")
"""Whoever has made a thing may do it as well, so that an own thing proves nothing."""
_FOLDER: Final = re.compile(
    rf"(?i)^(.{{0,120}}?/(?:{_ROLE}|manage|management|front-?desk|reception|dispatch|moderation|operations?|ops|console|control|audit|supervision|editorial|approvals?))/."
)
_ORDINARY: Final = re.compile(
    r"(?i)user|member|customer|client|guest|student|pupil|patient|reader|donor|buyer|viewer|subscriber|rider|tenant|resident|basic|standard|regular|none"
)
"""Roles of those who are served."""
_RIGHTS: Final = re.compile(r"(?i)(/[\w.-]{1,40}){0,4}/(user[_-]?)?(roles?|permissions?|privileges?)(/\{[^{}/]+\})?/?")
"""Paths of the roles and rights that there are, of which an API has one list and no thing its own."""
_ADMIN: Final = "admin"
MOST: Final = 10
"""Functions that are asked for."""
_SHALL: Final = ("GET", "POST", "PUT", "PATCH")
Found = tuple[RouteRef, Evidence, Evidence]


@dataclass(frozen=True, slots=True)
class _Function:
    route: Route
    method: str
    role: str
    """The word that says whose it is; empty where only what lies beside it tells."""

    @property
    def ref(self) -> RouteRef:
        return RouteRef(self.method, self.route.path)


def functions_let_in(target: Target, low: Identity) -> Steps[list[Found]]:
    """The functions of a role that let *low* in, each with its control and its proof."""
    found: list[Found] = []
    for group in _groups(target).values():
        asked: list[tuple[_Function, Exchange | None, Exchange | None]] = []
        for one in group[:MOST]:
            anonymous, answer = yield from _asked(target, one, low)
            asked.append((one, anonymous, answer))
        refused = next((answer for _, _, answer in asked if answer is not None and answer.response.status == 403), None)
        if group[0].role == _ADMIN and _is_of_rights(group[0].route):
            refused = refused or (yield from refused_as_administrator(target, low))
            if not (yield from lists_administrators(target, group[0].route, low)):
                continue
        role = group[0].role or _role_of_the_folder(group[0].route)
        lacks = bool(role) and (_lacks(target, low, role) or (yield from _told_otherwise(target, low, role)))
        if _has(target, low, role) or (refused is None and not lacks):
            continue
        for one, anonymous, answer in asked:
            if answer is None or anonymous is None or not anonymous.response.refused or answer.response.refused:
                continue
            if one.method != "GET" and not answer.response.succeeded and one.route.parameters:
                answer = yield from _on_an_own_thing(target, one, low)
            if answer is not None and answer.response.succeeded and not alike(answer.response, anonymous.response):
                control = refused or anonymous
                said = (
                    f"control: {low.name} is refused beside it"
                    if refused
                    else "control: nobody is let in without a credential"
                )
                found.append(
                    (
                        one.ref,
                        Evidence("exchange", said, control),
                        Evidence("exchange", f"{low.name} is let in", answer),
                    )
                )
    return found


def _groups(target: Target) -> dict[str, list[_Function]]:
    """Functions of one role by the document's words, those that lie in one folder of a role, and those that make and change the roles themselves."""
    found: dict[str, list[_Function]] = {}
    for route in target.app.routes:
        if is_door(route) or registers(route) or SELF.search(route.path) or ADMIN_PATH.search(route.path):
            continue
        for method in [one for one in _methods(target, route) if not _shares_its_address(target, route, one)]:
            words = route.spec_says.get(method, "")
            said = _SAYS.search(words) if not _OWNERS.search(words) else None
            role = next(filter(None, said.groups()), "").lower() if said is not None else ""
            folder = _FOLDER.match(route.path)
            if role:
                found.setdefault(f"role {role.rstrip('s')}", []).append(_Function(route, method, role))
            elif folder is not None and "{" not in folder.group(1):
                found.setdefault(f"folder {folder.group(1).lower()}", []).append(_Function(route, method, ""))
            elif method != "GET" and _is_of_rights(route):
                found.setdefault("the roles themselves", []).append(_Function(route, method, _ADMIN))
    return {name: sorted(group, key=lambda one: _SHALL.index(one.method)) for name, group in found.items()}


def _shares_its_address(target: Target, route: Route, method: str) -> bool:
    """Whether another route takes the same addresses (``/courses/{student_id}`` beside ``/courses/{name}``): which of them answered is not told."""
    form = shape(route.path)
    others = (one for one in target.app.routes if one.path != route.path and method in one.methods)
    return any(shape(one.path) == form for one in others)


def _is_of_rights(route: Route) -> bool:
    return _RIGHTS.fullmatch(route.path) is not None


def _methods(target: Target, route: Route) -> Iterator[str]:
    for method in _SHALL if target.mode == "active" else ("GET",):
        if method in route.methods and len(route.parameters) <= 1 and route.path.count("{") <= 1:
            yield method


def _asked(target: Target, one: _Function, low: Identity) -> Steps[tuple[Exchange | None, Exchange | None]]:
    """What nobody and what *low* is answered; a change is asked of a thing that nobody has."""
    anonymous = yield from attempt(send(_request(target, one)))
    if anonymous is None or not anonymous.response.refused:
        return None, None
    request = _request(target, one)
    if one.method != "GET" and one.route.parameters and (yield from somebody_has(target, one.route, request, low)):
        return None, None
    answer = yield from attempt(send(low.on(request)))
    if one.method != "GET" and one.route.parameters and answer is not None and answer.response.succeeded:
        yield from taken_back(target, one.route, low.on(request), low)
    return anonymous, answer


def _request(target: Target, one: _Function) -> Request:
    honest = target.request_for(one.route, one.method)
    if one.method == "GET" or not one.route.parameters:
        return marked(honest, target.canary)[0] if one.method == "POST" and members(honest) else honest
    name, kind = one.route.parameters[0]
    counted = "int" in kind or (kind in ("", "string", "default") and "id" in name.lower())
    return at_number(target, one.route, unknown("1" if counted else str(uuid.UUID(int=1))), one.method)


def _on_an_own_thing(target: Target, one: _Function, low: Identity) -> Steps[Exchange | None]:
    """The answer to *low*, who does with a thing just made what only that role should."""
    kind = next((each for each in kinds(target) if any(member.path == one.route.path for member in each.members)), None)
    if kind is None or kind.create_route is None or kind.create_route.path == one.route.path:
        return None
    thing = yield from attempt(made(target, kind, low, low))
    if thing is None:
        return None
    return (yield from attempt(send(low.on(at_number(target, one.route, thing.number, one.method)))))


def somebody_has(target: Target, route: Route, request: Request, low: Identity) -> Steps[bool]:
    """Whether a thing of that id, which nobody should have, is there: a change of it would be one of somebody's."""
    seen = yield from send(low.on(replace(request, method="GET", body=b"")))
    above, _, behind = route.path.partition("{")
    listed = route_at(target, above, "GET")
    if seen.response.succeeded or listed is None:
        return seen.response.succeeded
    number = request.target.partition("?")[0].removeprefix(above).removesuffix(behind.partition("}")[2])
    return number in (yield from send(low.on(target.request_for(listed, "GET")))).response.text


def taken_back(target: Target, route: Route, made: Request, low: Identity) -> Steps[None]:
    """What a change of a thing that nobody had has made is deleted again."""
    if route_at(target, route.path, "DELETE") is None:
        return
    there = yield from send(low.on(replace(made, method="GET", body=b"")))
    if there.response.succeeded:
        yield from own(made.target.partition("?")[0], made)
        yield from undo(low.on(replace(made, method="DELETE", body=b"", effect="write")))


def _lacks(target: Target, low: Identity, role: str) -> bool:
    """Whether somebody surely has not that role: the scan registered them, or their token tells another one."""
    claims = target.forge.claims(low.token.reveal()) if low.token is not None else {}
    told = any(
        re.search(r"(?i)role|group|kind|type", name) and isinstance(said, (str, list)) for name, said in claims.items()
    )
    return told or (bool(target.canary) and target.canary in (low.subject or ""))


def _role_of_the_folder(route: Route) -> str:
    """``teacher`` of ``/api/teacher/grades``: the folder of a role by its name; an empty text for any other."""
    folder = _FOLDER.match(route.path)
    last = folder.group(1).rpartition("/")[2].lower() if folder is not None else ""
    return last if re.fullmatch(rf"(?i){_ROLE}", last) else ""


def _told_otherwise(target: Target, low: Identity, role: str) -> Steps[bool]:
    """Whether somebody is told of itself that it has not that role: ``{"staff": false}``, or another role by name."""
    stem = re.sub(r"(?i)s$", "", role).lower().replace("-", "_")
    for route in [
        one for one in target.app.routes if "GET" in one.methods and not one.parameters and SELF.search(one.path)
    ][:2]:
        seen = yield from attempt(send(low.on(target.request_for(route, "GET"))))
        for name, value in plain_members(seen.response.json()) if seen is not None and seen.response.succeeded else ():
            said = as_parameter(name)
            if said in (stem, f"is_{stem}") and value in (False, 0):
                return True
            another = isinstance(value, str) and stem not in value.lower() and _ORDINARY.fullmatch(value) is not None
            if said in ("role", "user_role", "user_type", "account_type") and another:
                return True
    return False


def _said_at(door: Exchange | None) -> list[str]:
    return [door.request.target, door.response.text] if door is not None else []


def _has(target: Target, low: Identity, role: str) -> bool:
    """Whether anything says that somebody is what the function asks for: the token, the log-in, the registration (``POST /merchants/register``
    makes merchants) or the name."""
    entry, made_by = known_log_in(target, low), target.notes.get(REGISTERED + low.name)
    claims = target.forge.claims(low.token.reveal()) if low.token is not None else {}
    texts = [low.name, low.subject or "", str(claims), *_said_at(entry)]
    if isinstance(made_by, tuple) and isinstance(made_by[1], Exchange):
        texts += [made_by[1].request.body.decode("utf-8", "replace"), *_said_at(made_by[1])]
    stem = re.sub(r"(?i)s$", "", role).lower()
    return bool(stem) and any(stem in text.lower() for text in texts)
