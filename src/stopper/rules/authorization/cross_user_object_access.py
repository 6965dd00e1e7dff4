"""Somebody who is logged in changes the number in the address and reads what belongs to others."""

import json
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stopper.core import probe_foreign as foreign
from stopper.core import probe_pages as pages
from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.login_names import PASSWORD
from stopper.core.personal import people_in
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Skipped, Steps, Target, failed, not_applicable, passed, send, undo, unsure
from stopper.core.probe_baseline import TRIES, alike, attempt, is_door, same
from stopper.core.probe_by_number import kept_in_her_name, queries, read_by_query
from stopper.core.probe_inputs import members
from stopper.core.probe_kinds import at_number, entry_of, kinds, listed_at, made_beside, new_id, route_at
from stopper.core.probe_login import log_in
from stopper.core.probe_objects import entries, ids, marked, texts
from stopper.core.probe_own_values import own_numbers
from stopper.core.probe_people import by_cookie, number_in_lists
from stopper.core.probe_registration import registered
from stopper.core.rule import Rule
from stopper.core.secret import Secret

_PERSON: Final = re.compile(
    r"(?i)user|account|member|person|people|profile|customer|owner|employee|patient|author|client"
)
_ENDS: Final = re.compile(
    r"(?i)log-?out|sign-?out|revoke|deactivate|delete|remove|reset|verify|confirm|activate|unsubscribe"
)
SAID: Final = 6
"""Weaknesses of one finding that its message names."""
SHOWN: Final = 6
"""Those whose exchanges are kept."""
_JSON: Final = ("Content-Type", "application/json")


@dataclass(frozen=True, slots=True)
class Pair:
    """A route that reads one object, and the routes beside it."""

    thing: Route
    parameter: str
    list_route: Route | None
    create_route: Route | None

    @property
    def ref(self) -> RouteRef:
        """The reading of one object."""
        return RouteRef("GET", self.thing.path)


@dataclass(frozen=True, slots=True)
class Made:
    """What alice made: how it is read, the texts she put in, and the exchanges that show it is hers."""

    read: Request
    shown: frozenset[str]
    seen: tuple[Evidence, ...]
    number: str


def probe(target: Target) -> Steps[Verdict]:
    """Two people: what is alice's own, bob asks for by its id. Everything else about the request stays the same."""
    people = _two(target)
    if people is None:
        return not_applicable("the scan is fewer than two people, so nothing belongs to another")
    tested, wrong = 0, list[Verdict]()
    for steps in (*_questions(target, *people), *_passwords(target)):
        try:
            verdicts = yield from attempt(steps)
        except Skipped:
            if not wrong:
                raise
            break  # the budget is used up: what was proven until then stays proven
        tested += bool(verdicts)
        wrong += [one for one in verdicts or () if one.outcome == "fail"]
    if wrong:
        return _joined(wrong)
    if not any(route.parameters for route in target.app.routes):
        return not_applicable("no route reads one object by its id")
    if not tested:
        return unsure("no object was found that belongs to one person of this scan")
    return passed("what belongs to one person is not shown to the other")


Verdicts = Steps[list[Verdict]]


