"""A list that shows everybody's things to anybody who is logged in: beside the list of one's own, under a name of its own."""

import re
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.naming import as_parameter
from stopper.core.owner_names import ADMIN_PATH, PERSON
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, passed, send
from stopper.core.probing.accounts.own_values import NAMES_SOMEBODY, own_numbers
from stopper.core.probing.baseline import attempt, is_door
from stopper.core.probing.query import query_names, with_query
from stopper.core.probing.things import foreign
from stopper.core.probing.things.kinds import Kind, Thing, at_number, entry_of, kinds

KINDS_MOST: Final = 4
LISTS_MOST: Final = 12
SEARCHES_MOST: Final = 3
_OF_ALL: Final = re.compile(
    r"(?i)(^|[/_-])(all|every|manage|management|manager|exports?|reports?|dump|backup|audit|statistics|stats|dashboard|overview|organi[sz]ers?|sales|revenue|"
    r"accounting|finance|back-?office|supervisor|operator|agents?|tellers?|branch|queue|help-?desk|support|dispatch|payroll|hr|librarians?|teachers?|clerks?|cashiers?|sellers?|vendors?|merchants?|"
    r"dispatch(ers?)?|trainers?|coach(es)?|instructors?|moderat(ion|ors?)|reception|warehouse|kitchen|auditors?|compliance|nurses?|curators?|couriers?|recruiters?|landlords?)([/_.-]|$)"
)
"""Paths of lists that are for those who look after the things of all."""


_SEEKS: Final = re.compile(
    r"(?i)(q|query|search|search_?(term|text|query)|terms?|keywords?|text|find|s|title|name|content|filter|like)"
)
"""Names of a query by which texts are looked for."""


def asked(target: Target, alice: Identity, bob: Identity, made: MutableMapping[str, Thing]) -> Steps[list[Verdict]]:
    """The verdicts on lists that show Bob what Alice made and his own list of such things lacks. What she made is kept in *made*, by the path
    of its collection."""
    found: list[Verdict] = []
    hers: list[tuple[Kind, Thing]] = []
    lists, of_one, seeks = list(_lists(target))[:LISTS_MOST], _of_one_person(target), _searches(target)
    if target.mode != "active" or not (lists or of_one or seeks):
        return found
    for kind in list(kinds(target))[:KINDS_MOST]:
        thing = (yield from attempt(foreign.made(target, kind, alice, bob))) if kind.list_route is not None else None
        if thing is not None:
            made[kind.base] = thing
            hers += [(kind, thing)] if thing.private and thing.texts else []
    for route in lists if hers else ():
        seen = yield from attempt(send(bob.on(target.request_for(route, "GET"))))
        shown = [one for one in hers if seen is not None and _shows(seen, one[1]) and one[0].list_route is not route]
        if seen is not None and shown:
            verdict = yield from attempt(_judged(target, route, *shown[0], seen, bob))
            found += [verdict] if verdict is not None else []
    for route, name in seeks if hers else ():
        verdict = yield from attempt(_sought(target, route, name, hers, bob))
        found += [verdict] if verdict is not None else []
    for route in of_one if hers else ():
        verdict = yield from attempt(_under_her_id(target, route, hers, alice, bob))
        found += [verdict] if verdict is not None else []
    return found


def _of_one_person(target: Target) -> list[Route]:
    """Lists under the id of a person: ``/users/{user_id}/orders``."""
    found = [one for one in target.app.routes if "GET" in one.methods and len(one.parameters) == 1]
    found = [one for one in found if not one.path.endswith("}")]
    return [one for one in found if _says_who(one)][:LISTS_MOST]


def _says_who(route: Route) -> bool:
    said = f"{route.parameters[0][0]} {route.path.partition('/{')[0].rpartition('/')[2]}"
    return bool(PERSON.search(said) or NAMES_SOMEBODY.fullmatch(as_parameter(route.parameters[0][0])))


