"""Whose data is meant stands beside the path: in a header that names a person or a company, or in the query of the page about oneself."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.naming import as_parameter
from stopper.core.owner_names import WHOSE_ID
from stopper.core.personal import addresses_in, people_in
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, passed, send
from stopper.core.probing.accounts.own_values import SELF, own_numbers
from stopper.core.probing.baseline import attempt, is_door, same_but_for_the_caller, steady
from stopper.core.probing.query import query_names, with_query
from stopper.core.probing.things.kinds import kinds
from stopper.core.probing.things.teams import TEAMS

_OF_PEOPLE: Final = ("X-User-Id", "X-Account-Id", "X-Customer-Id", "X-Member-Id", "X-On-Behalf-Of")
_OF_TEAMS: Final = {
    "company": ("X-Company-Id",),
    "tenant": ("X-Tenant-Id", "X-Tenant"),
    "org": ("X-Org-Id", "X-Organization-Id", "X-Organisation-Id"),
    "organization": ("X-Organization-Id", "X-Org-Id"),
    "workspace": ("X-Workspace-Id",),
    "team": ("X-Team-Id",),
    "clinic": ("X-Clinic-Id",),
    "agency": ("X-Agency-Id",),
}
"""Headers by which clients of several tenants choose one, by what an account says it belongs to."""
_WHO: Final = re.compile(r"id|user|username|name|email|login|handle")
"""Names in the query of a page about oneself that say about whom else, beside those that say whose a thing is."""
_USUAL: Final = ("id", "user_id", "user", "uid", "account_id")
ROUTES_MOST: Final = 4
NUMBERS: Final = 5
"""Numbers from one on that are tried where nothing tells an id."""
_TAG: Final = re.compile(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>")
_WORD: Final = re.compile(r"[\w@.,:+-]*\w")


def asked(target: Target, alice: Identity, bob: Identity) -> Steps[list[Verdict]]:
    """The verdicts on readings that believe such a header, or such a query, beside Bob's own credential."""
    found: list[Verdict] = []
    headers = yield from _headers(target, alice, bob)
    for route in list(_readings(target))[:ROUTES_MOST] if headers else ():
        verdict = yield from attempt(_by_header(target, route, headers, alice, bob))
        found += [verdict] if verdict is not None else []
    for route in list(_about_oneself(target))[:2]:
        verdict = yield from attempt(_by_query(target, route, alice, bob))
        found += [verdict] if verdict is not None else []
    return found


def _about_oneself(target: Target) -> Iterator[Route]:
    for route in target.app.routes:
        if "GET" in route.methods and not route.parameters and SELF.search(route.path) and not is_door(route):
            yield route


def _readings(target: Target) -> Iterator[Route]:
    """What shows the own account, then lists of what people have."""
    yield from _about_oneself(target)
    lists = {kind.list_route.path: kind.list_route for kind in kinds(target) if kind.list_route is not None}
    yield from (route for path, route in lists.items() if not SELF.search(path))


def _headers(target: Target, alice: Identity, bob: Identity) -> Steps[tuple[tuple[str, str], ...]]:
    """Each usual header with Alice's id, where Bob has another one."""
    found: list[tuple[str, str]] = []
    for name, many in (("user_id", _OF_PEOPLE), *((f"{one}_id", said) for one, said in _OF_TEAMS.items())):
        team = name.removesuffix("_id")
        for wanted in (name, team) if team in TEAMS else (name,):
            hers, his = (yield from own_numbers(target, alice, wanted)), (yield from own_numbers(target, bob, wanted))
            number = next((one for kind, one in hers.items() if his.get(kind) not in (None, one)), None)
            if number is not None:
                found += [(header, number) for header in many]
                break
    return tuple(dict(found).items())


