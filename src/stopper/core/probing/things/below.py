"""What lies below something of one person: ``/orgs/{org_id}/projects/{project_id}``, where the ids before the last must be hers too."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.naming import as_parameter
from stopper.core.owner_names import PERSON
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, failed, send
from stopper.core.probing.accounts.own_values import BELONGS, own_numbers
from stopper.core.probing.baseline import attempt
from stopper.core.probing.shared import found_once
from stopper.core.probing.things import as_it_stands as standing
from stopper.core.probing.things import below_own, foreign
from stopper.core.probing.things import one_thing as things
from stopper.core.probing.things.kinds import Kind, at_number, kinds, listed_at, route_at
from stopper.core.probing.things.objects import entries, ids

_ACCOUNT: Final = re.compile(r"(?i)user|account|member|profile|owner|\bme\b")
"""Whom nobody makes as a thing of one's own; patients and customers may be."""
_LOOKS_AFTER: Final = re.compile(
    r"(admin|manager|staff|seller|vendor|host|organi[sz]er|teacher|merchant|landlord|coach|trainer|creator|editor)_?(id|uuid)?"
)
"""Ids of those who look after things, as parameters are spelled."""
DEEP: Final = 3
"""Ids in a row that are filled."""


@dataclass(frozen=True, slots=True)
class Inside:
    """The routes below one thing, as if the API had no others: ``/orgs/7`` stands where its document says ``/orgs/{org_id}``."""

    target: Target
    template: str
    path: str
    private: bool
    """Whether others do not see the thing in their own list: then nothing below it is theirs."""

    def told(self, verdict: Verdict) -> Verdict:
        """*verdict* about the routes as the document names them."""
        routes = tuple(RouteRef(one.method, self._named(one.path)) for one in verdict.routes)
        return replace(verdict, message=verdict.message.replace(self.path + "/", self.template + "/"), routes=routes)

    def _named(self, path: str) -> str:
        return self.template + path.removeprefix(self.path) if path.startswith(self.path) else path


def templates(target: Target) -> list[str]:
    """The things that have others below them, by the path up to their id; those with the most below them first."""
    found: dict[str, int] = {}
    for route in target.app.routes:
        if len(route.parameters) >= 2 and route.path.count("{") == len(route.parameters) <= DEEP:
            before = route.path[: route.path.rindex("{")].rstrip("/")
            known = before[: before.rindex("}") + 1]
            if known.rpartition("/")[2].startswith("{"):
                found[known] = found.get(known, 0) + len(route.methods)
    for route in _above(target):
        for one in target.app.routes:
            if {"GET", "POST"} & {*one.methods} and len(one.parameters) == 1 and one.path.endswith(f"}}{_noun(route)}"):
                known = one.path.removesuffix(_noun(route))
                found[known] = found.get(known, 0) + 1
    return sorted(found, key=lambda known: -found[known])


def _above(target: Target) -> list[Route]:
    """The routes that take the id of a thing which no request makes or lists at the path before it: it may be made below another."""
    plain = [one for one in target.app.routes if len(one.parameters) == 1 and one.path.count("{") == 1]
    plain = [one for one in plain if route_at(target, one.path.partition("/{")[0], "POST") is None]
    return [one for one in plain if route_at(target, one.path.partition("/{")[0], "GET") is None and _noun(one)]


def _noun(route: Route) -> str:
    """``/visits`` of ``/v1/visits/{id}``."""
    before = route.path.partition("/{")[0]
    return before[before.rindex("/") :] if "/" in before else ""


def asked(target: Target, template: str, alice: Identity, bob: Identity) -> Steps[list[Verdict]]:
    """The verdicts on what lies below one thing of Alice's: Bob asks for it there, and below a thing of his own."""
    found: list[Verdict] = []
    inside = yield from opened(target, template, alice, bob)
    if inside is None:
        return found
    for pair in list(things.pairs(inside.target)):
        here = replace(pair, private=inside.private)
        verdict = yield from attempt(things.asked(inside.target, here, alice, bob))
        if verdict is None or verdict.outcome == "pass":
            verdict = (yield from attempt(_below_his_own(target, inside, here, alice, bob))) or verdict
        found += [inside.told(verdict)] if verdict is not None else []
    for kind in [one for one in kinds(inside.target) if _lies_in(inside, one)]:
        verdicts = yield from attempt(foreign.asked(inside.target, replace(kind, private=inside.private), alice, bob))
        told = {str(ref) for one in verdicts or () if one.outcome == "fail" for ref in one.routes}
        mixed = yield from attempt(_mixed(target, inside, replace(kind, private=inside.private), told, alice, bob))
        found += [inside.told(one) for one in (*(verdicts or ()), *(mixed or ()))]
    for route in [one for one in _above(target) if "GET" in one.methods and one.path.rstrip("/").endswith("}")]:
        verdict = yield from attempt(_known_from_below(target, inside, route, alice, bob))
        found += [verdict] if verdict is not None else []
    if inside.target.mode == "active":
        accounts = yield from attempt(standing.asked(inside.target, alice, bob))
        found += [inside.told(one) for one in accounts or ()]
    return found


