"""One thing by its id: what one person stored, or has in a list of its own, is read by another under the same id."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, passed, send, undo
from stopper.core.probing.accounts.own_values import own_numbers
from stopper.core.probing.baseline import alike, same_but_for_the_caller
from stopper.core.probing.things.changes import owners_in
from stopper.core.probing.things.kinds import (
    at_number,
    collection_of,
    entry_with,
    listed_at,
    made_beside,
    new_id,
    route_at,
)
from stopper.core.probing.things.objects import entries, ids, inner_object, marked, one_thing, texts
from stopper.core.probing.things.references import in_own_name, made_with

_SECRET: Final = re.compile(
    r"(?i)secret|private|hidden|confidential|internal|passw|token|(^|_)(key|pin|ssn|iban|otp|code|cvv)($|_)|salary|diagnos|medical|balance"
)
"""Members that are not for who sees the rest of a thing."""

PUBLISHED: Final = re.compile(
    r"(?i)(^|[/_-])(blogs?|(blog|forum)?[_-]?posts?|articles?|news|stories|recipes?|tutorials?|threads?|topics?|reviews?|comments?)$"
)
"""What people write for others, as a rule: where no list leaves it out, to read it may be meant."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A route that reads one object, and the routes beside it."""

    thing: Route
    parameter: str
    list_route: Route | None
    create_route: Route | None
    private: bool = False
    """Whether all that lies there is one person's, so that who else is shown the list shares nothing."""

    @property
    def ref(self) -> RouteRef:
        """The reading of one object."""
        return RouteRef("GET", self.thing.path)


@dataclass(frozen=True, slots=True)
class Made:
    """What alice made: how it is read, the texts she put in by which members, and the exchanges that show it is hers."""

    read: Request
    shown: Mapping[str, str]
    seen: tuple[Evidence, ...]
    number: str
    own: Exchange
    """Alice's reading of it."""


def pairs(target: Target) -> Iterator[Pair]:
    for route in target.app.routes:
        if "GET" in route.methods and len(route.parameters) == 1 and route.path.rstrip("/").endswith("}"):
            beside = route.path.rstrip("/").rpartition("/")[0]
            if beside.count("/") == collection_of(target, route).count("/"):
                beside = collection_of(target, route)  # ``/notes`` of ``/get_note/{id}``
            create = route_at(target, beside, "POST") or made_beside(target, beside)
            listed = listed_at(target, beside)
            yield Pair(route, route.parameters[0][0], listed, create)


