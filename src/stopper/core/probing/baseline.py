"""The three controls that a probe stands on: a good credential passes, no credential is refused, nonsense is refused.

A route that answers all three alike is public, not bypassed. What a varied request came to is judged by its answer's content,
held against these three answers; the status alone decides nothing.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal, TypeVar, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.login_names import LOGOUT
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Skipped, Steps, Target, send
from stopper.core.probing.shared import found_once
from stopper.core.secret import Secret

NONSENSE: Final = "stopper.is-not-a.credential"
"""Stands where a token would; no server can have issued it and no library can read it."""

T = TypeVar("T")
Judgement = Literal["let-in", "kept-out", "unclear"]
Kind = Literal["protected", "public", "presence-only", "unclear"]

TRIES: Final = {"quick": 12, "standard": 30, "deep": 100}
"""How many route-methods a search for a protected route may try, by the scan's depth."""
ROOMY: Final = 50
"""Route-methods of an API that the usual budget has room for; of a larger one a search tries fewer, but half at least."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """One route-method under the three controls. ``request`` carries no credential; ``nonsense`` is None where it was not needed."""

    route: Route
    identity: Identity
    request: Request
    accepted: Exchange
    anonymous: Exchange
    nonsense: Exchange | None = None

    @property
    def ref(self) -> RouteRef:
        """The route-method as a report names it."""
        return RouteRef(self.request.method, self.route.path)

    @property
    def kind(self) -> Kind:
        """``protected`` when only the good credential passes; ``presence-only`` when nonsense passes and nothing does not."""
        good = self.accepted.response
        if not good.succeeded or good.error:
            return "unclear"
        if same(good, self.anonymous.response):
            return "public"
        if self.anonymous.response.error or alike(good, self.anonymous.response):
            return "unclear"
        if self.nonsense is None or self.nonsense.response.error:
            return "unclear"
        return "presence-only" if alike(good, self.nonsense.response) else "protected"


def says_nothing(response: Response) -> bool:
    """No answer in time, a limit, or a gateway whose server is away: none of them is about what was sent."""
    return bool(response.error) or response.status in (0, 429, 502, 503, 504)


def judge(baseline: Baseline, response: Response) -> Judgement:
    """Whether *response* is the answer of somebody who was let in, held against the three controls."""
    if response.error or response.truncated or response.status >= 500:
        return "unclear"
    good = baseline.accepted.response
    bad = [exchange.response for exchange in (baseline.anonymous, baseline.nonsense) if exchange is not None]
    if any(same(response, refusal) for refusal in bad):
        return "kept-out"
    if same(response, good):
        return "let-in"
    if response.refused or 400 <= response.status < 500:
        return "kept-out"
    return "let-in" if alike(response, good) and not any(alike(response, refusal) for refusal in bad) else "unclear"


def same(first: Response, second: Response) -> bool:
    """Whether both answers say the same, but for times, ids and tokens that change with every answer."""
    return first.status == second.status and steady(first.text) == steady(second.text)


def same_but_for_the_caller(first: Response, second: Response) -> bool:
    """Whether both answers say the same, but for members that name who asks (``requested_by``) or the request itself."""
    if same(first, second):
        return True
    left, right = first.json(), second.json()
    if first.status != second.status or not isinstance(left, dict) or not isinstance(right, dict):
        return False
    plain = [
        {name: value for name, value in whole.items() if not _OF_THE_CALL.fullmatch(name)}
        for whole in (cast("dict[str, object]", left), cast("dict[str, object]", right))
    ]
    return bool(plain[0]) and steady(json.dumps(plain[0], sort_keys=True)) == steady(
        json.dumps(plain[1], sort_keys=True)
    )


_OF_THE_CALL: Final = re.compile(
    r"(?i)(requested|accessed|viewed|fetched|authenticated|logged_?in|called|queried|generated|served|retrieved)_?(by|as|at|on|for)(_?(user|username|id|user_?id|role|email|name))?|"
    r"(current|requesting|calling|auth|authenticated|logged_?in|your)_?(user|user_?id|username|id|name|role|email)|viewer\w*|you|caller\w*|requester\w*|actor\w*|"
    r"(request|trace|correlation)_?id|timestamp|server_?time|nonce"
)
"""Members that say who asks, or when."""


def alike(first: Response, second: Response) -> bool:
    """Whether both answers have one status and one form: the same JSON members, or the same opening of a page."""
    if first.status != second.status or first.content_type != second.content_type:
        return False
    if same(first, second):
        return True
    left, right = first.json(), second.json()
    if left is not None and right is not None:
        return form(left) == form(right) != _SCALAR
    tags = _tags(first.text)
    return bool(tags) and tags == _tags(second.text)


def form(value: object, depth: int = 6) -> object:
    """The form of a JSON value without its values: member names, nested; a list is the set of its items' forms."""
    if depth == 0:
        return "…"
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return tuple((name, form(members[name], depth - 1)) for name in sorted(members))
    if isinstance(value, list):
        return frozenset(form(item, depth - 1) for item in cast("list[object]", value)[:20])
    return _SCALAR


