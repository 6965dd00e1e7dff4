"""The key lies in the other side's logs, and in the text of every error that the call raises here."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.followed_values import through
from stopper.core.keys.api_key_names import is_key_name
from stopper.core.naming import sensitive
from stopper.core.outgoing.outbound_names import ENDS_BY_ITSELF, WAITS_FOR_EVER
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Value,
    options,
    text_of,
    walk,
)

MESSAGE: Final = "an API key is part of the URL of another service, so it stands in logs and in error texts"
_QUERY: Final = re.compile(
    r"(?i)[?&](?:[\w-]*[_-])?(?:api[_-]?key|app_?id|key|token|access_token|auth|secret|subscription-key)=$"
)
_TEMPLATE: Final = re.compile(
    r"(?i)[?&](?:[\w-]*[_-])?(?:api[_-]?key|app_?id|key|token|access_token|auth|secret|subscription-key)=(?:\{|%)"
)
"""The same in a text that ``format`` fills."""
_KEYS: Final = frozenset(
    {"key", "token", "access_token", "appid", "app_id", "auth", "secret", "apitoken", "auth_token", "subscription-key"}
)
_WRITTEN_OUT: Final = re.compile(r"(?i)^(?:https?:/)?/\S*[?&](?:api_?key|appid|access_token)=[\w-]{16,}")
_SETTERS: Final = frozenset({"set", "add", "copy_set_param", "copy_add_param"})
"""What puts one more name with its value into a query."""
_OF_A_SERVICE: Final = re.compile(
    r"(?!\w*(?:PUBLIC|SITE|PUBLISHABLE|BUCKET|OBJECT|STORAGE|CACHE|PARTITION|PROJECT|ROUTING|SORT|PRIMARY|FOREIGN|S3|FILE)_?KEY$)[A-Z]\w*_KEY$"
)
"""A setting that is called some service's key."""
_NO_URL: Final = ("headers", "data", "json", "auth", "content", "cookies")
_OWN_KINDS: Final = ("api-key", "token", "config-secret", "password")
_OF_A_DEVICE: Final = re.compile(r"(?i)(?:\w+_)?(?:apns|fcm|gcm|push|device|registration)_?(?:device_?|push_?)?token")
"""Where a device is reached: services of push messages want it in their path, and nothing is opened by it."""


def detect(app: App) -> Iterator[Hit]:
    """A secret of one's own in the query or path of an outbound call."""
    facts = source_of(app)
    told: set[tuple[str, Span]] = set()
    for flow in facts.flows("outbound-url"):
        held = _holds_key(facts, flow)
        if held is None:
            continue
        query = (flow.function, held.span) if isinstance(held, (Mapping, Sequence)) and held.span is not None else None
        if query is None or query not in told:  # one query with which a function asks several times is one
            yield Hit(MESSAGE, flow.span)
        told |= {query} if query is not None else set()
    for one in facts.assignments() if facts.imports("requests", "httpx") else ():
        if any(one.span.holds(query) for _, query in told):
            continue  # told where it is asked with
        if one.attribute == "params" and "." in one.target and isinstance(one.value, Mapping):
            for name, inner in one.value.items:
                said = (text_of(name) or "").lower()
                if (is_key_name(said) or said in _KEYS) and _is_own(facts, inner):
                    yield Hit(MESSAGE, one.span)
                    break
    # A literal alone makes no flow.
    for call in facts.calls(*WAITS_FOR_EVER, *ENDS_BY_ITSELF):
        url = call.argument(1 if call.method in ("request", "stream") else 0, "url")
        if call.span is not None and _is_whole(url):
            yield Hit(MESSAGE, call.span)


