"""The other side, or whoever can answer for it, sends the key to a host of its choice."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.api_key_names import is_key_name
from stopper.core.app import App
from stopper.core.call_edits import passing
from stopper.core.checked_input import is_checked
from stopper.core.facts import SourceFacts, source_of
from stopper.core.labels import UNTRUSTED
from stopper.core.passing import given
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Member,
    Parameter,
    Value,
    is_constant,
    may_be,
    options,
    text_of,
)

REDIRECTS: Final = "the key goes along when the other side redirects"
ANYWHERE: Final = "a credential is sent to a host that the caller chooses"
_CALLS: Final = re.compile(r"requests(?:\.Session)?\.(?:get|post|put|patch|delete|options|request)")
_HTTPX: Final = re.compile(r"httpx(?:\.(?:Client|AsyncClient))?\.(?:get|post|put|patch|delete|request|stream|send)")
_SESSIONS: Final = (
    "requests.Session",
    "requests.session",
    "requests.sessions.Session",
    "httpx.Client",
    "httpx.AsyncClient",
)
_TOKEN: Final = re.compile(
    r"(?i)(?:x-)?(?:[\w-]+-)?(?:token|secret|signature-key|auth)$|^x-auth[\w-]*$|^private-token$|^cookie$"
)


def detect(app: App) -> Iterator[Hit]:
    """Credentials in headers that a client keeps on a redirect, and any credential beside a caller's address."""
    facts = source_of(app)
    seen: set[tuple[str, int]] = set()
    for flow in facts.flows("outbound-url", label=tuple(sorted(UNTRUSTED)), by_name=False):
        carries = any(
            flow.span == other.span and _names(facts, other.value) for other in facts.flows("outbound-headers")
        )
        urls = given(facts, flow.value) if isinstance(flow.value, Parameter) else (flow.value,)
        if (
            carries
            and any(_is_anywhere(facts, one) for one in urls)
            and not is_checked(facts, flow.value, flow.function)
        ):
            seen.add((flow.span.path, flow.span.line))
            yield Hit(ANYWHERE, flow.span)
    for call in _calls(facts):
        if call.span is None or (call.span.path, call.span.line) in seen:
            continue
        seen.add((call.span.path, call.span.line))
        yield Hit(REDIRECTS, call.span, certainty="certain" if not call.open else "possible")


def _calls(facts: SourceFacts) -> Iterator[Call]:
    for call in facts.calls_matching(_CALLS.pattern):
        if not may_be(call.keyword("allow_redirects"), False) and _carries_key(facts, call):
            yield call
    for call in facts.calls_matching(_HTTPX.pattern):
        follows = call.keyword("follow_redirects") or (
            call.receiver.keyword("follow_redirects") if isinstance(call.receiver, Call) else None
        )
        if is_constant(follows, True) and _carries_key(facts, call):
            yield call
    for call in facts.calls("urllib.request.Request"):
        if _names(facts, call.argument(2, "headers")) and not _has_own_opener(facts):
            yield call


def _has_own_opener(facts: SourceFacts) -> bool:
    """That the project has a handler of its own for redirects."""
    return any(True for _ in facts.classes("urllib.request.HTTPRedirectHandler"))


def _carries_key(facts: SourceFacts, call: Call) -> bool:
    """A key in a header that is not Authorization: requests and httpx take only that one away on another host."""
    headers = call.keyword("headers")
    if headers is None and isinstance(call.receiver, Call):
        headers = call.receiver.keyword("headers")
    names = (*_names(facts, headers), *_of_session(facts, call.receiver))
    return any(name.lower() != "authorization" for name in names) and not _is_local(call)


def _of_session(facts: SourceFacts, session: Value | None) -> tuple[str, ...]:
    """The credentials among the headers that are set on a session, where it is made or beside a call of its ``headers``."""
    if not isinstance(session, Call) or session.callee not in _SESSIONS or session.span is None:
        return ()
    found: list[str] = []
    for call in facts.calls("*.update"):
        owner = call.receiver.owner if isinstance(call.receiver, Member) else None
        if isinstance(owner, Call) and owner.span == session.span and call.callee.endswith(".headers.update"):
            found += _names(facts, call.argument(0))
    for one in facts.assignments_in(session.function):
        if one.span.path != session.span.path:
            continue
        if one.attribute == "max_redirects" and is_constant(one.value, 0):
            return ()
        if one.attribute == "headers":
            found += _names(facts, one.value)
        elif one.target.endswith("]"):
            found += _names(facts, Mapping(((Constant(one.attribute.strip("[]")), one.value),)))
    return tuple(found)


def _is_local(call: Call) -> bool:
    given = call.argument(1 if call.method in ("request", "stream") else 0, "url")
    if isinstance(given, Format) and given.parts:
        given = given.parts[0]
    url = text_of(given) or ""
    return re.match(r"https?://(?:localhost|127\.0\.0\.1)(?![\w.-])", url) is not None


def _names(facts: SourceFacts, value: Value | None) -> tuple[str, ...]:
    """The headers of these that hold a credential."""
    found: list[str] = []
    for option in _mappings(facts, value):
        if isinstance(option, Mapping):
            for key, held in option.items:
                name = text_of(key) or ""
                if (is_key_name(name) or _TOKEN.fullmatch(name) or name.lower() == "authorization") and not is_constant(
                    held, None, ""
                ):
                    found.append(name)
    return tuple(found)


def _mappings(facts: SourceFacts, value: Value | None, depth: int = 2) -> Iterator[Value]:
    """What the headers may be, also where a function of the project makes them: ``headers=self._headers()``."""
    for option in options(value):
        yield option
        if isinstance(option, Call) and depth and facts.function(option.callee) is not None:
            for one in facts.returns_of(option.callee):
                yield from _mappings(facts, one.value, depth - 1)


def _is_anywhere(facts: SourceFacts, value: Value) -> bool:
    """That the caller's part decides about the host."""
    if isinstance(value, Format):
        first = text_of(value.parts[0]) if value.parts else None
        base, rest = value.parts[0] if value.parts else None, value.parts[1:]
        if (first or "").startswith("{}") and rest:
            base, rest = rest[0], (Constant((first or "").removeprefix("{}")),)
        ours = base is not None and first is None and not facts.derives(base, *UNTRUSTED, by_name=False)
        if isinstance(base, (ConfigValue, EnvironmentValue)) or (ours and rest):
            return not (rest and re.match(r"[/?#]", text_of(rest[0]) or ""))
        return first is None or re.match(r"^https?://[^/?#{%]+[/?#]", first) is None
    return isinstance(value, (Item, Call)) or not isinstance(value, Constant)


def fix(app: App, hit: Hit) -> Edit | None:
    """``allow_redirects=False`` for requests, ``follow_redirects=False`` for httpx; whoever needs the redirect must follow it by hand."""
    if hit.message != REDIRECTS or hit.span is None:
        return None
    facts = source_of(app)
    for pattern, word in ((_CALLS, "allow_redirects"), (_HTTPX, "follow_redirects")):
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