def _by_header(
    target: Target, route: Route, headers: tuple[tuple[str, str], ...], alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """Bob's own credential beside headers that name Alice, or her company, shows what she reads."""
    request, ref = target.request_for(route, "GET"), RouteRef("GET", route.path)
    names = {name.lower() for name, _ in headers}
    plain = replace(request, headers=tuple(pair for pair in request.headers if pair[0].lower() not in names))
    own, his = (yield from send(alice.on(plain))), (yield from send(bob.on(plain)))
    if not own.response.succeeded or not his.response.succeeded or _same(own, his):
        return None
    every = yield from send(bob.on(plain.with_headers(*headers)))
    if not _is_hers(every, own, his):
        return passed(f"{ref} gives bob his own, whatever a header says")
    for pair in headers:
        seen = yield from send(bob.on(plain.with_headers(pair)))
        if _is_hers(seen, own, his):
            evidence = (
                Evidence("exchange", "control: alice reads what is hers", own),
                Evidence("exchange", "control: bob reads his own", his),
                Evidence("exchange", f"bob names alice's in {pair[0]} and reads what she does", seen),
            )
            return failed(
                f"{ref} shows what belongs to one user to another who names it in {pair[0]}", (ref,), evidence
            )
    return None


def _is_hers(seen: Exchange, own: Exchange, his: Exchange) -> bool:
    return seen.response.succeeded and not _same(seen, his) and _same(seen, own)


def _same(one: Exchange, other: Exchange) -> bool:
    return same_but_for_the_caller(one.response, other.response)


# -- the page about oneself ------------------------------------------------------------------------------------------------------


def _by_query(target: Target, route: Route, alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    """``/profile?id=2``: what Alice is shown of herself, Bob is shown with her number. What holds nothing personal weighs less: it may be for all."""
    request, ref = target.request_for(route, "GET"), RouteRef("GET", route.path)
    own, his = (yield from send(alice.on(request))), (yield from send(bob.on(request)))
    alone = _words(own) - _words(his)
    if not alone or not own.response.succeeded or not his.response.succeeded:
        return None
    for name, number in (yield from _asks(target, route, alice, bob, alone)):
        seen = yield from send(bob.on(with_query(request, name, number)))
        if seen.response.refused:
            break
        if not _shows(seen, his, alone - {number}, len(alone)):
            continue
        evidence = (
            Evidence("exchange", "control: alice's own", own),
            Evidence("exchange", "control: bob's own", his),
            Evidence("exchange", f"bob sends {name}={number} and is shown what is alice's", seen),
        )
        personal = any(True for _ in people_in(seen.response.json())) or bool(addresses_in(seen.response.text))
        message = f"{ref} shows what belongs to one user to another user who sends its {name}"
        return failed(message, (ref,), evidence, None if personal else "medium")
    return passed(f"{ref} shows bob nothing but his own")


def _asks(
    target: Target, route: Route, alice: Identity, bob: Identity, alone: set[str]
) -> Steps[list[tuple[str, str]]]:
    """What the query may say of Alice: names that are known, with her numbers or a few; else usual ones, which are tried at once first."""
    request = target.request_for(route, "GET")
    known = dict.fromkeys((*query_names(request), *route.names))
    names = [one for one in known if WHOSE_ID.fullmatch(as_parameter(one)) or _WHO.fullmatch(as_parameter(one))]
    found: list[tuple[str, str]] = []
    for name in names[:2]:
        told = yield from own_numbers(target, alice, "user_id" if name == "id" else name)
        few = list(dict.fromkeys(told.values()))[:2] or [str(one) for one in range(1, NUMBERS + 1)]
        found += [(name, number) for number in few]
    if names:
        return found
    number = next(iter((yield from own_numbers(target, alice, "user_id")).values()), None)
    usual = [(name, number) for name in _USUAL if number is not None]
    every = request
    for name, value in usual:
        every = with_query(every, name, value)
    seen = yield from send(bob.on(every))
    his = yield from send(bob.on(request))
    return usual if usual and _shows(seen, his, alone - {number or ""}, len(alone)) else []


def _shows(seen: Exchange, his: Exchange, alone: set[str], most: int) -> bool:
    """Whether an answer says at least half of what only Alice's own does."""
    shown = (_words(seen) - _words(his)) & alone
    return seen.response.succeeded and bool(shown) and 2 * len(shown) >= most


def _words(page: Exchange) -> set[str]:
    text = steady(_TAG.sub(" ", page.response.text))
    return {word for word in _WORD.findall(text) if len(word) > 2 and "~" not in word}
