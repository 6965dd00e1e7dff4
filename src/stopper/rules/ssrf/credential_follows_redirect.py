"""The other side, or whoever can answer for it, sends the key to a host of its choice."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import App
from stopper.core.edits.call_edits import passing
from stopper.core.fact import Assignment, Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.checked_input import is_checked
from stopper.core.flow.followed_values import through
from stopper.core.flow.passing import callers, given
from stopper.core.keys.api_key_names import is_key_name
from stopper.core.labels import UNTRUSTED
from stopper.core.outgoing.asked_host import openings, spelled
from stopper.core.outgoing.held_headers import CLIENTS, headers_of, mappings
from stopper.core.outgoing.outbound_names import asks_this_machine
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    NAMED,
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Parameter,
    Sequence,
    Unknown,
    Value,
    is_constant,
    literals,
    may_be,
    text_of,
    walk,
)

_SEVERAL: Final = 3
"""So many calls of one client are one finding."""
REDIRECTS: Final = "the key goes along when the other side redirects"
ANYWHERE: Final = "a credential is sent to a host that the caller chooses"
_CALLS: Final = re.compile(r"requests(?:\.Session)?\.(?:get|post|put|patch|delete|options|request)")
_HTTPX: Final = re.compile(r"httpx(?:\.(?:Client|AsyncClient))?\.(?:get|post|put|patch|delete|request|stream|send)")
_CLIENT: Final = re.compile(r"httpx\.(?:Client|AsyncClient)")
_TOKEN: Final = re.compile(
    r"(?i)(?:x-)?(?:[\w-]+-)?(?:token|secret|signature-key|auth)$|^x-auth[\w-]*$|^private-token$|^cookie$"
)


def detect(app: App) -> Iterator[Hit]:
    """Credentials in headers that a client keeps on a redirect, and any credential beside a caller's address."""
    facts = source_of(app)
    seen: set[tuple[str, int]] = set()
    for flow in facts.flows("outbound-url", label=tuple(sorted(UNTRUSTED)), by_name=False):
        carries = any(
            flow.span == other.span and _names(facts, other.value, ours=True)
            for other in facts.flows("outbound-headers")
        ) or _is_logged_in(facts, flow)
        urls = given(facts, flow.value) if isinstance(flow.value, Parameter) else (flow.value,)
        if (
            carries
            and any(_is_anywhere(facts, one) for url in urls for one in spelled(facts, url))
            and not is_checked(facts, flow.value, flow.function)
        ):
            seen.add((flow.span.path, flow.span.line))
            yield Hit(ANYWHERE, flow.span)
    for one in facts.assignments() if facts.imports("urllib") and not _has_own_opener(facts) else ():
        if one.attribute == "addheaders" and any(map(_is_credential, _paired(one.value))):
            yield Hit(REDIRECTS, one.span)
    by_client: dict[object, list[Hit]] = {}
    for call in _calls(facts):
        if call.span is None or (call.span.path, call.span.line) in seen:
            continue
        seen.add((call.span.path, call.span.line))
        hit = Hit(REDIRECTS, call.span, certainty="certain" if not call.open else "possible")
        by_client.setdefault(_kept_by(facts, call) or call.span, []).append(hit)
    for hits in by_client.values():
        if len(hits) < _SEVERAL:
            yield from hits
        else:
            yield replace(hits[0], message=f"{REDIRECTS}, in {len(hits)} calls of one client")


def _paired(value: Value) -> Iterator[str]:
    """The names in ``opener.addheaders = [("X-API-Key", key)]``."""
    for one in value.items if isinstance(value, Sequence) else ():
        if isinstance(one, Sequence) and one.items and (name := text_of(one.items[0])):
            yield name


def _put_by_auth(facts: SourceFacts, call: Call) -> Iterator[str]:
    """The headers that ``auth=`` of a class of the project puts into each request: ``request.headers["X-Token"] = …``."""
    made = call.keyword("auth")
    for step in ("auth_flow", "sync_auth_flow", "__call__") if isinstance(made, Call) else ():
        for one in facts.assignments_in(f"{made.callee}.{step}") if isinstance(made, Call) else ():
            if one.target == f"[{one.attribute}]" and _is_credential(one.attribute):
                yield one.attribute


