"""A link to the real site ends, after the log-in, at a copy of it that asks for the password again."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode, urlsplit

from stopper.core.answers.response_headers import SetHeader, headers_set
from stopper.core.answers.sent_on import sent_on
from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.checked_input import is_checked
from stopper.core.flow.read_parts import Origin, is_of_a_thing, origins, without_fallback
from stopper.core.flow.stations import stations
from stopper.core.labels import LabelKind
from stopper.core.outgoing.asked_host import beginning_of_setting
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.accounts.login import entered, login_requests, login_routes
from stopper.core.probing.baseline import attempt
from stopper.core.probing.inputs import members
from stopper.core.probing.query import WANTING, with_query, with_the_rest
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Format,
    Item,
    Mapping,
    Name,
    Parameter,
    Sequence,
    Unknown,
    Value,
    options,
    text_of,
    walk,
)

_KINDS: Final[tuple[LabelKind, ...]] = ("query-string", "request-data", "cookie")
_FIXED: Final = re.compile(r"/(?![/\\]).+|[\w.-]+/.*|[a-zA-Z][\w+.-]*://[^/?#]+[/?#].*|\?.*", re.DOTALL)
"""A beginning after which no other host can be named."""
_HERE: Final = frozenset(f"flask.request.{part}" for part in ("url", "base_url", "url_root", "host_url", "script_root"))
_WRITES_ANEW: Final = frozenset(
    {"werkzeug.urls.iri_to_uri", "werkzeug.urls.uri_to_iri", "werkzeug.urls.url_fix", "str"}
)
_NAMES: Final = re.compile(
    r"(?i)^(next|redirect\w*|return\w*|url|uri|continue|dest|destination|target|goto|to|back|forward|callback|success_url|u|r)$"
)
_USUAL: Final = ("next", "redirect", "return_to", "url")
_DOORS: Final = re.compile(
    r"(?i)(log-?in|log-?out|sign-?in|sign-?out|auth|redirect|goto|go|out|continue|callback|sso|switch|lang\w*)/?$"
)
FEW: Final = 3
"""Names of a query that are all tried."""
_ROUTES: Final = {"quick": 8, "standard": 16, "deep": 40}


def detect(app: App) -> Iterator[Hit]:
    """An address from the request that a redirect goes to, unless something asks where it leads."""
    facts = source_of(app)
    told: set[object] = set()
    for flow in facts.flows("redirect", label=_KINDS):
        maker = flow.value.callee if isinstance(flow.value, Call) else ""
        if maker in told:
            continue  # another view is sent on by what the same function made
        # one parameter of the view's address, or one member of what is sent, is one cause, at however many ends of the view it is used
        said = (part.parameter for part in walk(flow.value, 3) if isinstance(part, Parameter))
        sent = frozenset(one for one in origins(flow.value) if one[0] == "read")
        given = next(((flow.function, word) for word in said), (flow.function, sent) if sent else None)
        if given in told:
            continue
        if _leads_away(facts, flow.value) and not _is_held(facts, flow.value, flow.function):
            told |= {maker} if facts.function(maker) is not None else set()
            told |= {given} if given is not None else set()
            yield Hit("the redirect goes wherever the request says", flow.span)
    for flow in facts.flows("response-header", label=_KINDS):
        place = flow.value if flow.detail.lower() == "location" else _location_of(flow)
        if place is not None and _leads_away(facts, place) and not is_checked(facts, place, flow.function):
            yield Hit("the redirect goes wherever the request says", flow.span)
    for one in sent_on(facts):
        if _goes(facts, one.value, one.function):
            yield Hit("the redirect goes wherever the request says", one.span)
    yield from _kept_for_later(facts)


def _goes(facts: SourceFacts, place: Value, function: str) -> bool:
    return facts.derives(place, *_KINDS) and _leads_away(facts, place) and not _is_held(facts, place, function)


def _location_of(flow: Flow) -> Value | None:
    """``Response(status=303, headers={"Location": …})``; a ``Location`` beside a 201 sends nobody on."""
    if not flow.detail.startswith("flask.") or not isinstance(flow.value, Mapping):
        return None
    return next((value for key, value in flow.value.items if (text_of(key) or "").lower() == "location"), None)


def _kept_for_later(facts: SourceFacts) -> Iterator[Hit]:
    """An address that one request leaves in the session, and that another one is sent on to."""
    kept = [
        (flow.detail, flow.function)
        for flow in facts.flows("session", label=_KINDS)
        if _leads_away(facts, flow.value) and not _is_held(facts, flow.value, flow.function)
    ]
    keys = {key for key, _ in kept}
    once = {key for key, places in Counter(key for key, _ in set(kept)).items() if places == 1}  # one check ends all
    told: set[str | None] = set()
    found: tuple[Flow | SetHeader, ...] = (*facts.flows("redirect"), *headers_set(facts, "Location")) if keys else ()
    for one in found:
        asked = {text_of(part.key) for part in options(one.value) if _is_session(part, keys) and isinstance(part, Item)}
        if asked - told and not _is_held(facts, one.value, one.function):
            told |= asked & once
            yield Hit("the redirect goes where an earlier request said", one.span)


def _is_session(value: Value, keys: set[str]) -> bool:
    return (
        isinstance(value, Item)
        and isinstance(value.owner, Name)
        and value.owner.dotted == "flask.session"
        and text_of(value.key) in keys
    )


def _is_held(facts: SourceFacts, value: Value, function: str, depth: int = 2) -> bool:
    """That the address is asked about here, or, where it is passed in, by everybody who passes one of a request."""
    value = without_fallback(facts, value, *_KINDS)
    if is_checked(facts, value, function) or _is_kept_here(facts, value, function):
        return True
    pieces = [piece for one in options(value) for piece in (_flat(one) if isinstance(one, Format) else (one,))]
    passed = [one for one in pieces if isinstance(one, Parameter) and one.function == function]
    if len(passed) != 1 or not depth:
        return False
    given = [
        (argument, call.function)
        for call in facts.calls(function)
        if (argument := call.argument(passed[0].index, passed[0].parameter)) is not None
        and facts.derives(argument, *_KINDS)
    ]
    return bool(given) and all(_is_held(facts, argument, caller, depth - 1) for argument, caller in given)


def _leads_away(facts: SourceFacts, value: Value) -> bool:
    """That the tainted part stands where the host is named."""
    for one in map(_written, options(value)):
        if isinstance(one, Choice) or is_of_a_thing(facts, one) or not facts.derives(one, *_KINDS):
            continue
        if (isinstance(one, Format) and _host_is_ours(facts, one)) or _only_query_is_new(facts, one):
            continue
        start = _start(facts, one)
        if start == "/" and not _names_host_next(facts, one):
            continue
        if start is None or not _FIXED.fullmatch(start):
            return True
    return False


def _names_host_next(facts: SourceFacts, value: Value) -> bool:
    """``"/" + page``: where *page* begins with ``/`` too, a host follows. A word of a path holds none, nor does ``page.lstrip("/")``."""
    parts = list(_flat(value)) if isinstance(value, Format) else []
    if len(parts) < 2 or text_of(parts[0]) != "/":
        return False
    after = parts[1]
    if isinstance(after, Call) and after.method == "lstrip" and "/" in (text_of(after.argument(0)) or ""):
        return False
    kinds = {label.kind for label in facts.labels(parts[1])}
    return bool(kinds & {"query-string", "request-data", "cookie"}) and "path-parameter" not in kinds


def _written(value: Value) -> Value:
    """The address inside ``iri_to_uri(address)``, which writes the same in another way."""
    while isinstance(value, Call) and value.callee in _WRITES_ANEW and len(value.args) == 1:
        value = value.args[0]
    return value


def _host_is_ours(facts: SourceFacts, address: Format) -> bool:
    """``f"{settings.FRONT}/done?id={number}"``: the path begins before what the caller wrote."""
    for place, part in enumerate(_flat(address)):
        if place and ((text_of(part) or "")[:1] in ("/", "?", "#") or _is_own_path(part)):
            return True
        if facts.derives(part, *_KINDS):
            return False
    return False


def _only_query_is_new(facts: SourceFacts, value: Value) -> bool:
    """``with_query(kept, reason=text)`` of the project, which takes an address apart and puts it together again: where it leads, the
    address says that it is handed."""
    if not isinstance(value, Call):
        return False
    joined = [one.value for one in facts.returns_of(value.callee)] or [value]
    return all(_leads_where_it_led(facts, one, value) for one in joined)


def _leads_where_it_led(facts: SourceFacts, joined: Value, call: Call) -> bool:
    """That scheme, host and path of ``urlunsplit((…))`` come from an address which the caller did not write."""
    if not isinstance(joined, Call) or joined.method not in ("urlunsplit", "urlunparse") or not joined.args:
        return False
    pieces = joined.args[0]
    if not isinstance(pieces, Sequence) or len(pieces.items) < len(("scheme", "host", "path", "query")):
        return False
    inside = [part for piece in pieces.items[:3] for part in walk(piece, 4)]
    split = [part for part in inside if isinstance(part, Call) and part.method in ("urlsplit", "urlparse")]
    handed = [part for part in inside if isinstance(part, Parameter)]
    given = [call.argument(part.index if part.index >= 0 else None, part.parameter) for part in handed]
    given += [*pieces.items[:3], *(one for part in split for one in part.args[:1])]
    own = [one for one in given if not isinstance(one, Parameter)]
    return bool(split) and not any(facts.derives(one, *_KINDS) for one in own)


def _flat(address: Format, depth: int = 6) -> Iterator[Value]:
    for part in address.parts:
        if isinstance(part, Format) and depth:
            yield from _flat(part, depth - 1)
        else:
            yield part


def _is_own_path(value: Value) -> bool:
    """The path that was asked: it begins with ``/``."""
    return isinstance(value, Name) and value.dotted in ("flask.request.path", "flask.request.full_path")


def _start(facts: SourceFacts, value: Value) -> str | None:
    """The fixed text that the address begins with, or what a setting holds where nobody says it otherwise."""
    if isinstance(value, (Format, Unknown)) and value.parts:
        first = value.parts[0]
        while isinstance(first, (Format, Unknown)) and first.parts:
            first = first.parts[0]
        return "/" if _is_here(first) else beginning_of_setting(facts, first) or text_of(first)
    if isinstance(value, Call) and value.callee == "urllib.parse.urljoin":
        return None
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else None


def _is_here(value: Value) -> bool:
    """An address of this application: what ``url_for`` gives, or the one that was asked, or a beginning of it."""
    while isinstance(value, Item):
        value = value.owner
    if isinstance(value, Call):
        return value.callee == "flask.url_for"
    return isinstance(value, Name) and value.dotted in _HERE


def _is_kept_here(facts: SourceFacts, value: Value, function: str) -> bool:
    """That both ``/`` and ``//`` (or a backslash) are asked for: the first alone lets ``//elsewhere`` through."""
    return any(
        "/" in asked and bool(asked & {"//", "/\\"})
        for where, mine in stations(facts, value, function)
        for asked in [_beginnings(facts, where, mine)]
    )


