"""What one person made is changed, deleted or looked into by another: at every route that takes the id of such a thing."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, own, passed, send, undo
from stopper.core.probing.accounts.login import REGISTERED
from stopper.core.probing.baseline import attempt, steady
from stopper.core.probing.things.changes import (
    anew,
    differ,
    in_his_name,
    lets_himself_in,
    of_its_own,
    opened,
    owners,
    told_or_kept,
)
from stopper.core.probing.things.come_to_lists import has_come, newest
from stopper.core.probing.things.counted import counted
from stopper.core.probing.things.deeds_on_things import ENDS, READS, in_order, said_beside
from stopper.core.probing.things.id_elsewhere import stands_elsewhere, with_id
from stopper.core.probing.things.kinds import Kind, Thing, at_number, entry_of, entry_with, new_id, takes_its_id
from stopper.core.probing.things.listed_of_one import listed_of_hers
from stopper.core.probing.things.nouns import nouns_of_name
from stopper.core.probing.things.objects import entries, ids, marked
from stopper.core.probing.things.read_below import read_below
from stopper.core.probing.things.references import completed, in_own_name, made_with
from stopper.core.probing.things.teams import same_team
from stopper.core.probing.things.without_owner import open_to_strangers, proven, told_of_nobodys

_BY_NOBODY: Final = "without a credential"
CHANGES_MOST: Final = 8
"""Routes of one kind that are tried as somebody else."""


def asked(
    target: Target, kind: Kind, alice: Identity, bob: Identity, ready: Thing | None = None
) -> Steps[list[Verdict]]:
    """The verdicts on the routes of one kind: Alice makes a thing, or has one *ready*, and Bob tries every route that takes its id."""
    kind = yield from listed_of_hers(target, kind, alice)
    thing = ready or (yield from made(target, kind, alice, bob))
    found: list[Verdict] = []
    if thing is None:
        return (yield from _of_what_she_has(target, kind, alice, bob))
    kind = yield from _readable(target, kind, thing, alice)
    for route, method in in_order(kind, thing)[:CHANGES_MOST]:
        reads = method == "GET" or (method == "POST" and stands_elsewhere(route) and READS.search(route.path))
        steps = (
            read_below(target, thing, route, method, alice, bob)
            if reads
            else _changed(target, kind, thing, route, method, alice, bob)
        )
        verdict = yield from attempt(steps)
        if verdict is not None:
            found.append(verdict)
        if (
            verdict is not None
            and verdict.outcome == "fail"
            and (yield from _is_spoilt(target, kind, thing, method, alice))
        ):
            thing = yield from made(target, kind, alice, bob)  # the next route needs a new one
            if thing is None:
                return found
    return [*proven(found), *((yield from attempt(lets_himself_in(target, kind, thing, bob))) or [])]


def _readable(target: Target, kind: Kind, thing: Thing, alice: Identity) -> Steps[Kind]:
    """*kind* without the reading of one of them where the server knows none at that path: a list shows it then."""
    if kind.thing is None or kind.list_route is None:
        return kind
    seen = yield from send(alice.on(at_number(target, kind.thing, thing.number)))
    if seen.response.status != 405:
        return kind
    left = [
        replace(one, methods=tuple(method for method in one.methods if method != "GET")) if one is kind.thing else one
        for one in kind.members
    ]
    return replace(kind, members=tuple(left))


def _is_spoilt(target: Target, kind: Kind, thing: Thing, method: str, alice: Identity) -> Steps[bool]:
    """Whether it is gone, or may be Bob's as well by now: he may have made himself one of its people."""
    return method == "POST" or (yield from _viewed(target, kind, thing, alice)) is None


def _of_what_she_has(target: Target, kind: Kind, alice: Identity, bob: Identity) -> Steps[list[Verdict]]:
    """Where nothing can be made: what is read of an entry of Alice's list that Bob's lacks. What was there before is not changed; what somebody
    has whom the scan registered came with that account."""
    found: list[Verdict] = []
    if kind.list_route is None:
        return found
    lists = target.request_for(kind.list_route, "GET")
    hers, his = (yield from send(alice.on(lists))), (yield from send(bob.on(lists)))
    others = {number for entry in entries(his.response.json()) for number in ids(entry, kind.parameter)}
    own = [number for entry in entries(hers.response.json())[:3] for number in ids(entry, kind.parameter)]
    number = next((one for one in own if one not in others), None)
    if number is None or not hers.response.succeeded or not his.response.succeeded:
        return found
    thing = Thing(number, hers, shared=False, private=True)
    for route, method in in_order(kind, thing)[:CHANGES_MOST]:
        if method == "GET" or (method == "POST" and READS.search(said_beside(kind, route))):
            verdict = yield from attempt(read_below(target, thing, route, method, alice, bob))
            found += [verdict] if verdict is not None else []
        elif method in ("PUT", "PATCH") and target.notes.get(REGISTERED + alice.name) is not None:
            verdict = yield from attempt(_changed(target, kind, thing, route, method, alice, bob))
            found += [verdict] if verdict is not None else []
    return found