def _mixed(
    target: Target, inside: Inside, kind: Kind, told: set[str], alice: Identity, bob: Identity
) -> Steps[list[Verdict]]:
    """What lies below her thing, asked for below one of his own."""
    key = f"{inside.template} of {bob.name}"
    his = yield from found_once(target, key, lambda: opened(target, inside.template, bob, alice))
    if his is None or his.path == inside.path:
        return []
    return (yield from below_own.asked((inside.target, inside.path), (his.target, his.path), kind, told, alice, bob))


def _lies_in(inside: Inside, kind: Kind) -> bool:
    made = kind.create_route.path if kind.create_route is not None else ""
    return any(one == inside.path or one.startswith(inside.path + "/") for one in (kind.base, made))


def opened(target: Target, template: str, alice: Identity, bob: Identity, depth: int = DEEP) -> Steps[Inside | None]:
    """The routes below a thing of Alice's, which she makes where it is nobody's account; None where she has none."""
    base, _, name = template.rstrip("}").rpartition("/{")
    around: Inside | None = None
    if "{" in base:
        outer = base[: base.rindex("}") + 1]
        around = (yield from opened(target, outer, alice, bob, depth - 1)) if depth > 1 else None
        if around is None:
            return None
    here = around.target if around is not None else target
    place = around.path + base.removeprefix(around.template) if around is not None else base
    number, private = None, False
    said = f"{name} {base.rpartition('/')[2]}"
    if not _ACCOUNT.search(said):
        kind = next((one for one in kinds(here) if one.base == place.rstrip("/")), None)
        thing = (yield from foreign.made(here, kind, alice, bob)) if kind is not None else None
        number, private = (thing.number, thing.private) if thing is not None else (None, False)
    if number is None:
        number = yield from _listed_alone(here, place.rstrip("/"), name, alice, bob)
        private = number is not None
    noun = as_parameter(re.sub(r"(?i)(ie)?s$", lambda end: "y" if end.group(1) else "", base.rpartition("/")[2]))
    if number is None and BELONGS.fullmatch(noun):
        number = yield from _own_number(target, f"{noun}_id", template, alice, bob)
        private = number is not None
    if number is None and (PERSON.search(said) or _LOOKS_AFTER.fullmatch(as_parameter(name))):
        number = yield from _own_number(target, name, template, alice, bob)
    if number is None:
        return None
    path = f"{place}/{quote(number, safe='')}"
    return Inside(_narrowed(target, template, path), template, path, private or (around is not None and around.private))


def _listed_alone(target: Target, base: str, name: str, alice: Identity, bob: Identity) -> Steps[str | None]:
    """The id of an entry of Alice's list that Bob's lacks."""
    listed = listed_at(target, base)
    if listed is None or listed.parameters:
        return None
    hers, his = yield from _both_lists((target, listed), (target, listed), alice, bob)
    mine = [next(ids(one, name), None) for one in entries(hers.response.json())]
    others = [next(ids(one, name), None) for one in entries(his.response.json())]
    alone = [one for one in mine if one is not None and one not in others]
    return alone[0] if alone and hers.response.succeeded and his.response.succeeded else None


def _both_lists(
    hers: tuple[Target, Route], his: tuple[Target, Route], alice: Identity, bob: Identity
) -> Steps[tuple[Exchange, Exchange]]:
    one = yield from send(alice.on(hers[0].request_for(hers[1], "GET")))
    other = yield from send(bob.on(his[0].request_for(his[1], "GET")))
    return one, other


