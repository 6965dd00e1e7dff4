"""Anybody on the network can call the route, and it gives away or changes what belongs to somebody."""

import re
from collections.abc import Iterator
from collections.abc import Sequence as SequenceType
from dataclasses import dataclass, replace
from typing import Final, cast

from stopper.core.app import App, Route
from stopper.core.asking_views import asks_somebody, has_idle_guard
from stopper.core.changing_calls import hands_on, writes
from stopper.core.exchange import Exchange, Request
from stopper.core.fact import Function
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.inside_locations import is_kept_inside
from stopper.core.open_doors import answers_graphql, is_exempted, lets_in_for_nothing, marks_views, serves_somebody
from stopper.core.personal import addresses_in, is_personal, many_people, mentions_personal, people_in
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send
from stopper.core.probe_administrators import shown_to_all
from stopper.core.probe_baseline import TRIES, alike, attempt, beyond, candidates, is_door, protected
from stopper.core.probe_old_versions import newer_refuses
from stopper.core.probe_open_things import of_different_people, shows_the_same_people
from stopper.core.probe_open_twins import of_whom_alone
from stopper.core.probe_open_writes import Open, open_writes, refused_log_in
from stopper.core.probe_own_values import shows_account
from stopper.core.public_routes import declared_public, is_open_by_nature, is_public, opens_account
from stopper.core.refusing_views import only_refuses
from stopper.core.rule import Hit, Rule
from stopper.core.seeming_guards import is_seemingly_guarded
from stopper.core.spec_document import shape
from stopper.core.values import Call, Constant, Item, Mapping, Member, Parameter, Value, text_of, walk
from stopper.core.view_functions import FunctionIndex, index_of

_SENT: Final = ("POST", "PUT", "PATCH")
_FORGOTTEN: Final = re.compile(r"(?i)[._](?:forgot(?:ten)?_?(?:password|mail|pw)?|(?:reset|recover)_?password)$")
"""What is called when somebody has no password to show."""
_INTERNAL: Final = re.compile(r"(?i)(^|[/_-])(admin|internal|staff|audit|backup|payroll)([/_-]|$)")
_PRIVATE: Final = re.compile(
    r"(?i)(^|[/_-])(users?|accounts?|customers?|members?|employees?|patients?|orders?|invoices?|payments?|billing|transactions?|salaries)([/_.-]|$)"
)
_READS: Final = re.compile(
    r"(?!flask\.).*\.(all|first|first_or_404|get_or_404|one|one_or_none|find|find_one|find_all|fetchall|fetchone|execute|scalars?|filter_by|"
    r"filter|paginate|select|items|values|to_dict|to_json|dump|serialize|query|query\.(limit|order_by|yield_per))$"
)
_FETCHES: Final = re.compile(
    r"(?!flask\.)(?:.*\.)?(?:hgetall|lrange|smembers|zrange|scan_iter|mget|aggregate|find_many|list_\w+|get_all\w*|fetch_\w+|load_\w+)"
)
_BUSINESS: Final = re.compile(
    r"(?i)(^|[/_-])(revenue|sales|earnings|finances?|financials?|reports?|reporting|analytics|statistics|dashboard|logs?|usage|leads|deals|stock|forecasts?|margins?|exports?|loans?|bookings?|appointments?|reservations?|tickets?|contracts?)([/_.-]|$)"
)
_PICTURE: Final = re.compile(r"(?i)avatar|photo|image|picture|thumb|logo|icon|preview|qr")
_EXPORT: Final = re.compile(r"(?i)(?:export|dump|download|backup|full|all)(?:[._-]\w+)*|\w+[._](?:csv|xlsx?|json|xml)")
"""The last part of a path behind which lies all of what the path before it lists."""
_MANY: Final = 6
_MANAGERS: Final = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})


def detect(app: App) -> Iterator[Hit]:
    """Routes that the reader knows to be open, in an application that guards others, and that change or serve people's data."""
    facts = source_of(app)
    guarded = any(is_seemingly_guarded(access) for route in app.routes for access in route.access.values())
    idle = guarded or has_idle_guard(facts) or marks_views(facts)
    if not (idle or lets_in_for_nothing(facts)) or _guards_out_of_sight(facts):
        return
    index = index_of(facts)
    published = _published(app)
    forgotten = _is_forgotten(app)
    understood = frozenset(
        guard.name
        for route in app.routes
        for access in route.access.values()
        for guard in access.guards
        if guard.stops and guard.kind == "before_request"
    )
    for route in app.routes:
        if is_public(route) or is_open_by_nature(route) or declared_public(app, route):
            continue
        if is_kept_inside(facts, route.path):
            continue
        shown: Hit | None = None
        for method in route.methods:
            access = route.access.get(method)
            if access is None or method in ("HEAD", "OPTIONS"):
                continue
            own = list(index.of_view(route.view, route.span, method))
            exempted = access.state == "unknown" and is_exempted(own, route)
            if access.state != "open" and not exempted:
                continue
            if own and all(only_refuses(facts, one.name) for one in own):
                continue
            asks = not exempted and asks_somebody(index, route, own, understood)
            if asks or _is_of_registration(index, route, method, own):
                continue
            if any(_FORGOTTEN.search(name) for name in index.calling([one.name for one in own], 1)):
                continue
            what = _harm(index, route, method, own, published)
            exports = what is None and method == "GET" and _exports_guarded(app, route)
            if what is None and (forgotten or exports) and method == "GET" and _reads_kept(index, own):
                if _BUSINESS.search(route.path) or exports:
                    what = "gives away what is kept of people or for the staff"
                elif _is_below_guarded(app, route):
                    what = "gives away what lies below a thing that is not shown to everybody"
            if what is not None:
                message = f"nothing asks who is calling {method} {route.path}, and it {what}"
                hit = Hit(message, _place(route, own, method), RouteRef(method, route.path))
                if method != "GET":
                    yield hit
                    break
                # Much is shown to everybody on purpose; what changes something seldom is open so.
                shown = replace(hit, certainty="possible", severity="low")
        else:
            if shown is not None and idle:
                yield shown


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


