"""Somebody who is logged in changes the number in the address and reads what belongs to others."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send, undo, unsure
from stopper.core.probe_baseline import TRIES, alike, same
from stopper.core.rule import Rule

_ID_NAMES: Final = ("id", "uuid", "_id", "slug", "key", "number")
_FIXED: Final = re.compile(r"(?i)mail|passw|pwd|url|uri|date|time|phone|role|type|status|lang|currency|country")
"""Fields in which a random text would be refused."""
_USUAL: Final = ("text", "title", "name", "content", "body", "description", "message", "note")
"""What most things have, for a route of which no reader knows the fields."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A route that reads one object, and the routes of the collection beside it."""

    thing: Route
    parameter: str
    list_route: Route | None
    create_route: Route | None

    @property
    def ref(self) -> RouteRef:
        """The reading of one object."""
        return RouteRef("GET", self.thing.path)


def probe(target: Target) -> Steps[Verdict]:
    """Two people: what is alice's own, bob asks for by its id. Everything else about the request stays the same."""
    people = _two(target)
    if people is None:
        return not_applicable("the scan is fewer than two people, so nothing belongs to another")
    pairs = list(_pairs(target))[: TRIES[target.depth] // 3]
    if not pairs:
        return not_applicable("no route reads one object by its id")
    tested = 0
    for pair in pairs:
        verdict = yield from _asked(target, pair, *people)
        if verdict is not None and verdict.outcome == "fail":
            return verdict
        tested += verdict is not None
    if not tested:
        return unsure("no object was found that belongs to one person of this scan")
    return passed("what belongs to one person is not shown to the other")


def _two(target: Target) -> tuple[Identity, Identity] | None:
    """Two ordinary people with different credentials; an administrator may read what others own."""
    people = [one for one in target.identities if one.headers and not re.search(r"(?i)admin|root|super", one.name)]
    return (people[0], people[1]) if len(people) >= 2 else None


def _pairs(target: Target) -> Iterator[Pair]:
    for route in target.app.routes:
        if "GET" in route.methods and len(route.parameters) == 1 and route.path.rstrip("/").endswith("}"):
            beside = route.path.rstrip("/").rpartition("/")[0]
            yield Pair(
                route,
                route.parameters[0][0],
                list_route=_route(target, beside, "GET"),
                create_route=_route(target, beside, "POST"),
            )


def _route(target: Target, path: str, method: str) -> Route | None:
    return next((one for one in target.app.routes if one.path.rstrip("/") == path and method in one.methods), None)


def _asked(target: Target, pair: Pair, alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    """The verdict on one route; None where nothing was found that is surely alice's own."""
    if target.mode == "active" and pair.create_route is not None:
        verdict = yield from _created(target, pair, pair.create_route, alice, bob)
        if verdict is not None:
            return verdict
    if pair.list_route is not None:
        return (yield from _listed(target, pair, pair.list_route, alice, bob))
    return None


# -- what alice creates ----------------------------------------------------------------------------------------------------------


def _created(target: Target, pair: Pair, create: Route, alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    """Alice stores random texts; bob sees one of them that neither his own list nor an anonymous caller gets."""
    request, marks = _marked(target, target.request_for(create, "POST"))
    made = yield from send(alice.on(request))
    if not marks or not made.response.succeeded:
        return None
    number = _new_id(made, pair) or (yield from _id_in_list(target, pair, alice, marks))
    if number is None:
        return None
    read = _read(target, pair, number)
    if "DELETE" in pair.thing.methods:
        yield from undo(alice.on(Request("DELETE", read.target, read.headers, b"", "write")))
    own = yield from send(alice.on(read))
    shown = {mark for mark in marks if mark in own.response.text}
    if not own.response.succeeded or not shown:
        return None
    foreign = yield from send(bob.on(read))
    seen = {mark for mark in shown if mark in foreign.response.text} if foreign.response.succeeded else set[str]()
    if not seen:
        return passed(f"{pair.ref} does not show alice's object to bob")
    return (yield from _meant_for_all(target, pair, bob, read, seen, (made, own, foreign)))


def _meant_for_all(
    target: Target, pair: Pair, bob: Identity, read: Request, seen: set[str], steps: tuple[Exchange, Exchange, Exchange]
) -> Steps[Verdict | None]:
    """Nothing is said where anybody may read it, or where bob's own list shows the same text: it is shared on purpose."""
    made, own, foreign = steps
    anonymous = yield from send(read)
    if anonymous.response.succeeded and any(mark in anonymous.response.text for mark in seen):
        return None
    if pair.list_route is not None:
        listed = yield from send(bob.on(target.request_for(pair.list_route, "GET")))
        if all(mark in listed.response.text for mark in seen):
            return None
    evidence = (
        Evidence("exchange", "control: without a credential the object is not shown", anonymous),
        Evidence("exchange", "alice stores a random text", made),
        Evidence("exchange", "control: alice reads her own object and sees the text", own),
        Evidence("exchange", "bob asks for the same object and sees alice's text", foreign),
    )
    return failed(f"{pair.ref} shows what one user stored to another user who knows its id", (pair.ref,), evidence)


def _marked(target: Target, request: Request) -> tuple[Request, list[str]]:
    """The request with a random text in every field that takes any text."""
    try:
        body: object = json.loads(request.body)
    except ValueError:
        return request, []
    if not isinstance(body, dict):
        return request, []
    members, marks = dict(cast("dict[str, object]", body)) or dict.fromkeys(_USUAL, ""), list[str]()
    for name, value in members.items():
        if isinstance(value, str) and not _FIXED.search(name):
            marks.append(f"{target.canary}x{len(marks)}")
            members[name] = marks[-1]
    text = json.dumps(members).encode()
    return Request(request.method, request.target, request.headers, text, request.effect, request.identity), marks


def _new_id(made: Exchange, pair: Pair) -> str | None:
    """The id of what was created: in the answer's body, or at the end of its Location."""
    for found in _ids(made.response.json(), pair.parameter):
        return found
    location = (made.response.header("Location") or "").rstrip("/").rpartition("/")[2]
    return location if re.fullmatch(r"[\w.-]{1,64}", location) else None


def _id_in_list(target: Target, pair: Pair, alice: Identity, marks: list[str]) -> Steps[str | None]:
    """The id of the entry of alice's list that carries one of her texts."""
    if pair.list_route is None:
        return None
    listed = yield from send(alice.on(target.request_for(pair.list_route, "GET")))
    for entry in _entries(listed.response.json()):
        if any(mark in json.dumps(entry) for mark in marks):
            return next(_ids(entry, pair.parameter), None)
    return None


# -- what alice has already ------------------------------------------------------------------------------------------------------


def _listed(target: Target, pair: Pair, collection: Route, alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    """An entry of alice's own list that bob's list lacks: bob reads it by its id and gets what alice gets."""
    request = target.request_for(collection, "GET")
    hers, his = (yield from send(alice.on(request))), (yield from send(bob.on(request)))
    if not hers.response.succeeded or not his.response.succeeded:
        return None
    other = {number for entry in _entries(his.response.json()) for number in _ids(entry, pair.parameter)}
    for entry in _entries(hers.response.json())[:3]:
        number = next(_ids(entry, pair.parameter), None)
        if number is None or number in other or _texts(entry) == 0:
            continue
        verdict = yield from _same_content(target, pair, number, alice, bob, (hers, his))
        if verdict is not None:
            return verdict
    return None


def _same_content(
    target: Target, pair: Pair, number: str, alice: Identity, bob: Identity, lists: tuple[Exchange, Exchange]
) -> Steps[Verdict | None]:
    read = _read(target, pair, number)
    own, foreign, anonymous = (
        (yield from send(alice.on(read))),
        (yield from send(bob.on(read))),
        (yield from send(read)),
    )
    if not own.response.succeeded or alike(own.response, anonymous.response):
        return None
    if not foreign.response.succeeded or not same(own.response, foreign.response):
        return passed(f"{pair.ref} does not show alice's object to bob")
    evidence = (
        Evidence("exchange", "control: alice's own list holds the object", lists[0]),
        Evidence("exchange", "control: bob's own list does not", lists[1]),
        Evidence("exchange", "control: without a credential the object is not shown", anonymous),
        Evidence("exchange", "control: alice reads it", own),
        Evidence("exchange", "bob reads it under the same id and gets the same", foreign),
    )
    return failed(f"{pair.ref} shows what belongs to one user to another user who knows its id", (pair.ref,), evidence)


def _read(target: Target, pair: Pair, number: str) -> Request:
    honest = target.request_for(pair.thing, "GET")
    path, _, query = honest.target.partition("?")
    path = f"{path.rstrip('/').rpartition('/')[0]}/{number}" + ("/" if path.endswith("/") else "")
    return Request("GET", f"{path}?{query}" if query else path, honest.headers)


def _entries(value: object) -> list[dict[str, object]]:
    """The objects of a list: the list itself, or the first list inside an object."""
    if isinstance(value, dict):
        members = cast("dict[str, object]", value).values()
        nothing: list[dict[str, object]] = []
        return next((found for item in members if (found := _entries(item))), nothing)
    if not isinstance(value, list):
        return []
    return [cast("dict[str, object]", item) for item in cast("list[object]", value)[:50] if isinstance(item, dict)]


def _ids(value: object, parameter: str) -> Iterator[str]:
    """The id of an object, under the parameter's name first; one level of wrapping is looked through."""
    if not isinstance(value, dict):
        return
    members = cast("dict[str, object]", value)
    for name in (parameter, *_ID_NAMES):
        found = members.get(name)
        if (
            isinstance(found, (str, int))
            and not isinstance(found, bool)
            and re.fullmatch(r"[\w.@:-]{1,128}", str(found))
        ):
            yield str(found)
            return
    for inner in members.values():
        if isinstance(inner, dict):
            yield from _ids(cast("object", inner), parameter)
            return


def _texts(entry: dict[str, object]) -> int:
    """How many values of an entry say anything beside its id."""
    return sum(
        isinstance(value, (str, float)) and bool(value) for name, value in entry.items() if name not in _ID_NAMES
    )


RULE = Rule(
    slug="cross-user-object-access",
    family="authorization",
    title="An object of another user can be read or written, as a test with two identities shows",
    harm=__doc__ or "",
    severity="critical",
    check="object-authorization",
    cwe=(639,),
    owasp="API1:2023",
    asvs=("V8.2.2",),
    surfaces=("wsgi", "http"),
    ends="owner()",
    probe=probe,
    effect_of=("object-lookup-without-owner",),
)
