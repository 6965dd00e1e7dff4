"""Anybody on the network can call the route, and it gives away or changes what belongs to somebody."""

import re
from collections.abc import Iterator
from collections.abc import Sequence as SequenceType
from dataclasses import dataclass, field, replace
from typing import Final, cast

from stopper.core.app import App, Route
from stopper.core.deployment.inside_locations import is_kept_inside
from stopper.core.exchange import Exchange, Request
from stopper.core.fact import Function
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.view_functions import FunctionIndex, index_of
from stopper.core.guards.asking_views import asks_somebody, has_idle_guard
from stopper.core.guards.open_doors import is_exempted, marks_views
from stopper.core.guards.open_harms import OF_PEOPLE, OF_PERSONS, harm_of, harm_of_forgotten, is_forgotten, is_published
from stopper.core.guards.public_routes import declared_public, is_open_by_nature, is_public, opens_account
from stopper.core.guards.refusing_views import only_refuses
from stopper.core.guards.seeming_guards import is_seemingly_guarded
from stopper.core.people.people_known import is_asked_before, knows_people, looks_at_credentials
from stopper.core.personal import addresses_in, describes_an_api, lists_accounts, many_people, people_in
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.accounts.administrators import shown_to_all
from stopper.core.probing.accounts.own_values import shows_account
from stopper.core.probing.baseline import TRIES, alike, attempt, beyond, candidates, is_door, protected
from stopper.core.probing.old_versions import newer_refuses
from stopper.core.probing.things.objects import entries, inner_object
from stopper.core.probing.things.one_thing import PUBLISHED
from stopper.core.probing.things.open_things import of_different_people, shows_the_same_people
from stopper.core.probing.things.open_twins import of_whom_alone
from stopper.core.probing.things.open_writes import Open, open_writes, refused_log_in
from stopper.core.rule import Hit, Rule
from stopper.core.values import Parameter

_SENT: Final = ("POST", "PUT", "PATCH")
_FORGOTTEN: Final = re.compile(r"(?i)[._](?:forgot(?:ten)?_?(?:password|mail|pw)?|(?:reset|recover)_?password)$")
"""What is called when somebody has no password to show."""


def detect(app: App) -> Iterator[Hit]:
    """Routes that the reader knows to be open and that change or serve people's data, in an application that guards others. Where it knows
    people and none of its routes asks, all of them are one finding."""
    facts = source_of(app)
    guarded = any(is_seemingly_guarded(access) for route in app.routes for access in route.access.values())
    idle = guarded or has_idle_guard(facts) or marks_views(facts)
    if _guards_out_of_sight(facts) or not (idle or (knows_people(facts) and not is_asked_before(facts))):
        return
    found = _open_routes(app, facts, idle=idle)
    if idle or found.asked:
        yield from found.hits
    else:
        yield from sorted(
            (replace(hit, cause="nobody asks") for hit in found.hits), key=lambda hit: hit.severity == "low"
        )


@dataclass(slots=True)
class _Found:
    """Open routes that harm somebody, and whether some other view asks who is calling by itself."""

    hits: list[Hit] = field(default_factory=list[Hit])
    asked: bool = False


def _open_routes(app: App, facts: SourceFacts, *, idle: bool) -> _Found:
    index, found = index_of(facts), _Found()
    published = idle and is_published(app)
    forgotten = is_forgotten(app)
    understood = frozenset(
        guard.name
        for route in app.routes
        for access in route.access.values()
        for guard in access.guards
        if guard.stops and guard.kind == "before_request"
    )
    for route in app.routes:
        if is_public(route) or is_open_by_nature(route) or is_kept_inside(facts, route.path):
            continue
        declared = declared_public(app, route)
        shown: Hit | None = None
        for method in route.methods:
            access = route.access.get(method)
            if access is None or method in ("HEAD", "OPTIONS") or (declared and method != "GET"):
                continue
            own = list(index.of_view(route.view, route.span, method))
            exempted = access.state == "unknown" and is_exempted(own, route)
            if access.state != "open" and not exempted:
                continue
            if own and all(only_refuses(facts, one.name) for one in own):
                continue
            asks = not exempted and (
                asks_somebody(index, route, own, understood) or (not idle and _is_shown(index, own))
            )
            found.asked |= asks
            if asks or _is_of_registration(index, route, method, own):
                continue
            if any(_FORGOTTEN.search(name) for name in index.calling([one.name for one in own], 1)):
                continue
            what = harm_of(index, route, method, own, published)
            if declared and what != OF_PERSONS:
                continue  # a document that says "public" may mean what is sold, hardly people's addresses
            if what is None and method == "GET":
                what = harm_of_forgotten(app, index, route, own, forgotten)
            if what is not None:
                message = f"nothing asks who is calling {method} {route.path}, and it {what}"
                hit = Hit(message, _place(route, own, method), RouteRef(method, route.path))
                if method != "GET":
                    found.hits.append(hit)
                    break
                # Much is shown to everybody on purpose; what changes something seldom is open so.
                shown = replace(hit, certainty="possible", severity="low")
        else:
            found.hits.extend([shown] if shown is not None else [])
    return found