def made(target: Target, kind: Kind, alice: Identity, bob: Identity) -> Steps[Thing | None]:
    """A new thing of Alice's with its id: as the answer says it, or as the entry that is new in her list."""
    if target.mode != "active" or kind.create_route is None:
        return None
    lists = target.request_for(kind.list_route, "GET") if kind.list_route is not None else None
    before = (yield from send(alice.on(lists))) if lists is not None else None
    request, marks = marked(target.request_for(kind.create_route, "POST"), target.canary)
    request = yield from in_own_name(target, request, alice)
    answer = yield from made_with(target, kind.create_route, request, alice)
    if not answer.response.went_through:
        return None
    number = new_id(answer, kind.parameter) if answer.response.succeeded else None
    after = (yield from send(alice.on(lists))) if lists is not None else None
    if before is not None and after is not None:
        number = number or newest(before, after, kind.parameter, marks)
    if number is None:
        number = yield from counted(target, kind, alice, after, tuple(marks.values()))
    if number is None:
        return None
    makes = answer.response.status == 201 or kind.create_route.path.rstrip("/").endswith(
        f"/{kind.base.rpartition('/')[2]}"
    )
    said = answer.response.succeeded and makes and new_id(answer, kind.parameter) == number
    came = said and before is not None and after is not None and has_come(before, after, kind.parameter, number)
    yield from _ours(target, kind, alice, number, answer, marks, came=came)
    ends = [one for one in _deleting(kind) if one.path.rstrip("/").endswith("}") or stands_elsewhere(one)]
    if ends:
        yield from undo(alice.on(replace(at_number(target, ends[0], number, "DELETE"), body=b"", effect="write")))
    if kind.private:
        return Thing(number, answer, shared=False, private=True, texts=tuple(marks.values()))
    his = (yield from send(bob.on(lists))) if lists is not None else None
    shared = his is not None and bool(_shown_in(his, kind, number, marks.values()))
    hers = after is not None and bool(_shown_in(after, kind, number, marks.values()))
    lacks = (
        his is not None and his.response.succeeded and not shared and hers
    )  # a list that is searched lacks it for both
    if shared and hers and kind.thing is not None and not stands_elsewhere(kind.thing):
        by_id = yield from send(bob.on(at_number(target, kind.thing, number)))
        if by_id.response.status in (403, 404):  # he may not open it: that a list shows it to him is no leave
            shared, lacks = False, True
    return Thing(number, answer, shared, lacks, tuple(marks.values()))


def _ours(
    target: Target, kind: Kind, alice: Identity, number: str, made: Exchange, marks: dict[str, str], *, came: bool
) -> Steps[None]:
    """Where Alice's reading of the thing, or its entry in her list, shows what was just stored, it is the scan's own at every path that
    surely takes its id, with all that lies below. A thing that keeps no text of ours is it where it has ``came`` to her list: the answer to what
    made it named its id, which her list lacked before."""
    if kind.thing is not None:
        seen = yield from send(alice.on(at_number(target, kind.thing, number)))
        shown = seen.response.text if seen.response.succeeded else ""
    elif kind.list_route is not None:
        seen = yield from send(alice.on(target.request_for(kind.list_route, "GET")))
        shown = _shown_in(seen, kind, number, marks.values())
    else:
        return
    if any(mark in shown for mark in marks.values()) or came:
        taking = [one for one in kind.members if takes_its_id(kind, one)]
        routes = [kind.thing, *_deleting(kind), *taking] if kind.thing is not None else [*_deleting(kind), *taking]
        in_path = [one for one in routes if not stands_elsewhere(one)]
        named = {f"/{noun}/{number}" for one in kind.members for noun in _named_by(one)}
        for path in dict.fromkeys((*(_path_of_it(target, route, number) for route in in_path), *sorted(named))):
            yield from own(path, made.request)


def _named_by(route: Route) -> frozenset[str]:
    """The noun of a thing by the name of the id that a body says: ``card`` of ``/removeCard`` with its ``cardId``."""
    return nouns_of_name(route.parameters[0][0]) if stands_elsewhere(route) else frozenset()