_SCALAR: Final = "·"
_CHANGING: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"  # ISO 8601
    r"|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"  # RFC 9110 §5.6.7, Flask's JSON form of a datetime
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"  # UUID
    r"|[A-Za-z0-9_-]{24,}(?:\.[A-Za-z0-9_-]{2,})*"  # tokens, hashes, nonces; what itsdangerous signs has its time in the middle
    r"|\d{10,}(?:\.\d+)?"  # seconds since the epoch and finer
)


@lru_cache(maxsize=256)
def steady(text: str) -> str:
    """*text* without the times, ids and tokens that change with every answer."""
    return _CHANGING.sub("~", text)


def _tags(text: str) -> list[str]:
    return re.findall(r"<([A-Za-z][A-Za-z0-9]*)", text)[:40]


def with_token(identity: Identity, token: str) -> Identity:
    """*identity* showing *token* wherever it showed its own; everything else stays, so one thing is varied."""
    own = identity.token.reveal() if identity.token else ""

    def swapped(value: Secret) -> Secret:
        text = value.reveal()
        return Secret(text.replace(own, token) if own and own in text else token)

    headers = tuple((name, swapped(value)) for name, value in identity.headers)
    return Identity(identity.name, headers, Secret(token), identity.subject, minted=identity.minted)


def shown(baseline: Baseline, token: str) -> Request:
    """The baseline's honest request with *token* in place of the good one."""
    return with_token(baseline.identity, token).on(baseline.request)


# What nobody guards because it opens the door, describes the API or serves files: no place to look for a protected route.
_DOORS: Final = re.compile(
    r"(?i)(^|[/_-])(log-?in|sign-?in|log-?out|sign-?out|register|sign-?up|refresh|token|oauth\d?|static|docs?|swagger\w*|redoc|"
    r"openapi\w*|health\w*|ready|live|ping|metrics|favicon|robots|\.well-known)([/_.-]|$)"
)


def is_door(route: Route) -> bool:
    """Whether the route's path says that it lets people in or out, describes the API, or serves files or health."""
    if route.endpoint == "static" or route.endpoint.endswith(".static"):
        return True
    said = _DOORS.search(route.path)
    return said is not None and not (said[2].lower() in ("doc", "docs") and _holds_things(route))


def _holds_things(route: Route) -> bool:
    """``POST /docs``, ``/docs/{number}``: documents that somebody keeps, and no description of the API."""
    return bool(route.parameters) or not {"POST", "PUT", "PATCH", "DELETE"}.isdisjoint(route.methods)


_SHOWS_WHO: Final = re.compile(r"(?i)(^|/)(me|whoami|current[_-]?user|userinfo)/?$")
"""Paths that show who asks, and everybody something else: an empty list would be the same for all."""


def candidates(target: Target, methods: Sequence[str] = ("GET",)) -> Iterator[tuple[Route, str]]:
    """Route-methods worth trying, the likeliest to be protected first; at most as many as the depth allows."""
    yield from every(target, methods)[: tries(target)]


def every(target: Target, methods: Sequence[str] = ("GET",)) -> list[tuple[Route, str]]:
    """All route-methods, the likeliest to be protected first. What logs somebody out is none where the scan is somebody: all that comes after would
    be asked by nobody."""

    def order(pair: tuple[Route, str]) -> tuple[bool, bool, int, bool, str]:
        route, method = pair
        access = route.access.get(method)
        known = bool(route.spec_security) or (access is not None and access.state == "guarded")
        return (not known, is_door(route), len(route.parameters), not _SHOWS_WHO.search(route.path), route.path)

    pairs = [(route, method) for route in target.app.routes for method in methods if method in route.methods]
    pairs = [pair for pair in pairs if not pair[0].endpoint.endswith("static")]
    if target.identities:
        pairs = [pair for pair in pairs if not LOGOUT.search(pair[0].path)]
    return sorted(pairs, key=order)