def _is_shown(index: FunctionIndex, own: SequenceType[Function]) -> bool:
    """That the view, or what it calls, reads a credential; whom it asks about it may lie further down than was followed."""
    return looks_at_credentials(index.facts, index.calling([one.name for one in own], 2))


def _is_of_registration(index: FunctionIndex, route: Route, method: str, own: SequenceType[Function]) -> bool:
    """That a POST makes an account, and the form for it, which the same function shows."""
    by_get = method == "GET" and "POST" in route.methods and own == list(index.of_view(route.view, route.span, "POST"))
    return (method == "POST" or by_get) and opens_account(index, route)


def _place(route: Route, own: SequenceType[Function], method: str) -> Span | None:
    """The view's own line; of a view class, the line of the method that answers."""
    methods = [function for function in own if function.owner]
    answers = [one for one in methods if one.name.rpartition(".")[2] == method.lower()]
    return next((function.span for function in (*answers, *methods)), route.span)


def _guards_out_of_sight(facts: SourceFacts) -> bool:
    """A function of the project hangs a guard that it was handed on a blueprint that it was handed: which, cannot be told."""
    return any(
        isinstance(call.receiver, Parameter) and any(isinstance(argument, Parameter) for argument in call.args)
        for call in facts.calls("*.before_request")
    )


@dataclass(frozen=True, slots=True)
class Control:
    """A route that asks who is calling, its answer to nobody, and somebody it lets in (None where the scan is nobody)."""

    ref: RouteRef
    refusal: Exchange
    identity: Identity | None


def probe(target: Target) -> Steps[Verdict]:
    """Asks the reading routes as nobody; people's data in the answer convicts, where the same application guards other routes or the path
    says that it is for administrators."""
    control = yield from _control(target)
    if control is None:
        places, evidence = yield from shown_to_all(target)
        if places:
            return failed(f"anybody can call {places[0]} and is shown a list of people", places, evidence)
        changed = yield from open_writes(target)
        shown = (yield from beyond(of_different_people(target), changed)) or []
        if changed and (refused := (yield from refused_log_in(target))) is not None:
            more = [one for one in shown if one.ref not in {other.ref for other in changed}]
            return _verdict(Control(RouteRef("POST", refused.request.target), refused, None), [*changed, *more])
        if of_people := [*(one for one in changed if OF_PEOPLE.search(one.ref.path)), *shown]:
            return _verdict(None, of_people)
        return not_applicable("no route of this application was found that asks who is calling")
    known = {hit.route for hit in detect(target.app) if hit.route is not None}
    found: list[Open] = []
    for route, method in candidates(target):
        ref = RouteRef(method, route.path)
        if ref != control.ref and not is_door(route) and not is_open_by_nature(route):
            open_to_all = yield from attempt(_open_to_all(target, route, ref, control.identity, ref in known))
            found.extend([open_to_all] if open_to_all is not None else [])
    if target.mode == "active":
        found.extend((yield from beyond(_open_writes(target, known), found)) or ())
        changed = (yield from beyond(open_writes(target), found)) or []
        told = [one.ref for one in found]
        found.extend(one for one in changed if one.ref not in told)
    for steps in (of_different_people(target), of_whom_alone(target)):
        told = [one.ref for one in found]
        found.extend(one for one in (yield from beyond(steps, found)) or () if one.ref not in told)
    return _verdict(control, found)


def _control(target: Target) -> Steps[Control | None]:
    """A protected route; without an identity, one that refuses an anonymous caller."""
    baseline = yield from protected(target)
    if baseline is not None:
        return Control(baseline.ref, baseline.anonymous, baseline.identity)
    if any(identity.headers for identity in target.identities):
        return None
    for route, method in candidates(target):
        anonymous = yield from attempt(send(target.request_for(route, method)))
        if anonymous is not None and anonymous.response.refused:
            return Control(RouteRef(method, route.path), anonymous, None)
    return None