def _path_of_it(target: Target, route: Route, number: str) -> str:
    """The path of the thing itself: ``/notes/5`` of ``/notes/{id}/tags``."""
    path, behind = at_number(target, route, number).target.partition("?")[0], route.path.partition("}")[2]
    return path.removesuffix(behind) if behind.strip("/") else path


def _deleting(kind: Kind) -> list[Route]:
    """The routes that delete and take the id of such a thing for sure, the thing's own path first."""
    own_path = kind.thing.path if kind.thing is not None else ""
    found = [one for one in kind.members if "DELETE" in one.methods and takes_its_id(kind, one)]
    return sorted(found, key=lambda one: one.path != own_path)


def _view(kind: Kind, thing: Thing, seen: Exchange | None) -> str | None:
    """What is shown of the thing, without what changes by itself; None where it is not there."""
    if seen is None:
        return None
    if kind.thing is None:
        return steady(_shown_in(seen, kind, thing.number, thing.texts)) or None
    return steady(seen.response.text) if seen.response.succeeded else None


def _shown_in(listed: Exchange, kind: Kind, number: str, texts: Iterable[str]) -> str:
    """The entry of a thing in a list, of a page those of its texts that stand there; nothing where it is not in it."""
    entry = entry_of(listed, kind.parameter, number) or _without_an_id(listed, kind, texts)
    if entry is None and listed.response.content_type == "text/html" and listed.response.succeeded:
        return " ".join(one for one in texts if one in listed.response.text)
    return json.dumps(entry, sort_keys=True) if entry is not None else ""


def _without_an_id(listed: Exchange, kind: Kind, texts: Iterable[str]) -> dict[str, object] | None:
    """The entry with one of the texts, in a list that says no ids."""
    entry = entry_with(listed, iter(texts)) if listed.response.succeeded else None
    return entry if entry is not None and next(ids(entry, kind.parameter), None) is None else None


def _viewed(target: Target, kind: Kind, thing: Thing, who: Identity) -> Steps[str | None]:
    return _view(kind, thing, (yield from _look(target, kind, thing, who)))


def _look(target: Target, kind: Kind, thing: Thing, who: Identity) -> Steps[Exchange | None]:
    if kind.thing is not None:
        return (yield from send(who.on(at_number(target, kind.thing, thing.number))))
    if kind.list_route is not None:
        return (yield from send(who.on(target.request_for(kind.list_route, "GET"))))
    return None


# -- changes ---------------------------------------------------------------------------------------------------------------------