def tries(target: Target) -> int:
    """How many route-methods a search may try: fewer of a large API, because every probe shares one budget of requests."""
    most, size = TRIES[target.depth], sum(len(route.refs()) for route in target.app.routes)
    return most if target.depth == "deep" or size <= ROOMY else max(most // 2, most * ROOMY // size)


def bearers(target: Target) -> tuple[Identity, ...]:
    """The identities that show a token, those whom the server itself gave it first. Who is kept by a cookie and was handed a token as well shows
    that alone."""
    holders = [_showing(identity) for identity in target.identities if identity.token is not None]
    return tuple(sorted(holders, key=lambda identity: identity.minted))


def _showing(identity: Identity) -> Identity:
    own = identity.token.reveal() if identity.token is not None else ""
    if not identity.headers or any(own in value.reveal() for _, value in identity.headers):
        return identity
    return replace(identity, headers=(("Authorization", Secret(f"Bearer {own}")),))


_ENDS: Final = re.compile(r"(?i)log-?_?(out|off)|sign-?_?out|delete|remove|revoke|deactivate")
"""What sends everybody on, and takes something from a known caller before."""


_CLOSED: Final = "closed to nobody:"


def answered(target: Target, request: Request) -> Steps[Exchange]:
    """The answer to nobody; where nobody is refused and the scan can be somebody, the answer to the first of them. A guard that breaks for want
    of a credential refuses too, and so does one that sends nobody to a place where a known caller is not sent."""
    door = f"{_CLOSED} {request.method} {request.target.partition('?')[0]}"
    if target.identities and door in target.notes:
        return (yield from send(target.identities[0].on(request)))
    exchange = yield from send(request)
    said = exchange.response
    if said.status in (401, 403) and request.method != "GET" and request.effect != "login":
        target.notes[door] = True  # a change that nobody may make is asked for as somebody from now on
    moved = said.status in (302, 303, 307) and not said.refused and not _ENDS.search(request.target)
    if target.identities and (said.refused or moved or said.status == 500):
        own = yield from send(target.identities[0].on(request))
        elsewhere = own.response.header("Location") != said.header("Location")
        if said.refused or (own.response.status < 500 and (not moved or (elsewhere and own.response.status < 400))):
            return own
    return exchange


def attempt(steps: Steps[T]) -> Steps[T | None]:
    """What *steps* come to, or None where the scan may not send one of their requests: the next route may still tell.

    A used-up budget and a stopped scan still end the probe: what was not asked must not look like a pass.
    """
    try:
        return (yield from steps)
    except Skipped as skipped:
        if "--max-requests" in str(skipped) or "stopped" in str(skipped):
            raise
        return None


def first_failed(ways: Iterable[Steps[Verdict | None]]) -> Steps[Verdict | None]:
    """The first failure among what these come to, else the last verdict; None where none has one."""
    verdict: Verdict | None = None
    for steps in ways:
        told = yield from attempt(steps)
        verdict = told or verdict
        if told is not None and told.outcome == "fail":
            break
    return verdict


def beyond(steps: Steps[T], proven: object) -> Steps[T | None]:
    """What *steps* come to beside something that is *proven* already: a budget that ends under them takes nothing from that."""
    try:
        return (yield from attempt(steps))
    except Skipped:
        if not proven:
            raise
        return None


def establish(target: Target, route: Route, method: str, identity: Identity) -> Steps[Baseline]:
    """Send the controls for one route-method: the honest one, nobody's, and nonsense where the second left it open."""
    request = target.request_for(route, method)
    accepted = yield from send(identity.on(request))
    anonymous = yield from send(request)
    nonsense = None
    baseline = Baseline(route, identity, request, accepted, anonymous)
    if accepted.response.succeeded and baseline.kind != "public":
        nonsense = yield from send(with_token(identity, NONSENSE).on(request))
    return Baseline(route, identity, request, accepted, anonymous, nonsense)


def protected(target: Target, kinds: Sequence[Kind] = ("protected",)) -> Steps[Baseline | None]:
    """The first route that only a good credential passes, fresh for the caller; None when there is none in reach.

    The search is done once a scan and kept in ``target.notes``; the good credential is shown again each time, because a
    probe in between may have ended it.
    """
    asked = list[bool]()

    def search() -> Steps[list[Baseline]]:
        asked.append(True)
        return _search(target)

    known = yield from found_once(target, "baselines", search)
    if asked:
        return next((found for found in known if found.kind in kinds), None)
    for found in known:
        if found.kind in kinds:
            again = yield from send(found.identity.on(found.request))
            if again.response.succeeded and alike(again.response, found.accepted.response):
                return Baseline(found.route, found.identity, found.request, again, found.anonymous, found.nonsense)
    return None


def _search(target: Target) -> Steps[list[Baseline]]:
    found: list[Baseline] = []
    others = [identity for identity in target.identities if identity.token is None and identity.headers]
    for identity in [*bearers(target), *others][:2]:
        for route, method in candidates(target):
            baseline = yield from attempt(establish(target, route, method, identity))
            if baseline is None:
                continue
            if baseline.kind in ("protected", "presence-only"):
                found.append(baseline)
            if baseline.kind == "protected":
                return sorted(found, key=lambda one: one.kind != "protected")
    return found


def controls(baseline: Baseline) -> tuple[Evidence, ...]:
    """The three controls as evidence, in the order in which a reader wants them."""
    parts = [
        Evidence("exchange", f"control: {baseline.identity.name}'s own credential is accepted", baseline.accepted),
        Evidence("exchange", "control: without a credential the request is refused", baseline.anonymous),
    ]
    if baseline.nonsense is not None and baseline.kind == "protected":
        parts.append(Evidence("exchange", "control: nonsense as a credential is refused", baseline.nonsense))
    return tuple(parts)