def asked(target: Target, pair: Pair, alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    """The verdict on one route; None where nothing was found that is surely alice's own."""
    if target.mode == "active" and pair.create_route is not None:
        verdict = yield from _created(target, pair, pair.create_route, alice, bob)
        if verdict is not None:
            return verdict
    if pair.list_route is not None and not pair.private:
        return (yield from _listed(target, pair, pair.list_route, alice, bob))
    return None


# -- what alice creates ----------------------------------------------------------------------------------------------------------


def _created(target: Target, pair: Pair, create: Route, alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    """Alice stores random texts. Bob is asked to read, then to change, then to delete what she made."""
    thing = yield from make(target, pair, create, alice)
    if thing is None:
        return None
    if not thing.shown:
        return (yield from _names_its_maker(target, pair, thing, alice, bob))
    anonymous = yield from send(thing.read)
    lists = None if pair.private else pair.list_route
    listed = (yield from send(bob.on(target.request_for(lists, "GET")))) if lists is not None else None
    public = {mark for mark in thing.shown if anonymous.response.succeeded and mark in anonymous.response.text}
    shared = {mark for mark in thing.shown if listed is not None and mark in listed.response.text}
    own = set(thing.shown) - public - shared
    if shared:  # a list says the title of what all may open; of what it leaves out only a secret is surely one person's
        own = {mark for mark in own if _SECRET.search(thing.shown[mark])}
    if not own:
        return None
    foreign = yield from send(bob.on(thing.read))
    if foreign.response.succeeded and any(mark in foreign.response.text for mark in own):
        if listed is not None and (yield from _beyond_the_page(target, pair, thing, listed, alice)):
            return None
        evidence = (
            Evidence("exchange", "control: without a credential the object is not shown", anonymous),
            *thing.seen,
            Evidence("exchange", "bob asks for the same object and sees alice's text", foreign),
        )
        said = f"{pair.ref} shows what one user stored to another user who knows its id"
        published = lists is None and PUBLISHED.search(pair.thing.path.partition("/{")[0]) is not None
        return failed(said, (pair.ref,), evidence, "medium" if published else None)
    return None if shared or public else passed(f"{pair.ref} does not show alice's object to bob")


def _beyond_the_page(target: Target, pair: Pair, thing: Made, his: Exchange, alice: Identity) -> Steps[bool]:
    """Whether both lists hold the same things and end before the object, as the first page of what is shared: that tells of no owner."""
    if pair.list_route is None or not his.response.succeeded:
        return False
    hers = yield from send(alice.on(target.request_for(pair.list_route, "GET")))
    mine, others = entries(hers.response.json()), entries(his.response.json())
    known = any(thing.number in ids(entry, pair.parameter) for entry in mine)
    return not (known or any(mark in hers.response.text for mark in thing.shown)) and any(one in others for one in mine)


def _names_its_maker(target: Target, pair: Pair, thing: Made, alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    """What Alice made shows none of her texts, and says that it is hers by her number: Bob, who has another one, reads it under the same id."""
    shown = inner_object(one_thing(thing.own.response.json()))
    if pair.list_route is not None or not (yield from _is_said_to_be_hers(target, shown, alice, bob)):
        return None
    return (yield from same_content(pair.ref, thing.read, alice, bob, thing.seen))


def _is_said_to_be_hers(target: Target, shown: dict[str, object], alice: Identity, bob: Identity) -> Steps[bool]:
    """Whether a thing that says nothing else says that it is Alice's, by her number, which Bob has not."""
    whose = {str(value) for _, value in owners_in(shown)}
    hers, his = (yield from own_numbers(target, alice)), (yield from own_numbers(target, bob))
    return bool(whose & set(hers.values())) and not whose & set(his.values())


def make(target: Target, pair: Pair, create: Route, alice: Identity) -> Steps[Made | None]:
    """What Alice made and reads under its id; none of her texts may be shown there."""
    request, marks = marked(target.request_for(create, "POST"), target.canary)
    request = yield from in_own_name(target, request, alice)
    made = yield from made_with(target, create, request, alice)
    if not made.response.succeeded:
        return None
    number = (
        new_id(made, pair.parameter)
        or (yield from _id_in_list(target, pair, alice, marks))
        or marks.get(pair.parameter)
    )
    if number is None:
        return None
    read = at_number(target, pair.thing, number)
    if route_at(target, pair.thing.path, "DELETE") is not None:
        yield from undo(alice.on(Request("DELETE", read.target, read.headers, b"", "write")))
    own = yield from send(alice.on(read))
    shown = {mark: name for name, mark in marks.items() if mark in own.response.text}
    if not own.response.succeeded:
        return None
    seen = (
        Evidence("exchange", "alice stores a random text", made),
        Evidence("exchange", f"control: alice reads her own object{' and sees the text' if shown else ''}", own),
    )
    return Made(read, shown, seen, number, own)


def _id_in_list(target: Target, pair: Pair, alice: Identity, marks: dict[str, str]) -> Steps[str | None]:
    """The id of the entry of alice's list that carries one of her texts."""
    if pair.list_route is None:
        return None
    listed = yield from send(alice.on(target.request_for(pair.list_route, "GET")))
    entry = entry_with(listed, iter(marks.values()))
    return next(ids(entry, pair.parameter), None) if entry is not None else None


# -- what alice has already ------------------------------------------------------------------------------------------------------


def _listed(target: Target, pair: Pair, collection: Route, alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    """An entry of alice's own list that bob's list lacks: bob reads it by its id and gets what alice gets."""
    request = target.request_for(collection, "GET")
    hers, his = (yield from send(alice.on(request))), (yield from send(bob.on(request)))
    if not hers.response.succeeded or not his.response.succeeded:
        return None
    other = {number for entry in entries(his.response.json()) for number in ids(entry, pair.parameter)}
    lists = (
        Evidence("exchange", "control: alice's own list holds the object", hers),
        Evidence("exchange", "control: bob's own list does not", his),
    )
    for entry in entries(hers.response.json())[:3]:
        number = next(ids(entry, pair.parameter), None)
        if number is None or number in other:
            continue
        if texts(entry) == 0 and not (yield from _is_said_to_be_hers(target, entry, alice, bob)):
            continue
        verdict = yield from same_content(pair.ref, at_number(target, pair.thing, number), alice, bob, lists)
        if verdict is not None:
            return verdict
    return None


def same_content(
    ref: RouteRef, read: Request, alice: Identity, bob: Identity, before: Sequence[Evidence]
) -> Steps[Verdict | None]:
    own = yield from send(alice.on(read))
    anonymous = yield from send(read)
    if not own.response.succeeded or alike(own.response, anonymous.response):
        return None
    foreign = yield from send(bob.on(read))
    if not foreign.response.succeeded or not same_but_for_the_caller(own.response, foreign.response):
        return passed(f"{ref} does not show alice's object to bob")
    evidence = (
        *before,
        Evidence("exchange", "control: without a credential the object is not shown", anonymous),
        Evidence("exchange", "control: alice reads it", own),
        Evidence("exchange", "bob reads it under the same id and gets the same", foreign),
    )
    return failed(f"{ref} shows what belongs to one user to another user who knows its id", (ref,), evidence)