def _beginnings(facts: SourceFacts, function: str, mine: frozenset[Origin]) -> set[str | None]:
    asked = [
        call.argument(0)
        for call in facts.calls_in(function)
        if call.method == "startswith" and call.receiver is not None and mine & origins(call.receiver)
    ]
    return {text_of(one) for given in asked for one in (given.items if isinstance(given, Sequence) else (given,))}


# -- on the wire -----------------------------------------------------------------------------------------------------------------


def probe(target: Target) -> Steps[Verdict]:
    """Ask the routes that read an address, and the log-in, to go to a host that is nobody's."""
    host = f"{target.canary}.example"
    tried = 0
    for route in _likely(target):
        for name in _names_of(route):
            tried += 1
            evidence = yield from attempt(_away(target.request_for(route, "GET"), name, host, route.names))
            if evidence:
                ref = RouteRef("GET", route.path)
                return failed(f"{ref} redirects to any host that {name} names", [ref], evidence)
    found = yield from attempt(_after_login(target, host))
    if found is not None:
        return found
    if not tried:
        return not_applicable("no route that redirects is in reach")
    return passed("no route redirects to a host that the request names")


def _likely(target: Target) -> list[Route]:
    routes = [route for route in target.app.routes if "GET" in route.methods and not route.parameters]
    named = [route for route in routes if any(_NAMES.match(name) for name in route.names)]
    doors = [route for route in routes if route not in named and _DOORS.search(route.path)]
    others = [route for route in routes if route not in (*named, *doors) and 1 <= len(route.names) <= FEW]
    return [*named, *doors, *others][: _ROUTES[target.depth]]