def _questions(target: Target, alice: Identity, bob: Identity) -> Iterator[Verdicts]:
    most = max(4, TRIES[target.depth] // 3)
    for pair in list(_pairs(target))[:most]:
        yield _one(_asked(target, pair, alice, bob))
    for route in [one for one in target.app.routes if _is_of_a_person(one)][:most]:
        yield _one(_own(target, route, alice, bob))
    for kind in list(kinds(target))[: most if target.mode == "active" else 0]:
        yield foreign.asked(target, kind, alice, bob)
        yield _one(kept_in_her_name(target, kind, alice, bob))
    for route, name in list(queries(target))[:most]:
        yield _one(read_by_query(target, route, name, alice, bob))
    yield pages.asked(target, alice, bob)


def _passwords(target: Target) -> Iterator[Verdicts]:
    """An account is more than an object: it is asked about even where an object was shown already."""
    if target.mode == "active":
        for route in [one for one in target.app.routes if _is_a_password(one)][:2]:
            yield _one(_password(target, route))


def _one(steps: Steps[Verdict | None]) -> Verdicts:
    verdict = yield from steps
    return [verdict] if verdict is not None else []


def _joined(wrong: Sequence[Verdict]) -> Verdict:
    """One finding of all: a route is told once, and the exchanges of the first few are kept."""
    told: dict[RouteRef, str] = {}
    for one in wrong:
        for ref in one.routes:
            told.setdefault(ref, one.message)
    said = list(dict.fromkeys(told.values()))
    more = f" (and {len(said) - SAID} more)" if len(said) > SAID else ""
    evidence = [part for one in wrong[:SHOWN] for part in one.evidence]
    return failed("; ".join(said[:SAID]) + more, list(told), evidence)


def _two(target: Target) -> tuple[Identity, Identity] | None:
    """Two ordinary people with different credentials; an administrator may read what others own."""
    people = [one for one in target.identities if one.headers and not re.search(r"(?i)admin|root|super", one.name)]
    return (people[0], people[1]) if len(people) >= 2 else None


def _pairs(target: Target) -> Iterator[Pair]:
    for route in target.app.routes:
        if "GET" in route.methods and len(route.parameters) == 1 and route.path.rstrip("/").endswith("}"):
            beside = route.path.rstrip("/").rpartition("/")[0]
            create = route_at(target, beside, "POST") or made_beside(target, beside)
            listed = listed_at(target, beside)
            yield Pair(route, route.parameters[0][0], listed, create)


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
    """Alice stores random texts. Bob is asked to read, then to change, then to delete what she made."""
    thing = yield from _make(target, pair, create, alice)
    if thing is None:
        return None
    anonymous = yield from send(thing.read)
    listed = (yield from send(bob.on(target.request_for(pair.list_route, "GET")))) if pair.list_route else None
    public = {mark for mark in thing.shown if anonymous.response.succeeded and mark in anonymous.response.text}
    shared = {mark for mark in thing.shown if listed is not None and mark in listed.response.text}
    own = thing.shown - public - shared
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
        return failed(f"{pair.ref} shows what one user stored to another user who knows its id", (pair.ref,), evidence)
    return None if shared or public else passed(f"{pair.ref} does not show alice's object to bob")


def _beyond_the_page(target: Target, pair: Pair, thing: Made, his: Exchange, alice: Identity) -> Steps[bool]:
    """Whether both lists hold the same things and end before the object, as the first page of what is shared: that tells of no owner."""
    if pair.list_route is None or not his.response.succeeded:
        return False
    hers = yield from send(alice.on(target.request_for(pair.list_route, "GET")))
    mine, others = entries(hers.response.json()), entries(his.response.json())
    known = any(thing.number in ids(entry, pair.parameter) for entry in mine)
    return not (known or any(mark in hers.response.text for mark in thing.shown)) and any(one in others for one in mine)


def _make(target: Target, pair: Pair, create: Route, alice: Identity) -> Steps[Made | None]:
    request, marks = marked(target.request_for(create, "POST"), target.canary)
    made = yield from send(alice.on(request))
    if not marks or not made.response.succeeded:
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
    shown = frozenset(mark for mark in marks.values() if mark in own.response.text)
    if not own.response.succeeded or not shown:
        return None
    seen = (
        Evidence("exchange", "alice stores a random text", made),
        Evidence("exchange", "control: alice reads her own object and sees the text", own),
    )
    return Made(read, shown, seen, number)


def _id_in_list(target: Target, pair: Pair, alice: Identity, marks: dict[str, str]) -> Steps[str | None]:
    """The id of the entry of alice's list that carries one of her texts."""
    if pair.list_route is None:
        return None
    listed = yield from send(alice.on(target.request_for(pair.list_route, "GET")))
    for entry in entries(listed.response.json()):
        if any(mark in json.dumps(entry) for mark in marks.values()):
            return next(ids(entry, pair.parameter), None)
    return None


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
        if number is None or number in other or texts(entry) == 0:
            continue
        verdict = yield from _same_content(pair.ref, at_number(target, pair.thing, number), alice, bob, lists)
        if verdict is not None:
            return verdict
    return None


def _same_content(
    ref: RouteRef, read: Request, alice: Identity, bob: Identity, before: Sequence[Evidence]
) -> Steps[Verdict | None]:
    own = yield from send(alice.on(read))
    anonymous = yield from send(read)
    if not own.response.succeeded or alike(own.response, anonymous.response):
        return None
    foreign = yield from send(bob.on(read))
    if not foreign.response.succeeded or not same(own.response, foreign.response):
        return passed(f"{ref} does not show alice's object to bob")
    evidence = (
        *before,
        Evidence("exchange", "control: without a credential the object is not shown", anonymous),
        Evidence("exchange", "control: alice reads it", own),
        Evidence("exchange", "bob reads it under the same id and gets the same", foreign),
    )
    return failed(f"{ref} shows what belongs to one user to another user who knows its id", (ref,), evidence)


# -- what is alice's because it is under her own id ----------------------------------------------------------------------------------


def _is_of_a_person(route: Route) -> bool:
    """A route with one parameter that is somebody's id by its name or by the part of the path before it."""
    if "GET" not in route.methods or len(route.parameters) != 1 or _ENDS.search(route.path):
        return False
    named = bool(_PERSON.search(route.parameters[0][0]))  # ``/users_token/{user_id}`` lets nobody in or out
    return named or (not is_door(route) and bool(_PERSON.search(route.path.partition("{")[0])))


def _own(target: Target, route: Route, alice: Identity, bob: Identity) -> Steps[Verdict | None]:
    """Under alice's own id stands something personal; bob gets the same, and something else under his own id."""
    name = route.parameters[0][0]
    hers, his = (yield from own_numbers(target, alice, name)), (yield from own_numbers(target, bob, name))
    for kind, number in hers.items():
        if his.get(kind) not in (None, number):
            found = yield from _under(target, route, (alice, number), (bob, his[kind]))
            if found:
                return found[0]
    listed = (yield from number_in_lists(target, alice, name)), (yield from number_in_lists(target, bob, name))
    if listed[0] is None or listed[1] is None or listed[0] == listed[1]:
        return None
    found = yield from _under(target, route, (alice, listed[0]), (bob, listed[1]))
    return found[0] if found else None


def _under(
    target: Target, route: Route, hers: tuple[Identity, str], his: tuple[Identity, str]
) -> Steps[list[Verdict | None]]:
    """What one pair of ids comes to; nothing where under alice's stands nothing personal."""
    (alice, number), (bob, other) = hers, his
    read = at_number(target, route, number)
    own = yield from send(alice.on(read))
    browsers = by_cookie(target, alice), by_cookie(target, bob)
    if own.response.refused and browsers[0] is not None and browsers[1] is not None:
        alice, bob = browsers[0], browsers[1]
        own = yield from send(alice.on(read))
    if not own.response.succeeded or not _is_personal(own, alice):
        return []
    under_his = yield from send(bob.on(at_number(target, route, other)))
    if same(own.response, under_his.response) or (yield from _in_a_list(target, route, alice, bob, number)):
        return [None]
    before = (Evidence("exchange", "control: under bob's own id stands something else", under_his),)
    return [(yield from _same_content(RouteRef("GET", route.path), read, alice, bob, before))]


def _is_personal(own: Exchange, alice: Identity) -> bool:
    """The answer names alice herself, or holds data of a person."""
    named = alice.subject is not None and alice.subject.lower() in own.response.text.lower()
    return named or any(True for _ in people_in(own.response.json()))


def _in_a_list(target: Target, route: Route, alice: Identity, bob: Identity, number: str) -> Steps[bool]:
    """Bob's own list of people names alice or has her id: the application is a directory, and shows her on purpose."""
    base = route.path.partition("/{")[0]
    listing = route_at(target, base, "GET") or route_at(target, base.rpartition("/")[0], "GET")
    if listing is None:
        return False
    shown = yield from send(bob.on(target.request_for(listing, "GET")))
    named = bool(alice.subject) and str(alice.subject).lower() in shown.response.text.lower()
    return shown.response.succeeded and (named or entry_of(shown, route.parameters[0][0], number) is not None)


def _is_a_password(route: Route) -> bool:
    """A route that sets the password of the person in its path."""
    before = route.path.partition("{")[0].rstrip("/").rpartition("/")[2]
    one = len(route.parameters) == 1 and bool(_PERSON.search(route.parameters[0][0]) or _PERSON.search(before))
    return one and bool(re.search(r"(?i)\}/(change-?|update-?|set-?)?(password|passwd|pwd)/?$", route.path))


def _password(target: Target, route: Route) -> Steps[Verdict | None]:
    """Two people whom this probe registers: the second sets the first one's password, and whoever knows it logs in."""
    hers, his = (yield from registered(target)), (yield from registered(target))
    method = next((one for one in ("PUT", "PATCH", "POST") if one in route.methods), None)
    if hers is None or his is None or method is None:
        return None
    told = yield from own_numbers(target, hers)
    told.pop("id", None)  # of the account or of the token: only what is surely hers is tried
    new = Secret(f"Aa9!{secrets.token_urlsafe(18)}")
    honest = target.request_for(route, method)
    names = [name for name in members(honest) if PASSWORD.search(name)] or ["password"]
    body = json.dumps({**members(honest), **dict.fromkeys(names, new.reveal())}).encode()
    for number in list(dict.fromkeys([hers.subject or hers.name, *told.values()]))[:3]:
        headers = (*(pair for pair in honest.headers if pair[0].lower() != "content-type"), _JSON)
        request = Request(method, at_number(target, route, number, method).target, headers, body, "write")
        # Under no name: he is this probe's own, so nobody whom other probes need is logged out by it.
        tried = yield from send(replace(his.on(request), identity=None))
        if not tried.response.succeeded:
            continue
        let_in = yield from log_in(target, replace(hers, headers=(), token=None, password=new))
        if let_in is not None:
            ref = RouteRef(method, route.path)
            evidence = (
                Evidence("exchange", "bob sets the password of alice; the scan registered both", tried),
                Evidence("exchange", "alice's account is opened by the password that bob chose", let_in[1]),
            )
            return failed(f"{ref} lets one user set the password of another", (ref,), evidence)
    return passed(f"{method} {route.path} does not let bob set alice's password")


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
    ends="Stopper's `owner(…)` in a policy asks who owns the object before the view runs.",
    probe=probe,
    effect_of=("object-lookup-without-owner",),
)