def _searches(target: Target) -> list[tuple[Route, str]]:
    """Routes whose query takes a text that is looked for: ``/search?q=``."""
    plain = [one for one in target.app.routes if "GET" in one.methods and not one.parameters and not is_door(one)]
    named = [(one, (*query_names(target.request_for(one, "GET")), *one.names)) for one in plain]
    found = [(one, next((name for name in names if _SEEKS.fullmatch(name)), "")) for one, names in named]
    return [pair for pair in found if pair[1] and not ADMIN_PATH.search(pair[0].path)][:SEARCHES_MOST]


def _sought(
    target: Target, route: Route, name: str, hers: list[tuple[Kind, Thing]], bob: Identity
) -> Steps[Verdict | None]:
    """Bob looks for a text of Alice's: an entry with the id of what she made is found, and not only what he asked for said again."""
    for kind, thing in hers:
        for text in thing.texts[:2]:
            request = with_query(target.request_for(route, "GET"), name, text)
            seen = yield from send(bob.on(request))
            entry = entry_of(seen, kind.parameter, thing.number) if seen.response.succeeded else None
            if entry is not None and text in str(list(entry.values())):
                return (yield from _judged(target, route, kind, thing, seen, bob))
    return None


def _under_her_id(
    target: Target, route: Route, hers: list[tuple[Kind, Thing]], alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """Bob asks for the list under Alice's id and sees what she made, which his own list lacks and the same id of nobody does not show."""
    numbers = list(dict.fromkeys((yield from own_numbers(target, alice, route.parameters[0][0])).values()))[:2]
    for number in numbers:
        request = at_number(target, route, number)
        own, anonymous = (yield from send(alice.on(request))), (yield from send(request))
        thing = next((one for _, one in hers if _shows(own, one)), None)
        if thing is None or _shows(anonymous, thing):
            continue
        foreign = yield from send(bob.on(request))
        ref = RouteRef("GET", route.path)
        if not _shows(foreign, thing):
            return passed(f"{ref} does not show bob what alice made")
        evidence = (
            Evidence("exchange", "alice makes an object, which bob's own list lacks", thing.made),
            Evidence("exchange", "control: without a credential it is not shown", anonymous),
            Evidence("exchange", "control: it stands under alice's own id", own),
            Evidence("exchange", "bob reads there and sees it", foreign),
        )
        return failed(f"{ref} shows what belongs to one user to another user who knows its id", (ref,), evidence)
    return None


def _lists(target: Target) -> Iterator[Route]:
    """Those first whose path says that they are of all."""
    plain = [one for one in target.app.routes if "GET" in one.methods and not one.parameters and not is_door(one)]
    plain = [one for one in plain if not ADMIN_PATH.search(one.path)]  # that a low role gets in is another finding
    listed = {kind.list_route.path for kind in kinds(target) if kind.list_route is not None}
    yield from sorted((one for one in plain if one.path not in listed), key=lambda one: not _OF_ALL.search(one.path))


def _shows(seen: Exchange, thing: Thing) -> bool:
    return seen.response.succeeded and any(text in seen.response.text for text in thing.texts)


def _judged(
    target: Target, route: Route, kind: Kind, thing: Thing, seen: Exchange, bob: Identity
) -> Steps[Verdict | None]:
    """A fail, unless anybody may see the list, or what all may open by its id is listed for all on purpose (a feed beside one's own)."""
    bare = tuple(pair for pair in seen.request.headers if pair[0].lower() == "accept")
    anonymous = yield from send(replace(seen.request, headers=bare, identity=None))
    if _shows(anonymous, thing):
        return None
    if not _OF_ALL.search(route.path):
        if kind.thing is None:
            return None
        by_id = yield from send(bob.on(at_number(target, kind.thing, thing.number)))
        if not (by_id.response.refused or by_id.response.status == 404):
            return None
    ref = RouteRef("GET", route.path)
    evidence = (
        Evidence("exchange", "alice makes an object, which bob's own list lacks", thing.made),
        Evidence("exchange", "control: without a credential it is not shown", anonymous),
        Evidence("exchange", "bob reads another list and sees it", seen),
    )
    return failed(f"{ref} shows one user what others stored, which no list of his own does", (ref,), evidence)
