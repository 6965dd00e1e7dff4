"""What anybody changes without a credential: things of the scan's own, and things that were there, which are sent what they say already."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.guards.public_routes import declared_public
from stopper.core.naming import as_parameter
from stopper.core.owner_names import ADMIN_PATH, OWN_ACCOUNT, PERSON
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.accounts.login import login_requests, login_routes
from stopper.core.probing.baseline import attempt, is_door, same, steady
from stopper.core.probing.inputs import members
from stopper.core.probing.things.foreign import made
from stopper.core.probing.things.id_elsewhere import stands_elsewhere
from stopper.core.probing.things.kinds import Kind, Thing, at_number, entry_of, entry_with, kinds
from stopper.core.probing.things.objects import inner_object, is_masked, marked
from stopper.core.probing.things.open_parts import open_parts, sent_to_one_that_is

KINDS_MOST: Final = {"quick": 2, "standard": 6, "deep": 20}
_CHANGES: Final = ("PUT", "PATCH", "DELETE")
_OPEN: Final = re.compile(
    r"(?i)(^|[/_-])(carts?|baskets?|comments?|reviews?|feedback|contacts?|pastes?|polls?|votes?|games?|sessions?|sandbox|demo|play\w*|"
    r"guest-?books?|signatures?|shouts?|suggestions?|questions?|answers?|inquir(y|ies)|leads?|newsletters?|subscri\w+|links?|(short)?urls?|reports?|events?|logs?|"
    r"messages?|chats?|scores?|highscores?|submissions?)([/_-]|$)"
)
"""What a visitor without an account has or says."""
_NOBODY: Final = Identity("nobody", ())


@dataclass(frozen=True, slots=True)
class Open:
    """A route that answers nobody, and its answer to somebody where there is one to compare with; of a change, what is there afterwards."""

    ref: RouteRef
    anonymous: Exchange
    honest: Exchange | None = None
    other: Exchange | None = None
    """Its answer to nobody that shows what is another person's."""


def open_writes(target: Target) -> Steps[list[Open]]:
    """The routes that change or delete one thing for nobody; mode active only. A thing whose id nobody guesses is whoever's who has it."""
    found: list[Open] = []
    if target.mode != "active":
        return found
    who = next((one for one in target.identities if one.headers), _NOBODY)
    every = [kind for kind in kinds(target) if not _OPEN.search(kind.base) and not OWN_ACCOUNT.search(kind.base)]
    for kind in every[: KINDS_MOST[target.depth]]:
        members_of = [one for one in kind.members if not is_door(one) and not stands_elsewhere(one)]
        pairs = [(route, verb) for route in members_of for verb in _CHANGES if verb in route.methods]
        if pairs and (open_here := (yield from attempt(_of_a_kind(target, kind, pairs, who)))):
            found += open_here
        if kind.create_route is not None and (made_so := (yield from attempt(_made_by_nobody(target, kind)))):
            found.append(Open(RouteRef("POST", kind.create_route.path), *made_so))
    known = {one.ref for one in found}
    for route, verb, *told in (yield from open_parts(target, who)):
        ref = RouteRef(verb, route.path)
        found += [Open(ref, *told)] if ref not in known and not declared_public(target.app, route) else []
    return found


def _made_by_nobody(target: Target, kind: Kind) -> Steps[tuple[Exchange, Exchange] | None]:
    """What nobody makes stands in the list that everybody reads, and no document says that anybody may."""
    create, lists = kind.create_route, kind.list_route
    if create is None or lists is None or is_door(create) or PERSON.search(create.path):
        return None
    if declared_public(target.app, create):
        return None
    request, marks = marked(target.request_for(create, "POST"), target.canary)
    read = target.request_for(lists, "GET")
    read = replace(read, target=read.target.partition("?")[0])  # the whole list, and not what a word finds in it
    if not marks or not (yield from send(read)).response.succeeded:
        return None
    sent = yield from send(request)
    if not sent.response.went_through:
        return None
    after = yield from send(read)
    on_a_page = _is_an_administrators_page(create, after) and any(
        mark in after.response.text for mark in marks.values()
    )
    listed = sent.response.succeeded and entry_with(after, iter(marks.values())) is not None
    return (sent, after) if on_a_page or listed else None


def _is_an_administrators_page(create: Route, after: Exchange) -> bool:
    """Whether a page shows what an administrator makes there: what visitors write on other pages they may have been asked for."""
    return (
        ADMIN_PATH.search(create.path) is not None
        and after.response.succeeded
        and after.response.content_type == "text/html"
    )