def _open_to_all(
    target: Target, route: Route, ref: RouteRef, identity: Identity | None, seen_in_source: bool
) -> Steps[Open | None]:
    """The route, where nobody gets what somebody gets and it holds people's data."""
    request = target.request_for(route, ref.method)
    anonymous = yield from send(request)
    if describes_an_api(anonymous):
        return None
    if not anonymous.response.succeeded:
        return None
    shows = seen_in_source or _people_data(target, request, anonymous)
    if not shows and not (yield from newer_refuses(target, route, ref.method)):
        return None
    if declared_public(target.app, route) and not (many_people(anonymous) or shows_account(target, anonymous)):
        return None
    if identity is None:
        return Open(ref, anonymous)
    honest = yield from send(identity.on(request))
    alike_to_all = alike(honest.response, anonymous.response) or shows_the_same_people(honest, anonymous)
    return Open(ref, anonymous, honest) if alike_to_all else None


def _people_data(target: Target, request: Request, anonymous: Exchange) -> bool:
    """Data of people that the request itself did not bring along."""
    said = anonymous.response.json()
    brought = addresses_in(request.target + request.body.decode("utf-8", "replace"))
    given = addresses_in(anonymous.response.text) - brought
    subjects = {person.subject.lower() for person in target.identities if person.subject}
    if given & subjects or shows_account(target, anonymous) or lists_accounts(said):
        return True
    return said is not None and any(True for _ in people_in(said)) and (bool(given) or not brought)


def _open_writes(target: Target, known: set[RouteRef]) -> Steps[list[Open]]:
    """Changing routes that the source shows to be open and that take an anonymous request. Only in mode active."""
    found: list[Open] = []
    pairs = [
        (route, ref) for route in target.app.routes for ref in route.refs() if ref in known and ref.method in _SENT
    ]
    for route, ref in pairs[: TRIES[target.depth]]:
        anonymous = yield from attempt(send(target.request_for(route, ref.method)))
        if anonymous is not None and anonymous.response.succeeded and not _complains(anonymous):
            found.append(Open(ref, anonymous))
    return found


def _complains(exchange: Exchange) -> bool:
    """A success by its status that says in its body that it is none."""
    said = exchange.response.json()
    return isinstance(said, dict) and not {"error", "errors"}.isdisjoint(cast("dict[str, object]", said))


def _verdict(control: Control | None, found: list[Open]) -> Verdict:
    """``control`` is None where nothing asks who is calling, and yet people's records are changed."""
    if not found:
        return passed("no route was found that gives people's data to an anonymous caller")
    found = [one for one in found if not _is_published(one)] or found
    evidence = list[Evidence]()
    if control is not None:
        refuses = f"control: {control.ref} refuses a caller without a credential"
        evidence.append(Evidence("exchange", refuses, control.refusal))
    for one in found[:5]:
        if one.honest is not None and one.ref.method == "GET":
            evidence.append(Evidence("exchange", f"{one.ref} with a credential", one.honest))
        evidence.append(
            Evidence("exchange", f"{one.ref} without any credential is answered all the same", one.anonymous)
        )
        if one.honest is not None and one.ref.method != "GET":
            evidence.append(Evidence("exchange", "what is there afterwards", one.honest))
        if one.other is not None:
            evidence.append(Evidence("exchange", "another number shows what is somebody else's", one.other))
    names = ", ".join(str(one.ref) for one in found[:5])
    message = f"anybody can call {names} without a credential and gets or changes what belongs to people"
    return failed(message, [one.ref for one in found], evidence, "medium" if all(map(_is_published, found)) else None)


def _is_published(one: Open) -> bool:
    """What people write for everybody, with the address of who wrote it and nothing else of anybody: whoever reads it may be meant to."""
    told = entries(one.anonymous.response.json()) or [inner_object(one.anonymous.response.json())]
    written = all(any(_WRITTEN.fullmatch(name) for name in entry) for entry in told)
    of_others = [name for name in people_in(one.anonymous.response.json()) if "mail" not in name.lower()]
    read = one.ref.method == "GET" and PUBLISHED.search(one.ref.path.partition("/{")[0].rstrip("/")) is not None
    return read and written and not of_others


_WRITTEN: Final = re.compile(r"(?i)title|headline|content|body|text|message|comment|description|summary")
"""What a text that was written for others has."""


RULE = Rule(
    slug="route-without-authentication",
    family="authorization",
    title="A route has no guard on any path to it (decorator, `before_request`, MethodView, wrapper)",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(306,),
    owasp="API2:2023",
    asvs=("V8.2.1",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` runs no view without a policy; a route for everybody says `@public`.",
    certainty="likely",
    repeats=("method-without-authentication",),
    detect=detect,
    probe=probe,
)