def _changed(
    target: Target, kind: Kind, thing: Thing, route: Route, method: str, alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """Bob changes what Alice made; that it worked shows in what Alice is shown afterwards, and in nothing else.

    What both see by design may be common property. It is Alice's only where it names an owner and neither may be changed by role:
    then Alice must be able to change Bob's as well. How much that weighs nobody knows: a team may keep a board together.
    """
    by_itself = route.path.rstrip("/").endswith("}") and not stands_elsewhere(route)  # no word says what it does
    ends = bool(ENDS.search(said_beside(kind, route))) or by_itself
    if method == "POST" and not thing.private and not (thing.shared and ends):
        return None  # a move in a game, say, is a change that others may make; an end is its owner's
    look = (yield from _look(target, kind, thing, bob)) if thing.shared else None  # it may be gone afterwards
    found = yield from _one_way(target, kind, thing, route, method, alice, bob)
    if found is None or found.outcome != "fail" or not thing.shared or found.message.endswith(_BY_NOBODY):
        return found
    if method == "POST" and by_itself and (yield from _viewed(target, kind, thing, alice)) is not None:
        return None
    other = yield from made(target, kind, bob, alice)
    his = (yield from _look(target, kind, other, bob)) if other is not None else None
    if look is None or other is None or his is None:
        return None
    if not differ(owners(kind, thing.number, look), owners(kind, other.number, his)):
        return told_of_nobodys(found) if (yield from open_to_strangers(target, kind, other, his)) else None
    together = yield from same_team(target, alice, bob)
    back = (yield from _one_way(target, kind, other, route, method, bob, alice)) if not together else None
    if back is None or back.outcome != "fail":
        return None
    return found if method == "DELETE" or together is False else replace(found, severity="medium")


def _one_way(
    target: Target, kind: Kind, thing: Thing, route: Route, method: str, alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    seen, again = (yield from _look(target, kind, thing, alice)), (yield from _look(target, kind, thing, alice))
    first = _view(kind, thing, seen)
    if first is None or first != _view(kind, thing, again):
        return None
    request, _ = marked(at_number(target, route, thing.number, method), target.canary)
    request = anew(target, route, (yield from in_his_name(target, request, bob)), kind, thing, seen)
    request = with_id(route, request, thing.number)
    shut = (yield from _look(target, kind, thing, bob)) if method == "POST" and thing.private else None
    if method == "DELETE":
        request = replace(request, body=b"")
    anonymous = yield from send(request)
    unread = anonymous.response.status in (400, 422, 500) and method != "DELETE"
    better = of_its_own(kind, thing, request, seen, anonymous.response.text) if unread else None
    if better is not None:  # the body was looked at before anybody was asked who is there
        other = with_id(route, replace(request, body=json.dumps(better).encode()), thing.number)
        again = yield from send(other)
        if again.response.status != 500:  # a guard that breaks for want of a credential says nothing of the body
            request, anonymous = other, again
    if anonymous.response.succeeded:
        return (yield from _by_nobody(target, kind, thing, RouteRef(method, route.path), anonymous, seen, alice))
    if not anonymous.response.refused and (yield from _viewed(target, kind, thing, alice)) != first:
        return None
    tried = yield from send(bob.on(request))
    if method == "POST" and tried.response.status in (400, 404, 422):
        his = yield from completed(target, route, request, bob)
        tried = (yield from send(bob.on(with_id(route, his, thing.number)))) if his != request else tried
    if (
        tried.response.succeeded
        and method == "POST"
        and (told := (yield from told_or_kept(target, kind, thing, route, request, tried, seen, alice)))
    ):
        return told
    refusal = tried.response.text if not tried.response.succeeded else ""
    body = of_its_own(kind, thing, request, seen, refusal) if method != "DELETE" else None
    after = (yield from _look(target, kind, thing, alice)) if tried.response.succeeded else None
    unread = after is not None and _view(kind, thing, after) == first
    if body is not None and (tried.response.status in (400, 422, 500) or unread):
        own_member = replace(request, body=json.dumps(body).encode())
        tried, after = (yield from send(bob.on(with_id(route, own_member, thing.number)))), None
    ref = RouteRef(method, route.path)
    if not tried.response.went_through:
        return passed(f"{ref} refuses bob")
    after = after or (yield from _look(target, kind, thing, alice))
    if after is None or _view(kind, thing, after) == first:
        given = yield from opened(target, kind, thing, ref, shut, tried, bob)
        return given or passed(f"{ref} leaves alice's object as it was")
    return _told(kind, thing, ref, anonymous, tried, after)


def _told(
    kind: Kind, thing: Thing, ref: RouteRef, anonymous: Exchange, tried: Exchange, after: Exchange
) -> Verdict | None:
    """The fail that Alice's last look at her thing proves; None where that says neither what became of it nor that it is gone."""
    shown = _view(kind, thing, after)
    if shown is None and not (after.response.succeeded or after.response.status in (404, 410)):
        return None
    did = "deletes" if shown is None else "changes"
    evidence = (
        Evidence("exchange", "alice makes an object", thing.made),
        Evidence("exchange", "control: without a credential it is refused", anonymous),
        Evidence("exchange", f"bob {did} it", tried),
        Evidence("exchange", "alice looks again and it is no longer what she made", after),
    )
    return failed(f"{ref} lets one user change what another user stored", (ref,), evidence)


def _by_nobody(
    target: Target, kind: Kind, thing: Thing, ref: RouteRef, anonymous: Exchange, seen: Exchange | None, alice: Identity
) -> Steps[Verdict | None]:
    """A change that asks nobody who is there, of a thing that only a known caller may make."""
    after = yield from _look(target, kind, thing, alice)
    changed = after is not None and _view(kind, thing, after) != _view(kind, thing, seen)
    if not changed or seen is None or after is None or kind.create_route is None:
        return None
    making = yield from send(target.request_for(kind.create_route, "POST"))
    shut = making.response.refused or making.response.status >= 500  # a view that fails for want of somebody
    if not (shut or kind.private) or not (after.response.succeeded or after.response.status in (404, 410)):
        return None
    evidence = (
        *([Evidence("exchange", "control: nobody may make such a thing without a credential", making)] if shut else []),
        Evidence("exchange", "alice makes one", thing.made),
        Evidence("exchange", "without a credential it is changed", anonymous),
        Evidence("exchange", "alice looks again and it is no longer what she made", after),
    )
    return failed(f"{ref} lets anybody change what a user stored, {_BY_NOBODY}", (ref,), evidence)