def _holds_key(facts: SourceFacts, flow: Flow) -> Value | None:
    """What of the address holds it."""
    beside: set[int] = set()
    here = {id(value) for value in walk(flow.value, 6)}
    for value in through(facts, flow.value, closed=beside):
        if isinstance(value, Call):
            # ``Request(url, headers={…})``: what goes in a header or a body is in no URL.
            given = [one for name, one in value.keywords if name in _NO_URL]
            beside.update(id(inner) for one in given for inner in walk(one))
            said = (text_of(value.args[0]) or "").lower() if _puts_in_query(value) else ""
            if (is_key_name(said) or said in _KEYS) and _is_own(facts, value.args[1]):
                return value
        if isinstance(value, (Mapping, Sequence)):
            for name, inner in _pairs(value):
                said = (text_of(name) or "").lower()
                if (is_key_name(said) or said in _KEYS) and _is_own(facts, inner):
                    return value
        elif isinstance(value, Format):
            template = text_of(value.parts[0]) or ""
            if _TEMPLATE.search(template) and any(_is_own(facts, part) for part in value.parts[1:]):
                return value
            for before, part in zip(value.parts, value.parts[1:], strict=False):
                if (_QUERY.search(text_of(before) or "") and _is_own(facts, part)) or (
                    id(value) in here and _is_named_secret(part)
                ):
                    return value
        elif _is_whole(value):
            return value
    return None


def _puts_in_query(call: Call) -> bool:
    """``httpx.QueryParams(…).set("key", key)``, ``url.copy_set_param("key", key)``"""
    if len(call.args) != 2 or call.method not in _SETTERS:
        return False
    return call.method.startswith("copy_") or any(
        isinstance(one, Call) and one.method == "QueryParams" for one in walk(call.receiver, 4)
    )


def _pairs(value: Mapping | Sequence) -> Iterator[tuple[Value, Value]]:
    """Names and values of a query, written as a dict or as a list of pairs."""
    if isinstance(value, Mapping):
        yield from value.items
    else:
        for one in value.items:
            if isinstance(one, Sequence) and len(one.items) == 2:
                yield one.items[0], one.items[1]


def _is_whole(value: Value | None) -> bool:
    """A URL that is written out with the key in it."""
    return _WRITTEN_OUT.search(text_of(value) or "") is not None


def _is_own(facts: SourceFacts, value: Value) -> bool:
    """That the value is a secret of the application, not what a caller sent."""
    if any(isinstance(one, (EnvironmentValue, ConfigValue)) for one in walk(value, 4)):
        return True
    if isinstance(value, Constant):
        return isinstance(value.value, str) and len(value.value) >= 12
    if isinstance(value, Parameter) and any(
        isinstance(one, (EnvironmentValue, ConfigValue)) for one in through(facts, value, 2, 3)
    ):
        return True
    labels = facts.labels(value)
    if any(label.kind in ("request-data", "query-string", "path-parameter") for label in labels):
        return False
    return any(_is_named_secret(one) for one in options(value))


def _is_named_secret(value: Value) -> bool:
    match value:
        case EnvironmentValue(variable=name) | ConfigValue(key=name) if _OF_A_SERVICE.match(name):
            return True
        case (
            EnvironmentValue(variable=name) | ConfigValue(key=name) | Member(attribute=name) | Parameter(parameter=name)
        ):
            pass
        case Item(key=Constant(value=str(name))):
            return False
        case Name(dotted=dotted):
            name = dotted.rpartition(".")[2]
        case Constant(value=str(text)) if len(text) >= 12:
            name = value.name
        case _:
            return False
    return not _OF_A_DEVICE.fullmatch(name) and (sensitive(name) in _OWN_KINDS or is_key_name(name))


RULE = Rule(
    slug="api-key-in-upstream-url",
    family="api-key",
    title="API key in the URL of another service",
    harm=__doc__ or "",
    severity="high",
    check="data-exposure",
    cwe=(209,),
    owasp="API8:2023",
    asvs=("V16.5.1",),
    surfaces=("source",),
    ends="`stopper.outbound.Client` sends its credential in a header and keeps it out of error texts.",
    certainty="certain",
    detect=detect,
)