def _is_logged_in(facts: SourceFacts, flow: Flow) -> bool:
    """``auth=`` or ``cookies=`` of the call, with something of the settings in it, or a client that was given such, or a header."""
    for call in facts.calls_in(flow.function):
        if call.span != flow.span:
            continue
        given = [value for name, value in call.keywords if name in ("auth", "cookies")]
        client = call.receiver
        if isinstance(client, Call) and client.callee in CLIENTS and client.span is not None:
            given += [value for name, value in client.keywords if name in ("auth", "cookies")]
            given += [one.value for one in facts.assignments_in(client.function) if one.target.endswith(".auth")]
        if any(isinstance(part, (ConfigValue, EnvironmentValue)) for value in given for part in walk(value, 4)):
            return True
        if any(_kept_by_client(facts, one, ours=True) for one in _made(facts, client)):
            return True
    return False


def _calls(facts: SourceFacts) -> Iterator[Call]:
    for call in facts.calls_matching(_CALLS.pattern):
        if not may_be(call.keyword("allow_redirects"), False):
            if _carries_key(facts, call):
                yield call
        elif (told := tuple(_switched_back(facts, call))) and _carries_key(facts, call):
            yield from told
    for call in facts.calls_matching(_HTTPX.pattern):
        client = next(_made(facts, call.receiver), None)
        own = call.keyword("follow_redirects")
        follows = own or (client.keyword("follow_redirects") if client else None)
        if any(is_constant(one, True) for one in literals(follows)) and _carries_key(facts, call):
            yield client if client is not None and own is None else call  # one client, however much it asks
    for call in facts.calls("urllib.request.Request"):
        if _names(facts, call.argument(2, "headers")) and not _has_own_opener(facts):
            yield call


def _switched_back(facts: SourceFacts, call: Call) -> Iterator[Call]:
    """``self._call(url, allow_redirects=True)`` of a method that has ``named.setdefault("allow_redirects", False)`` and hands that on."""
    for name, value in call.keywords:
        if name != "**" or not isinstance(value, Mapping):
            continue
        keys = [text_of(key) for key, _ in value.items]
        default = keys.index("allow_redirects") if "allow_redirects" in keys else len(keys)
        for _, held in value.items[default:]:
            if isinstance(held, Parameter) and held.index == NAMED:
                for one in callers(facts, held.function):
                    if is_constant(one.keyword("allow_redirects"), True):
                        yield one


def _has_own_opener(facts: SourceFacts) -> bool:
    """That the project has a handler of its own for redirects."""
    return any(True for _ in facts.classes("urllib.request.HTTPRedirectHandler"))


def _kept_by(facts: SourceFacts, call: Call) -> Span | None:
    """Where the client is made that alone has the key for this call: what it follows is said there, for all calls of it."""
    if any(name.lower() != "authorization" for name in _names(facts, call.keyword("headers"))):
        return None
    return next((client.span for client in _made(facts, call.receiver) if _of_client(facts, client)), None)


def _carries_key(facts: SourceFacts, call: Call) -> bool:
    """A key in a header that is not Authorization: requests and httpx take only that one away on another host."""
    clients = list(_made(facts, call.receiver))
    kept = [name for client in clients for name in _of_client(facts, client)]
    kept += [name for one in (call, *clients) for name in _put_by_auth(facts, one)]
    names = (*_names(facts, call.keyword("headers")), *kept)
    return any(name.lower() != "authorization" for name in names) and not asks_this_machine(call)


def _made(facts: SourceFacts, client: Value | None) -> Iterator[Call]:
    """The call that makes a client, also in a function of the project: ``with billing_client() as client``."""
    for one in through(facts, client, 2, 2):
        if isinstance(one, Call) and one.callee in CLIENTS:
            yield one