def _names_of(route: Route) -> list[str]:
    """The names that may hold an address: by their own name; of a route that reads few, all of them."""
    plain = list(route.names) if len(route.names) <= FEW else []
    return [name for name in route.names if _NAMES.match(name)] or plain or list(_USUAL)


def _away(request: Request, name: str, host: str, names: Iterable[str] = ()) -> Steps[list[Evidence]]:
    """The evidence that the answer sends to *host*; empty when it does not. Where all of *names* are wanted they are sent."""
    for value in (f"https://{host}/", f"//{host}/"):
        answer = yield from send(_with(request, name, value))
        if answer.response.status in WANTING and len(whole := frozenset(names)) > 1:
            request = with_the_rest(request, whole)
            answer = yield from send(_with(request, name, value))
        if _goes_to(answer.response, host):
            here = yield from send(_with(request, name, "/"))
            return _evidence(here, answer)
        if not 300 <= answer.response.status < 400:
            return []
    return []


def _with(request: Request, name: str, value: str) -> Request:
    return with_query(request, name, value)


def _evidence(here: Exchange, away: Exchange) -> list[Evidence]:
    return [
        Evidence("exchange", "control: with a path of its own the answer stays here", here),
        Evidence("exchange", "with another host in its place the answer sends there", away),
    ]