def _published(app: App) -> bool:
    """That what is told of people is for everybody here: many routes that show it are open, and few are not."""
    shown = [
        route.access["GET"].state
        for route in app.routes
        if "GET" in route.access and _PRIVATE.search(route.path) and not _INTERNAL.search(route.path)
    ]
    return shown.count("open") >= _MANY and shown.count("open") > 2 * shown.count("guarded")


def _harm(index: FunctionIndex, route: Route, method: str, own: SequenceType[Function], published: bool) -> str | None:
    """What an anonymous caller gets out of it, or None where the source does not say."""
    facts = index.facts
    functions = [name for name in index.calling([function.name for function in own], 1) if not _only_opens(facts, name)]
    if method in ("PUT", "PATCH", "DELETE"):
        return "changes data"
    if method == "POST":
        changes = any(writes(facts, name) for name in functions) or answers_graphql(facts, own)
        return "changes data" if changes or hands_on(facts, {name for name, _ in route.parameters}, own) else None
    if any(_serves_people(facts, name) for name in functions) or serves_somebody(facts, route, own):
        return "gives away people's data"
    calls = [call.callee for name in functions for call in facts.calls_in(name)]
    is_page = any(callee.startswith("flask.render_template") for callee in calls)
    if any(map(_READS.fullmatch, calls)) and (
        _INTERNAL.search(route.path) or (_PRIVATE.search(route.path) and not is_page and not published)
    ):
        return "gives away what is kept of people or for the staff"
    return None


def _only_opens(facts: SourceFacts, name: str) -> bool:
    """A context manager, such as one that opens a connection and commits at the end: what happens in it is what its user does."""
    function = facts.function(name)
    return function is not None and any(one.name in _MANAGERS for one in function.decorators)


def _is_forgotten(app: App) -> bool:
    """That a route without a guard is the exception here: all others that are not public by their nature have one."""
    states = [
        access.state
        for route in app.routes
        if not is_public(route) and not is_open_by_nature(route)
        for method, access in route.access.items()
        if method not in ("HEAD", "OPTIONS")
    ]
    return 0 < 2 * states.count("open") <= states.count("guarded")


def _reads_kept(index: FunctionIndex, own: SequenceType[Function]) -> bool:
    """That it reads what is kept."""
    names = index.calling([function.name for function in own], 1)
    calls = [call.callee for name in names for call in index.facts.calls_in(name)]
    return any(_READS.fullmatch(one) or _FETCHES.fullmatch(one) for one in calls)


def _is_below_guarded(app: App, route: Route) -> bool:
    """``/trucks/{id}/trips``, where whoever asks for ``/trucks/{id}`` must say who he is. Pictures are asked for by tags, without a token."""
    path = shape(route.path)
    return _PICTURE.search(path) is None and any(
        above.endswith("}") and path.startswith(f"{above}/") for above in _guarded_readings(app, route)
    )


def _exports_guarded(app: App, route: Route) -> bool:
    """``/trucks/export.csv``, where whoever asks for ``/trucks`` must say who he is."""
    collection, _, last = shape(route.path).rpartition("/")
    return _EXPORT.fullmatch(last) is not None and collection in _guarded_readings(app, route)


def _guarded_readings(app: App, route: Route) -> list[str]:
    return [
        shape(other.path).rstrip("/")
        for other in app.routes
        if other is not route and (access := other.access.get("GET")) is not None and access.state == "guarded"
    ]


def _serves_people(facts: SourceFacts, function: str) -> bool:
    """The function reads or returns members, attributes or columns that hold people's data."""
    values: list[Value] = [
        *facts.calls_in(function),
        *(found.value for found in facts.returns_of(function)),
    ]
    return any(_names_people(part) for value in values for part in walk(value))


def _names_people(part: Value) -> bool:
    match part:
        case Mapping():
            return any(is_personal(name) for name in part.keys())  # noqa: SIM118
        case Member(
            owner=Call(callee="urllib.parse.urlparse" | "urllib.parse.urlsplit" | "sqlalchemy.engine.make_url")
        ):
            return False  # the password of a server's address
        case Member(attribute=attribute):
            return is_personal(attribute)
        case Item(key=key):
            return is_personal(text_of(key) or "")
        case Constant(value=str(text)) if re.match(r"(?i)\s*select\s", text):
            return mentions_personal(text)
        case _:
            return False


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
        if of_people := [*(one for one in changed if _PRIVATE.search(one.ref.path)), *shown]:
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
    if _describes_an_api(anonymous):
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


def _describes_an_api(anonymous: Exchange) -> bool:
    """An OpenAPI document names fields of people and holds nobody's data."""
    said = anonymous.response.json()
    return isinstance(said, dict) and bool({"openapi", "swagger"} & cast("dict[str, object]", said).keys())


def _people_data(target: Target, request: Request, anonymous: Exchange) -> bool:
    """Data of people that the request itself did not bring along."""
    said = anonymous.response.json()
    brought = addresses_in(request.target + request.body.decode("utf-8", "replace"))
    given = addresses_in(anonymous.response.text) - brought
    subjects = {person.subject.lower() for person in target.identities if person.subject}
    if given & subjects or shows_account(target, anonymous):
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
    return failed(message, [one.ref for one in found], evidence)


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
