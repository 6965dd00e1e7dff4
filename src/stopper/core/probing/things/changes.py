"""What somebody sends to change a thing of another's, and what it comes to beside a change of the thing itself."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import NoneType
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.naming import as_parameter
from stopper.core.owner_names import OWNER
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, send
from stopper.core.probing.accounts.own_values import BELONGS, TELLING, own_numbers
from stopper.core.probing.inputs import members
from stopper.core.probing.things.id_elsewhere import stands_elsewhere
from stopper.core.probing.things.kinds import Kind, Thing, at_number, entry_of, route_at
from stopper.core.probing.things.objects import inner_object, is_free_text, one_thing

_FIXED: Final = re.compile(
    r"(?i)(^|_)(id|uuid|key|number|no|date|time|at|type|status|state|currency|cvv|url|owner|user|author)$|^id|mail"
)
"""Members that a change does not name."""

_CHOICES: Final = re.compile(
    r"""(?:["']?[A-Za-z][\w-]{0,30}["']?\s*(?:,\s*or\b|,|\||/|\bor\b|\band\b)\s*){1,20}["']?[A-Za-z][\w-]{0,30}["']?"""
)
"""Words that a refusal offers."""
_STATE: Final = re.compile(r"(\w+_)?(status|state|stage)")
_AFTER: Final = {
    "pending": ("completed", "cancelled"),
    "new": ("done", "cancelled"),
    "placed": ("cancelled", "cancelled"),
    "confirmed": ("cancelled", "cancelled"),
    "open": ("closed", "cancelled"),
    "todo": ("done", "done"),
    "draft": ("published", "published"),
    "active": ("inactive", "cancelled"),
    "scheduled": ("cancelled", "cancelled"),
    "available": ("unavailable", "unavailable"),
}
"""What usually comes after a state: of things in general, and of what is booked or ordered."""
_BOOKED: Final = re.compile(r"(?i)order|booking|reservation|appointment|subscription|purchase|trip|ride|rental")
_TO_WHOM: Final = re.compile(
    r"(new_|to_|target_|with_|share_with_?)?(user|owner|username|recipient|receiver|assignee|member|account|collaborator|email|e_mail|login|to|with)(_?(id|name|username|email))?"
)
"""Members that say to whom a thing is given or shown."""

_BY_TRADE: Final = re.compile(
    r"(host|guest|doctor|teacher|tutor|driver|rider|passenger|landlord|renter|agent|payee|holder|subscriber|assignee|requester|applicant|borrower|lender|donor|"
    r"reporter|vendor|provider|instructor|artist|poster|submitter|starter|organi[sz]er|curator|founder|initiator|coach|trainer)_(id|uuid|email|name|username)|"
    r"(posted|made|added|uploaded|submitted|owned|booked|requested)_by(_id)?|(from|to)(_user)?_(id|uuid)|(from|to)_user"
)
"""Members that say whose a thing is by what that person does."""


def told_or_kept(
    target: Target,
    kind: Kind,
    thing: Thing,
    route: Route,
    request: Request,
    tried: Exchange,
    seen: Exchange | None,
    alice: Identity,
) -> Steps[Verdict | None]:
    """A POST that answers Bob with what Alice stored, or that puts his text below it: it stands in what Alice reads at the same path."""
    ref = RouteRef("POST", route.path)
    made = Evidence("exchange", "alice makes an object", thing.made)
    sent = str(members(request))
    shown = _whole(kind, thing.number, seen).values() if seen is not None and kind.thing is not None else ()
    hers = [
        text for text in (*thing.texts, *shown) if isinstance(text, str) and len(text) >= TELLING and text not in sent
    ]
    if any(text in tried.response.text for text in hers):
        shows = Evidence("exchange", "bob asks for it by its id and sees alice's text", tried)
        return failed(f"{ref} shows what one user stored to another user who knows its id", (ref,), (made, shows))
    listed = route_at(target, route.path, "GET")
    texts = [text for text in members(request).values() if isinstance(text, str) and target.canary in text]
    if listed is None or stands_elsewhere(route) or not texts:
        return None
    below = yield from send(alice.on(at_number(target, listed, thing.number)))
    if not below.response.succeeded or not any(text in below.response.text for text in texts):
        return None
    evidence = (
        made,
        Evidence("exchange", "bob stores a random text below it", tried),
        Evidence("exchange", "alice reads there and finds it", below),
    )
    return failed(f"{ref} lets one user store something in what is another's", (ref,), evidence)


def in_his_name(target: Target, request: Request, bob: Identity) -> Steps[Request]:
    """*request* with Bob wherever its body says to whom a thing is given or shown."""
    said = members(request)
    for name, value in said.items():
        if isinstance(value, (str, int)) and not isinstance(value, bool) and _TO_WHOM.fullmatch(as_parameter(name)):
            known = yield from own_numbers(target, bob, name)
            mail = bob.subject if bob.subject is not None and "mail" in name.lower() else None
            his = mail or next(iter(known.values()), bob.subject)
            if his is not None:
                said[name] = int(his) if isinstance(value, int) and his.isdigit() else his
    return replace(request, body=json.dumps(said).encode()) if said != members(request) else request


def anew(target: Target, route: Route, request: Request, kind: Kind, thing: Thing, seen: Exchange | None) -> Request:
    """*request* in which nothing says what stands there already: another change may have said it before, and what takes one of few words
    would say the first of them. What the thing could be made with in one form alone keeps that form."""
    if seen is None:
        return request
    request = _in_the_form_made(request, thing)
    stands, said, made = _whole(kind, thing.number, seen), members(request), members(thing.made.request)
    for name, value in said.items():
        if stands.get(name) == value and isinstance(value, str) and target.canary in value:
            said[name] = f"{value} again"
        elif stands.get(name) is value and isinstance(value, bool):
            said[name] = not value
        elif _is_a_measure(name, value) and value in (stands.get(name), made.get(name)):
            said[name] = cast("float", value) + 1
        elif stands.get(name) == value and (others := _other_words(route, name, value)):
            said[name] = others[0]
        elif stands.get(name) == value and isinstance(value, str) and value.startswith(("http://", "https://")):
            said[name] = f"{value.rstrip('/')}/again"
    return replace(request, body=json.dumps(said).encode()) if said != members(request) else request


def _in_the_form_made(request: Request, thing: Thing) -> Request:
    """*request* with a sum or a date where it has a text, and the thing was made with one: ``{"price": "10.00"}``."""
    said, made = members(request), members(thing.made.request)
    formed = {
        name: made[name]
        for name, value in said.items()
        if is_free_text(value) and isinstance(made.get(name), (str, int, float)) and not is_free_text(made[name])
    }
    return replace(request, body=json.dumps({**said, **formed}).encode()) if formed else request


def _is_a_measure(name: str, value: object) -> bool:
    """Whether a member says how much, and neither which nor whose."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and not _FIXED.search(name) and not _TO_WHOM.fullmatch(as_parameter(name))


def opened(
    target: Target, kind: Kind, thing: Thing, ref: RouteRef, shut: Exchange | None, tried: Exchange, bob: Identity
) -> Steps[Verdict | None]:
    """The fail where Bob, to whom the thing was *shut*, reads it after what he has *tried*: he has given or shown it to himself."""
    if shut is None or kind.thing is None or shut.response.succeeded or not tried.response.succeeded:
        return None
    reads = yield from send(bob.on(at_number(target, kind.thing, thing.number)))
    if not reads.response.succeeded or not any(text in reads.response.text for text in thing.texts):
        return None
    evidence = (
        Evidence("exchange", "alice makes an object", thing.made),
        Evidence("exchange", "control: bob may not read it", shut),
        Evidence("exchange", "bob gives himself what is hers", tried),
        Evidence("exchange", "now bob reads it", reads),
    )
    return failed(f"{ref} lets one user give himself what another user stored", (ref,), evidence)


def _other_words(route: Route, name: str, value: object) -> list[object]:
    """What else than *value* the document lets a member say that is one of few."""
    properties = route.request_schema.get("properties") if route.request_schema else None
    one = cast("Mapping[str, object]", properties).get(name) if isinstance(properties, Mapping) else None
    words = cast("Mapping[str, object]", one).get("enum") if isinstance(one, Mapping) else None
    return [word for word in cast("list[object]", words) if word != value] if isinstance(words, list) else []


_ENTERS: Final = re.compile(r"(?i)/(join|enter|accept|subscribe|self-?add)/?$")


def lets_himself_in(target: Target, kind: Kind, thing: Thing, bob: Identity) -> Steps[list[Verdict]]:
    """``POST /groups/{id}/join``: Bob, to whom her thing is shut and no list shows it, makes himself one of its people. It may be meant so."""
    entering = [one for one in kind.members if "POST" in one.methods and _ENTERS.search(one.path)]
    if kind.thing is None or stands_elsewhere(kind.thing) or not thing.private or not thing.texts:
        return []
    for route in entering[:1]:
        shut = yield from send(bob.on(at_number(target, kind.thing, thing.number)))
        if shut.response.status not in (401, 403, 404):
            return []
        tried = yield from send(bob.on(at_number(target, route, thing.number, "POST")))
        told = yield from opened(target, kind, thing, RouteRef("POST", route.path), shut, tried, bob)
        return [replace(told, severity="medium")] if told is not None else []
    return []


def of_its_own(
    kind: Kind, thing: Thing, request: Request, seen: Exchange | None, refusal: str
) -> dict[str, object] | None:
    """A changed member of the thing under a name by which it was made or is shown: one of which the path or the refusal speaks, one that is
    called like what the request names (``card_limit`` where that says ``limit``), else any text or number of it that is no id."""
    if seen is None:
        return None
    whole = {**members(thing.made.request), **_whole(kind, thing.number, seen)}
    known = {
        name: value
        for name, value in whole.items()
        if isinstance(value, (str, int, float, NoneType)) and not isinstance(value, bool) and not _FIXED.search(name)
    }
    sent = members(request)
    other = _another_choice(kind, whole, sent, refusal)
    if other is not None:
        return other
    said = set(re.findall(r"[a-z_]+", f"{refusal[:2000]} {request.target.partition('?')[0]}".lower()))
    spoken = [name for name in known if as_parameter(name) in said]
    words = {word for name in sent for word in as_parameter(name).split("_") if len(word) > 2}
    like = [name for name in known if words & set(as_parameter(name).split("_"))]
    plain = [name for name, value in known.items() if value is not None]
    name = next((one for one in (*spoken, *like, *plain) if one not in sent), None)
    if name is None:
        return None
    value = known[name]
    if not refusal.strip() or (name not in spoken and name not in like):  # nobody says which of them may be changed
        texts: dict[str, object] = {
            one: f"{known[one]} changed" for one in plain if isinstance(known[one], str) and one not in sent
        }
        if isinstance(value, str) and texts:
            return texts
    return {name: value + 1 if isinstance(value, (int, float)) else f"{value or name} changed"}


def _another_choice(
    kind: Kind, shown: dict[str, object], sent: dict[str, object], refusal: str
) -> dict[str, object] | None:
    """A member that is one of few, with another of them: one that a refusal lists together with what it is (``open, closed or waiting``), what
    usually comes after it, or a yes for a no that was sent as it stands."""
    for name, value in shown.items():
        if isinstance(value, bool) and sent.get(name) is value:
            return {**sent, name: not value}
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w-]{1,30}", value) and (name in sent or name in refusal):
            lists = [one.group() for one in _CHOICES.finditer(refusal[:2000])]
            several = [[word.group() for word in re.finditer(r"[A-Za-z][\w-]*", one)] for one in lists]
            words = next((found for found in several if value in found), list[str]())
            others = [one for one in words if one not in (value, "or", "and")]
            usual = _AFTER.get(value.lower()) if name in sent and _STATE.fullmatch(as_parameter(name)) else None
            if usual is not None and not others:
                others = [usual[bool(_BOOKED.search(kind.base))]]
            if others:
                return {**(sent if name in sent else {}), name: others[0]}
    return None


def owners(kind: Kind, number: str, seen: Exchange) -> dict[str, object]:
    """What an answer says of the thing's owner, by name."""
    return dict(owners_in(_of_the_thing(kind, number, seen)))


def _of_the_thing(kind: Kind, number: str, seen: Exchange) -> object:
    """What an answer says of the thing: all of it where it is read by its id, else its entry."""
    return one_thing(seen.response.json()) if kind.thing is not None else entry_of(seen, kind.parameter, number)


def _whole(kind: Kind, number: str, seen: Exchange) -> dict[str, object]:
    return inner_object(_of_the_thing(kind, number, seen))


def owners_in(value: object, depth: int = 3) -> Iterator[tuple[str, object]]:
    """The members of objects in objects that say whose a thing is."""
    if isinstance(value, dict) and depth:
        for name, item in cast("dict[str, object]", value).items():
            if OWNER.search(name) or _BY_TRADE.fullmatch(as_parameter(name)):
                yield name, item
            yield from owners_in(item, depth - 1)


def differ(one: dict[str, object], other: dict[str, object]) -> bool:
    """Whether two things have different owners: what belongs to one company may be changed by each of its people."""
    if any(BELONGS.fullmatch(as_parameter(name)) and other.get(name) == value for name, value in one.items()):
        return False
    return any(name in other and other[name] != value for name, value in one.items())