def _known_from_below(
    target: Target, inside: Inside, route: Route, alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """``/transactions/{id}``: the id stands in what is listed below something of Alice's, and not below the same of Bob's."""
    key = f"{inside.template} of {bob.name}"
    listed = route_at(inside.target, inside.path + _noun(route), "GET")
    his = (yield from found_once(target, key, lambda: opened(target, inside.template, bob, alice))) if listed else None
    beside = route_at(his.target, his.path + _noun(route), "GET") if his is not None else None
    if listed is None or his is None or beside is None:
        return None
    own, other = yield from _both_lists((inside.target, listed), (his.target, beside), alice, bob)
    name = route.parameters[0][0]
    known = {next(ids(one, name), None) for one in entries(other.response.json())}
    number = next((one for entry in entries(own.response.json()) for one in ids(entry, name) if one not in known), None)
    if number is None or not own.response.succeeded or not other.response.succeeded:
        return None
    lists = (
        Evidence("exchange", "control: it is listed below what is alice's", own),
        Evidence("exchange", "control: below what is bob's it is not", other),
    )
    read = at_number(target, route, number)
    return (yield from things.same_content(RouteRef("GET", route.path), read, alice, bob, lists))


def _own_number(target: Target, name: str, template: str, alice: Identity, bob: Identity) -> Steps[str | None]:
    """What Alice is called in the path, and Bob is not."""
    hers, his = (yield from own_numbers(target, alice, name)), (yield from own_numbers(target, bob, name))
    fit = [number for kind, number in hers.items() if his.get(kind) not in (None, number)]
    counted = any(("int" in dict(one.parameters).get(name, "")) for one in target.app.routes if template in one.path)
    fit.sort(key=lambda number: counted and not number.isdigit())
    return fit[0] if fit else None


def _narrowed(target: Target, template: str, path: str) -> Target:
    below = list(_below(target, template, path))
    known = {made.path: route for route, made in below}

    def request_for(route: Route, method: str) -> Request:
        original = known.get(route.path)
        if original is None:
            return target.request_for(route, method)
        honest = target.request_for(original, method)
        address, mark, query = honest.target.partition("?")
        address = address.rstrip("/") if original.path.rstrip("/") == template else address
        prefix = address.partition(original.path.partition("{")[0])[0]
        sent = address.removeprefix(prefix).split("/")
        said = route.path.split("/")
        filled = [part if "{" not in part else sent[place] for place, part in enumerate(said)]
        return replace(honest, target=prefix + "/".join(filled) + mark + query)

    elsewhere = [one for one in target.app.routes if not one.parameters]  # they may take an id in the query or the body
    made = [one.path for _, one in below if "POST" in one.methods and not one.parameters]
    above = [one for one in _above(target) if any(each.endswith(_noun(one)) for each in made)]
    routes = (*(one for _, one in below), *above, *elsewhere)
    return replace(target, app=replace(target.app, routes=routes), request_for=request_for)


def _below(target: Target, template: str, path: str) -> Iterator[tuple[Route, Route]]:
    """Each route below the thing, and the same with the thing's own ids filled."""
    gone = set(re.findall(r"\{([^{}]+)\}", template))
    lists = any(route.path.startswith(template + "/{") for route in target.app.routes)
    for route in target.app.routes:
        methods = tuple(one for one in route.methods if one in ("GET", "POST"))
        if (
            lists and methods and route.path.rstrip("/") == template
        ):  # ``/events/{admin_id}`` of ``/events/{admin_id}/{event_id}``
            yield route, replace(route, path=path, parameters=(), methods=methods)
        if route.path.startswith(template + "/"):
            left = tuple(pair for pair in route.parameters if pair[0] not in gone)
            yield route, replace(route, path=path + route.path.removeprefix(template), parameters=left)


def _below_his_own(
    target: Target, inside: Inside, pair: things.Pair, alice: Identity, bob: Identity
) -> Steps[Verdict | None]:
    """``/orgs/8/projects/5``: Bob asks for what is Alice's below a thing of his own, which he may open."""
    if pair.create_route is None or target.mode != "active":
        return None
    thing = yield from things.make(inside.target, pair, pair.create_route, alice)
    if thing is None:
        return None
    key = f"{inside.template} of {bob.name}"
    his = yield from found_once(target, key, lambda: opened(target, inside.template, bob, alice))
    if his is None:
        return None
    route = replace(pair.thing, path=his.path + pair.thing.path.removeprefix(inside.path))
    mixed = yield from send(bob.on(at_number(his.target, route, thing.number)))
    if not mixed.response.succeeded or not any(mark in mixed.response.text for mark in thing.shown):
        return None
    evidence = (
        *thing.seen,
        Evidence("exchange", "bob asks for it below a thing of his own and sees alice's text", mixed),
    )
    return failed(f"{pair.ref} shows what one user stored to another user who knows its id", (pair.ref,), evidence)
