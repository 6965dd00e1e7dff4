"""Whoever adds a field to the request gives himself a role, a balance or another owner."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, cast

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request
from stopper.core.finding import Evidence, Verdict
from stopper.core.login_names import PASSWORD
from stopper.core.naming import as_parameter
from stopper.core.owner_names import OWN_ACCOUNT
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Skipped, Steps, Target, failed, not_applicable, passed, send, undo, unsure
from stopper.core.probing.accounts.account import Account
from stopper.core.probing.accounts.account_body import beside_the_password
from stopper.core.probing.accounts.accounts import likeliest_first, registered_at, registration_at
from stopper.core.probing.accounts.entitled import entitled, holds, taken_up
from stopper.core.probing.accounts.others_accounts import account, changing_routes, fits, is_hers, is_the_own_account
from stopper.core.probing.accounts.own_values import own_numbers, parameter_of
from stopper.core.probing.accounts.page_wishes import may_tell_of, taken_on_a_page, told_of_both
from stopper.core.probing.accounts.people import number_in_lists
from stopper.core.probing.accounts.registration import holding, let_in, new_account, registers
from stopper.core.probing.accounts.wishes import OF_WORTH, better_than
from stopper.core.probing.baseline import attempt, candidates, is_door
from stopper.core.probing.inputs import members
from stopper.core.probing.read_only import read_only
from stopper.core.probing.things import shown_change, told_price
from stopper.core.probing.things.foreign import made
from stopper.core.probing.things.id_elsewhere import stands_elsewhere
from stopper.core.probing.things.kinds import at_number, does_something, kinds, makes_things
from stopper.core.probing.things.objects import entries, ids, inner_object
from stopper.core.probing.things.references import made_with
from stopper.core.probing.things.set_by_others import set_by_others
from stopper.core.probing.things.worked_out import cheaper, seen_in_list, view_elsewhere
from stopper.core.rule import Hit, Rule
from stopper.core.stores.whole_writes import whole_writes


def detect(app: App) -> Iterator[Hit]:
    """A model made or changed with every member that the caller sent."""
    for call in whole_writes(app):
        yield Hit("every field that the caller sends is written to the object", call.span)


# -- on the wire -----------------------------------------------------------------------------------------------------------------

_WISHES: Final[dict[str, object]] = {
    "is_admin": True,
    "role": "admin",
    "admin": True,
    "is_staff": True,
    "balance": 424242,
    "verified": True,
}
_RIGHTS: Final = ("is_admin", "role", "admin")
"""What nobody gives himself, also where a document names it; each is tried alone where all are refused: a strange column spoils a statement."""
INNER_MOST: Final = 2
"""Objects within a body into which members are put."""
SHOWN: Final = 4
"""Weaknesses of one finding that are shown."""
_ROUTES: Final = {"quick": 4, "standard": 8, "deep": 20}


def probe(target: Target) -> Steps[Verdict]:
    """Members that nobody asked for are added to an accepted body; one that is read back afterwards was written."""
    if target.mode != "active" or not target.identities:
        return not_applicable("only mode active writes, and as somebody")
    who, tried, wrong = target.identities[0], 0, list[Verdict]()
    for steps in _ways(target, who):
        try:
            verdict = yield from attempt(steps)
        except Skipped:
            if not wrong:
                raise
            break  # the budget is used up: what was proven until then stays proven
        tried += verdict is not None
        wrong += [verdict] if verdict is not None and verdict.outcome == "fail" else []
    if wrong:
        refs = list(dict.fromkeys(ref for one in wrong for ref in one.routes))
        evidence = [part for one in wrong[:SHOWN] for part in one.evidence]
        return failed("; ".join(one.message for one in wrong[:SHOWN]), refs, evidence)
    told = passed("members that nobody asked for are not written")
    return told if tried else unsure("no body was accepted whose object can be read back")


def _ways(target: Target, who: Identity) -> Iterator[Steps[Verdict | None]]:
    """The own account of somebody whom the scan registers, things, and registrations."""
    pairs = [(route, method) for route, method in candidates(target, ("POST", "PUT", "PATCH")) if not is_door(route)]
    own = [pair for pair in pairs if is_the_own_account(pair[0])]
    own += [pair for pair in changing_routes(target) if stands_elsewhere(pair[0])]
    for route, method in own[: _ROUTES[target.depth] // 2]:
        yield _at_own_account(target, route, method, who)
    for route, method in [pair for pair in pairs if pair not in own and not does_something(pair[0])][
        : _ROUTES[target.depth]
    ]:
        yield _tried(target, route, method, who)
    yield shown_change.asked(target, who)
    yield told_price.asked(target, who)
    for route in likeliest_first(target, (*registered_at(target), *filter(registers, target.app.routes)))[:2]:
        yield _at_registration(target, route, who)


def _at_own_account(target: Target, route: Route, method: str, who: Identity) -> Steps[Verdict | None]:
    """Somebody whom the scan registered changes the own account; who was given to the scan does it only where nobody can be registered."""
    known = yield from account(target, "second")
    if known is None:
        number = (yield from _own_number(target, route, who)) if route.parameters else None
        number = number or (yield from _of_a_new_one(target, route, who))
        return None if route.parameters and number is None else (yield from _tried(target, route, method, who, number))
    if not route.parameters:
        honest = target.request_for(route, method)
        on_page = yield from taken_on_a_page(honest, route, known)
        return on_page or (yield from _eager_change(honest, route, known))
    for number in [one for one in known.numbers if fits(route, one)][:2]:
        if (yield from is_hers(target, route, number, known, ends=False)):
            return (yield from _eager_change(at_number(target, route, number, method), route, known))
    return None


def _of_a_new_one(target: Target, route: Route, who: Identity) -> Steps[str | None]:
    """The number of a record of somebody that *who* makes and that is no account: a patient of a clinic, a member of a club."""
    kind = next((one for one in kinds(target) if route in one.members and one.create_route is not None), None)
    if kind is None or kind.create_route is None or len(route.parameters) != 1:
        return None
    if any(PASSWORD.search(name) for name in members(target.request_for(kind.create_route, "POST"))):
        return None
    thing = yield from attempt(made(target, kind, who, who))
    return thing.number if thing is not None else None


def _own_number(target: Target, route: Route, who: Identity) -> Steps[str | None]:
    """What a given person is called in the path, where reading there shows that person by name."""
    told = yield from own_numbers(target, who, parameter_of(route))
    listed = yield from number_in_lists(target, who, route.parameters[0][0])
    names = [one.lower() for one in (who.subject, who.name) if one]
    known: list[str] = [*told.values(), *([listed] if listed else [])]
    for number in list(dict.fromkeys(known))[:2]:
        if fits(route, number) and "GET" in {
            each for one in target.app.routes if one.path == route.path for each in one.methods
        }:
            seen = yield from attempt(send(who.on(at_number(target, route, number))))
            if seen is not None and seen.response.succeeded and any(one in seen.response.text.lower() for one in names):
                return number
    return None


def _eager_change(honest: Request, route: Route, known: Account) -> Steps[Verdict | None]:
    """The own account as it is, with rights beside it: all that are wished for, those that it has a member for, and each alone."""
    ref = RouteRef(honest.method, route.path)
    before = yield from send(known.person.on(known.view))
    had = inner_object(before.response.json())
    said = {as_parameter(name): value for name, value in had.items()}
    body = {name: said.get(as_parameter(name), value) for name, value in members(honest).items()}
    body = {name: one for name, one in body.items() if not PASSWORD.search(name) and as_parameter(name) not in _RIGHTS}
    better = {
        name: better_than(name, value, own=True)
        for name, value in had.items()
        if name not in body or OF_WORTH.fullmatch(name)
    }
    flags = {name: wish for name, wish in better.items() if wish is not None}
    mine = {
        **flags,
        **{name: value for name, value in _WISHES.items() if name in said and name not in flags},
    } or _WISHES
    each: list[dict[str, object]] = [{name: mine[name]} for name in _RIGHTS if name in mine]
    each += [told] if (told := {name: wish for name, wish in flags.items() if name in body}) else []
    held = [
        (name, cast("dict[str, object]", value)) for name, value in members(honest).items() if isinstance(value, dict)
    ]
    inner: list[dict[str, object]] = [{name: {**value, **mine}} for name, value in held[:INNER_MOST]]
    for some, sent in (*((one, one) for one in ({**_WISHES, **mine}, mine, *each)), *((mine, one) for one in inner)):
        request = replace(honest, body=json.dumps({**body, **sent}).encode())
        changed = yield from send(replace(known.person.on(request), identity=None))
        if changed.response.refused:
            return passed(f"{ref} refuses who asks")
        after = yield from send(known.person.on(known.view))
        if taken := taken_up(some, before.response.json(), after.response.json()):
            evidence = [
                Evidence("exchange", "control: an account that the scan registered has none of them", before),
                Evidence("exchange", "it is changed with members that nobody asked for", changed),
                Evidence("exchange", f"read back, it has {', '.join(taken)} as it was sent", after),
            ]
            return failed(f"{ref} writes {', '.join(taken)}, which no caller should set", [ref], evidence)
        if changed.response.succeeded and not inner:
            break
    return passed(f"{ref} keeps to the members that it knows")


def _tried(
    target: Target, route: Route, method: str, who: Identity, number: str | None = None
) -> Steps[Verdict | None]:
    plain = target.request_for(route, method) if number is None else at_number(target, route, number, method)
    request = who.on(plain)
    seen = yield from _as_it_is(target, route, method, request)
    own = number is not None or OWN_ACCOUNT.search(route.path) is not None
    better = {name: wish for name, value in seen.items() if (wish := better_than(name, value, own=own)) is not None}
    better |= set_by_others(route, seen, members(request))
    shown = {name: value for name, value in seen.items() if isinstance(value, str) and value and name not in _WISHES}
    body = members(request) or {name: value for name, value in shown.items() if name not in better}
    plainly = replace(request, body=json.dumps(body).encode())
    honest = yield from made_with(target, route, plainly, who) if makes_things(route) else send(plainly)
    body = members(honest.request)
    if not honest.response.succeeded or not body:
        return None
    flags = {name: wish for name, wish in better.items() if name not in body}
    flags |= {name: value for name, value in _WISHES.items() if name in seen and name not in body and name != "balance"}
    wishes = {**{name: value for name, value in _WISHES.items() if name not in body}, **flags}
    wishes |= read_only(route, seen or inner_object(honest.response.json()))
    if method == "POST" and not own:
        wishes |= cheaper(inner_object(honest.response.json()), body)
    if own and "balance" not in seen:
        wishes.pop("balance", None)  # it could not be put back
    had = {name: seen[name] for name in wishes if name in seen}
    if had:  # nobody else is to be taken for somebody of a higher role meanwhile
        yield from undo(replace(request, body=json.dumps({**body, **had}).encode()))
    verdict: Verdict | None = None
    for some in (
        (wishes, flags) if flags and flags != wishes else (wishes,)
    ):  # a column that is not there spoils a statement
        changed = yield from send(replace(request, body=json.dumps({**body, **some}).encode()))
        if not changed.response.succeeded:
            verdict = passed(f"{method} {route.path} refuses members that it does not know")
            continue
        back = yield from _read_back(target, route, method, changed, who, known=bool(seen))
        if back is None:
            return None
        after, has = back
        taken = [name for name, value in some.items() if holds(has, name, value) and seen.get(name) != value]
        taken = [name for name in taken if not holds(honest.response.json(), name, some[name])]
        verdict = passed(f"{method} {route.path} keeps to the members that it knows")
        if after.response.succeeded and taken:
            return _written(RouteRef(method, route.path), taken, honest, changed, after)
    return verdict


def _read_back(
    target: Target, route: Route, method: str, changed: Exchange, who: Identity, *, known: bool
) -> Steps[tuple[Exchange, object] | None]:
    """What was written as it is now: at its own path, where it is deleted again, or in the list of such things."""
    read = _reading(target, route, method, changed, who, known=known)
    if read is None:
        return (yield from seen_in_list(target, route, changed, who)) if method == "POST" else None
    after = yield from send(read)
    if not route.parameters and method == "POST" and not OWN_ACCOUNT.search(route.path):
        yield from undo(replace(read, method="DELETE", effect="write"))
    return after, after.response.json()


def _written(ref: RouteRef, taken: Sequence[str], honest: Exchange, changed: Exchange, after: Exchange) -> Verdict:
    evidence = [
        Evidence("exchange", "control: the honest body is accepted", honest),
        Evidence("exchange", "the same body with members that nobody asked for", changed),
        Evidence("exchange", f"read back, the object has {', '.join(taken)} as it was sent", after),
    ]
    return failed(f"{ref} writes {', '.join(taken)}, which no caller should set", [ref], evidence)


def _as_it_is(target: Target, route: Route, method: str, request: Request) -> Steps[dict[str, object]]:
    """The members of what a change of the same path would change, as they are shown; none where nothing is."""
    if method == "POST" and not OWN_ACCOUNT.search(route.path):
        return {}
    headers = tuple(pair for pair in request.headers if pair[0].lower() != "content-type")
    view = view_elsewhere(target, route)
    where = view.target if view is not None else request.target
    seen = yield from attempt(send(Request("GET", where, headers, identity=request.identity)))
    return inner_object(seen.response.json()) if seen is not None and seen.response.succeeded else {}


def _reading(
    target: Target, route: Route, method: str, changed: Exchange, who: Identity, *, known: bool
) -> Request | None:
    """How the written object is read: at its own path, which was *known* to show it or is a route that reads, or for a POST by the new id."""
    paths = {one.path.rstrip("/"): one for one in target.app.routes if "GET" in one.methods}
    if (view := view_elsewhere(target, route)) is not None and known:
        return who.on(view)
    if method != "POST" or OWN_ACCOUNT.search(route.path):
        if not known and route.path.rstrip("/") not in paths:
            return None
        honest = who.on(target.request_for(route, "GET"))
        return replace(honest, target=changed.request.target, body=b"")
    for path, one in paths.items():
        if path.rpartition("/")[0] == route.path.rstrip("/") and len(one.parameters) == 1 and path.endswith("}"):
            number = next(ids(changed.response.json(), one.parameters[0][0]), None)
            if number is not None:
                honest = who.on(target.request_for(route, "GET"))
                return replace(
                    honest,
                    method="GET",
                    effect="read",
                    body=b"",
                    target=f"{changed.request.target.rstrip('/')}/{number}",
                )
    return None


# -- at registration -------------------------------------------------------------------------------------------------------------


def _at_registration(target: Target, route: Route, who: Identity) -> Steps[Verdict | None]:
    """Two new accounts, one honest and one with members that nobody asked for; what only the second one then has was written."""
    honest = target.request_for(route, "POST")
    plain, plain_body = new_account(members(honest), registration_at(target, route))
    asked = members(honest)
    wishes = {name: value for name, value in _WISHES.items() if name not in asked or name in _RIGHTS}
    wishes |= {name: _WISHES[as_parameter(name)] for name in asked if as_parameter(name) in _RIGHTS}
    first = yield from send(replace(honest, body=json.dumps(plain_body).encode()))
    known = yield from account(target, "second")
    shows = {**(known.shown if known is not None else {}), **inner_object(first.response.json())}
    better = {name: better_than(name, value, own=True) for name, value in shows.items() if name not in asked}
    wishes = {**{name: wish for name, wish in better.items() if wish is not None}, **wishes}
    if not first.response.succeeded or plain.subject is None:
        return None
    eagerly = yield from _eagerly(honest, wishes, registration_at(target, route))
    if eagerly is None:
        return passed(f"POST {route.path} refuses members that it does not know")
    eager, second, wishes = eagerly
    shown = yield from _shown(target, who, plain, eager, wishes, route.path)
    for before, after, left, right in shown:
        if taken := taken_up(wishes, left, right):
            ref = RouteRef("POST", route.path)
            evidence = [
                Evidence("exchange", "control: an honest registration", first),
                Evidence("exchange", "another one with members that nobody asked for", second),
                Evidence("exchange", "control: the first account has none of them", before),
                Evidence("exchange", f"the second account has {', '.join(taken)} as it was sent", after),
            ]
            return failed(f"{ref} writes {', '.join(taken)}, which no caller should set", [ref], evidence)
    return passed(f"POST {route.path} keeps to the members that it knows") if shown else None


def _eagerly(
    honest: Request, wishes: dict[str, object], like: Exchange | None
) -> Steps[tuple[Identity, Exchange, dict[str, object]] | None]:
    """Another account with members that nobody asked for: all of them, and one alone where a stranger among them spoils the rest."""
    alone: list[dict[str, object]] = [{name: wishes[name]} for name in _RIGHTS if name in wishes]
    for some in (wishes, *alone):
        person, body = new_account(members(honest), like)
        answer = yield from send(replace(honest, body=json.dumps(beside_the_password(body, some)).encode()))
        if answer.response.succeeded:
            return person, answer, some
    return None


Shown = tuple[Exchange, Exchange, object, object]
"""What shows the honest account and the other one, and what is said about each."""


def _shown(
    target: Target, who: Identity, plain: Identity, eager: Identity, wishes: dict[str, object], beside: str
) -> Steps[list[Shown]]:
    """Where both accounts can be read: in the answers to their log-ins, by themselves after it, and in a list that names both."""
    found: list[Shown] = []
    pages = [each for each in target.app.routes if "GET" in each.methods and not each.parameters and not is_door(each)]
    came_in = (yield from let_in(target, plain, beside)), (yield from let_in(target, eager, beside))
    if came_in[0] is not None and came_in[1] is not None:
        answers = came_in[0][1][1], came_in[1][1][1]
        found.append((*answers, entitled(target, answers[0]), entitled(target, answers[1])))
        if taken_up(wishes, *found[0][2:]):
            return found
    one, other = (holding(target, *entry) if entry is not None else None for entry in came_in)
    for route in pages[: 2 * _ROUTES[target.depth]]:
        request = target.request_for(route, "GET")
        listed = yield from attempt(send(who.on(request)))
        rows = entries(listed.response.json()) if listed is not None and listed.response.succeeded else []
        left, right = _row(rows, plain), _row(rows, eager)
        if listed is not None and left is not None and right is not None:
            found.append((listed, listed, left, right))
        elif one is not None and other is not None and may_tell_of(who, listed):
            first = yield from attempt(send(one.on(request)))
            told = first is not None and plain.name in first.response.text
            second = (yield from attempt(send(other.on(request)))) if told else None
            if first and second and eager.name in second.response.text:
                found.append((first, second, *told_of_both(first, second, wishes)))
    return found


def _row(rows: list[dict[str, object]], person: Identity) -> dict[str, object] | None:
    return next((one for one in reversed(rows) if person.name in json.dumps(one)), None)


RULE = Rule(
    slug="mass-assignment",
    family="authorization",
    title="Request fields are assigned to a model without a list of allowed ones",
    harm=__doc__ or "",
    severity="high",
    check="property-authorization",
    cwe=(915,),
    owasp="API3:2023",
    asvs=("V15.3.3",),
    surfaces=("source", "wsgi", "http"),
    ends="`stopper serve` reads every body by a schema that refuses members it does not know.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