def _of_client(facts: SourceFacts, client: Call) -> tuple[str, ...]:
    """What a client keeps, unless it follows no redirect."""
    follows = not any(one.attribute == "max_redirects" and is_constant(one.value, 0) for one in _beside(facts, client))
    return _kept_by_client(facts, client) if follows else ()


def _beside(facts: SourceFacts, client: Call) -> list[Assignment]:
    path = client.span.path if client.span is not None else ""
    return [one for one in facts.assignments_in(client.function) if one.span.path == path]


def _kept_by_client(facts: SourceFacts, client: Call, *, ours: bool = False) -> tuple[str, ...]:
    """The credentials among the headers that a client was given for all that it sends."""
    if client.span is None:
        return ()
    kept = Mapping(tuple((Constant(name), held) for name, held in headers_of(facts, client)))
    written = (one.value for one in _beside(facts, client) if one.attribute == "headers")
    return tuple(name for value in (kept, *written) for name in _names(facts, value, ours=ours))


def _names(facts: SourceFacts, value: Value | None, *, ours: bool = False) -> tuple[str, ...]:
    """The headers of these that hold a credential; with *ours* one that did not come with the request itself."""
    pairs = [(text_of(key) or "", held) for one in mappings(facts, value) for key, held in one.items]
    return tuple(
        name
        for name, held in pairs
        if _is_credential(name)
        and not is_constant(held, None, "")
        and not (ours and facts.derives(held, "request-data", "query-string", by_name=False))
    )


def _is_credential(name: str) -> bool:
    return is_key_name(name) or _TOKEN.fullmatch(name) is not None or name.lower() == "authorization"


def _is_anywhere(facts: SourceFacts, value: Value) -> bool:
    """That the caller's part decides about the host."""
    if isinstance(value, Unknown) and value.parts:
        return _is_anywhere(facts, value.parts[0])  # beside it stand the parameters of the query
    if isinstance(value, Format):
        first = text_of(value.parts[0]) if value.parts else None
        base, rest = value.parts[0] if value.parts else None, value.parts[1:]
        if (first or "").startswith("{}") and rest:
            said = (first or "").removeprefix("{}")  # ``"{}{}".format(base, path)``: the next one follows at once
            base, rest = rest[0], rest[1:] if said.startswith("{}") else (Constant(said),)
        ours = base is not None and first is None and not facts.derives(base, *UNTRUSTED, by_name=False)
        if isinstance(base, (ConfigValue, EnvironmentValue)) or (ours and rest):
            return bool(rest) and any(_ends_the_host(facts, one) for one in openings(facts, rest[0]))
        return first is None or re.match(r"^https?://[^/?#{%]+[/?#]|/(?!/)", first) is None
    return isinstance(value, (Item, Call)) or not isinstance(value, Constant)


def _ends_the_host(facts: SourceFacts, opening: Value) -> bool:
    """That what stands after the address of the settings may still be a part of the host: ``.example`` of ``https://api`` + ``.example``."""
    return re.match(r"[/?#]", text_of(opening) or "") is None and facts.derives(opening, *UNTRUSTED, by_name=False)


def fix(app: App, hit: Hit) -> Edit | None:
    """``allow_redirects=False`` for requests, ``follow_redirects=False`` for httpx; whoever needs the redirect must follow it by hand."""
    if hit.message != REDIRECTS or hit.span is None:
        return None
    facts = source_of(app)
    for pattern, word in ((_CALLS, "allow_redirects"), (_HTTPX, "follow_redirects"), (_CLIENT, "follow_redirects")):
        for call in facts.calls_matching(pattern.pattern):
            if call.span == hit.span:
                return passing(call, (word, "False"), safe=False)
    return None


RULE = Rule(
    slug="credential-follows-redirect",
    family="ssrf",
    title="Call with a credential that follows redirects, or goes to any host",
    harm=__doc__ or "",
    severity="medium",
    check="ssrf",
    cwe=(918,),
    owasp="API7:2023",
    asvs=("V15.3.2",),
    surfaces=("source",),
    ends="`stopper.outbound.Client` binds a credential to its hosts and follows no redirect with it.",
    certainty="likely",
    detect=detect,
    fix=fix,
)