def _goes_to(response: Response, host: str) -> bool:
    if response.status not in (301, 302, 303, 307, 308):
        return False
    try:
        return urlsplit((response.header("Location") or "").replace("\\", "/")).hostname == host
    except ValueError:
        return False


def _after_login(target: Target, host: str) -> Steps[Verdict | None]:
    """The log-in with an account that the scan knows, and an address in its query and in its form."""
    person = next((one for one in target.identities if one.subject and one.password and not one.minted), None)
    if person is None or person.subject is None or person.password is None:
        return None
    came = yield from entered(target, person)
    for route in login_routes(target)[:2]:
        ways = list(login_requests(target, route, person.subject, person.password.reveal()))[:2]
        if came is not None and came[0].path == route.path:
            if came[1].response.content_type.endswith("json"):
                continue  # a log-in for programs answers them and sends nobody on
            ways = [came[1].request]  # what let somebody in is what the route reads
        for request in ways:
            for name in _names_at(target, route.path)[:2]:
                here = yield from send(_in_both(request, name, "/"))
                if not 300 <= here.response.status < 400:
                    break
                away = yield from send(_in_both(request, name, f"https://{host}/"))
                if _goes_to(away.response, host):
                    ref = RouteRef("POST", route.path)
                    return failed(f"{ref} redirects to any host that {name} names", [ref], _evidence(here, away))
    return None


def _names_at(target: Target, path: str) -> list[str]:
    """The names that a link to the log-in has for where somebody is sent on to; the usual ones where none has any."""
    said = [name for one in target.app.routes if one.path == path for name in one.names if _NAMES.match(name)]
    return list(dict.fromkeys(said)) or list(_USUAL)


def _in_both(request: Request, name: str, value: str) -> Request:
    asked = with_query(request, name, value)
    if "form" in (request.header("Content-Type") or "") and not members(request):
        return replace(asked, body=request.body + b"&" + urlencode({name: value}).encode())
    return asked


RULE = Rule(
    slug="open-redirect",
    family="injection",
    title="Redirect to any address in the request",
    harm=__doc__ or "",
    severity="medium",
    check="input-validation",
    cwe=(601,),
    owasp="API8:2023",
    asvs=("V3.7.2",),
    surfaces=("source", "wsgi", "http"),
    ends="`stopper serve` redirects nobody anywhere.",
    detect=detect,
    probe=probe,
)