def _of_a_kind(target: Target, kind: Kind, pairs: Sequence[tuple[Route, str]], who: Identity) -> Steps[list[Open]]:
    found: list[Open] = []
    thing = (yield from made(target, kind, who, _NOBODY)) or (yield from made(target, kind, _NOBODY, _NOBODY))
    for route, verb in sorted(pairs, key=lambda pair: pair[1] == "DELETE"):
        ref = RouteRef(verb, route.path)
        if thing is not None and thing.number.isdigit():
            told = yield from attempt(_changed(target, kind, thing, route, verb, who))
        elif verb != "DELETE":
            told = yield from attempt(_as_it_stands(target, kind, route, verb, who))
        else:
            told = None
        found += [Open(ref, *told)] if told is not None else []
    return found


def _look(target: Target, kind: Kind, number: str, who: Identity) -> Steps[Exchange | None]:
    """The thing as it is shown: by its own route, or the list that holds it."""
    if kind.thing is not None:
        return (yield from send(who.on(at_number(target, kind.thing, number))))
    return (yield from send(who.on(target.request_for(kind.list_route, "GET")))) if kind.list_route else None


def _shown(kind: Kind, number: str, seen: Exchange | None) -> str | None:
    """What an answer says of the thing; None where it is not there."""
    if seen is None or not seen.response.succeeded:
        return None
    if kind.thing is not None:
        return steady(seen.response.text)
    entry = entry_of(seen, kind.parameter, number)
    return json.dumps(entry, sort_keys=True) if entry is not None else None


def _changed(
    target: Target, kind: Kind, thing: Thing, route: Route, verb: str, who: Identity
) -> Steps[tuple[Exchange, Exchange] | None]:
    """A thing that the scan made is another, or gone, after a request of nobody."""
    before = yield from _look(target, kind, thing.number, who)
    shown = _shown(kind, thing.number, before)
    if (
        before is None
        or shown is None
        or _shown(kind, thing.number, (yield from _look(target, kind, thing.number, who))) != shown
    ):
        return None
    request, _ = marked(at_number(target, route, thing.number, verb), target.canary)
    request = replace(request, body=b"" if verb == "DELETE" else request.body, identity=None)
    sent = yield from send(request)
    if not sent.response.succeeded:
        return None
    after = yield from _look(target, kind, thing.number, who)
    now = _shown(kind, thing.number, after)
    if after is None or now == shown or (now is None and after.response.status not in (200, 404, 410)):
        return None
    return sent, after


def _as_it_stands(
    target: Target, kind: Kind, route: Route, verb: str, who: Identity
) -> Steps[tuple[Exchange, Exchange] | None]:
    """A thing that was there takes from nobody what it says already, and one that is not there takes nothing."""
    number = at_number_of(target, kind, route, verb)
    if kind.thing is None or number is None:
        return None
    before = yield from _look(target, kind, number, who)
    stands = inner_object(before.response.json()) if before is not None and before.response.succeeded else {}
    honest = at_number(target, route, number, verb)
    known = {as_parameter(name): value for name, value in stands.items()}
    body = {name: known[as_parameter(name)] for name in members(honest) if as_parameter(name) in known}
    if (
        before is None
        or not body
        or any(isinstance(value, (dict, list)) or is_masked(value) for value in body.values())
    ):
        return None
    sent = yield from sent_to_one_that_is(target, route, verb, number, body)
    if sent is None:
        return None
    after = yield from _look(target, kind, number, who)
    return (sent, after) if after is not None and same(after.response, before.response) else None


def at_number_of(target: Target, kind: Kind, route: Route, verb: str) -> str | None:
    """The id of a thing that was there, as the honest request names it; None where it is none that can be guessed."""
    said = target.request_for(route, verb).target.partition("?")[0]
    before, _, behind = route.path.partition("{")
    behind = behind.partition("}")[2]
    number = said.partition(before)[2].removesuffix(behind)
    return number if number.isdigit() else None


def refused_log_in(target: Target) -> Steps[Exchange | None]:
    """A log-in that turns away somebody who does not exist: the API has people, though none of its routes asks for one."""
    for route in login_routes(target)[:1]:
        request = next(login_requests(target, route, f"nobody-{target.canary}", f"Pass-{target.canary}-9a!"))
        answer = yield from attempt(send(request))
        if answer is not None and answer.response.refused:
            return answer
    return None
