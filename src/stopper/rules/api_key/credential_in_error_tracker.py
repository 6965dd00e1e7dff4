"""Another company stores the tokens and keys of your callers, readable for everybody who may see errors."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.switched_on import is_on
from stopper.core.edits.call_edits import passing
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.left_out import left_out
from stopper.core.flow.unpacked_calls import unpacked
from stopper.core.keys.keys_by_use import is_secret_by_use
from stopper.core.labels import CREDENTIALS
from stopper.core.outgoing.held_headers import carried, mappings
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Truth,
    Unknown,
    Value,
    is_constant,
    may_be,
    options,
    parts,
    text_of,
    walk,
)

TRACKERS: Final = (
    "sentry_sdk",
    "raven",
    "rollbar",
    "bugsnag",
    "honeybadger",
    "airbrake",
    "elasticapm",
    "newrelic",
    "ddtrace",
    "raygun4py",
    "opentelemetry",
)
_SENDS: Final = re.compile(
    r"(?:sentry_sdk|rollbar|bugsnag|honeybadger|newrelic|elasticapm|raven)(?:\.\w+)*\.(?:set_context|set_extra|set_tag|set_user|set_extras|add_breadcrumb|capture_message"
    r"|capture_event|capture_exception|captureMessage|captureException|report_message|report_exc_info|notify|leave_breadcrumb|add_metadata|add_tab|set_custom_context"
    r"|add_custom_attribute|add_custom_parameter|record_custom_event|extra_context|user_context)|\?\.(?:set_extra|set_context|set_tag|add_tab|add_metadata|captureMessage)"
    r"|(?:\?|opentelemetry(?:\.\w+)*)\.(?:set_attributes?|add_event)"
)
_WHOLE: Final = re.compile(
    r"flask\.request\.(?:headers|environ|cookies|get_json|json|form|get_data|data|values)(?:\.(?:items|to_dict|copy|values))?$"
)
_GIVES_NAMES: Final = re.compile(r"flask\.request\.(?:cookies|form|args|values|json)$")
_TELLS_LITTLE: Final = re.compile(r"(?i)hash|mask|redact|scrub|^len$|^bool$|sanitiz")
_OPEN_NAMES: Final = re.compile(r"(?i)(?:dns|txt)_?record|challenge|cursor|next_?page|csrf")
"""Names of members whose token everybody may read, such as the one that proves a domain by a record of the DNS."""
_SCRUBS: Final = re.compile(r"(?i)scrub|before_send|filter|sanitiz|event_scrubber|processors")

_LOOKS_ONLY: Final = frozenset(
    {"get", "items", "keys", "values", "isinstance", "startswith", "endswith", "lower", "len", "any", "all"}
)
_WHO: Final = frozenset({"id", "username", "name", "email", "ip_address"})


def detect(app: App) -> Iterator[Hit]:
    """Options that send everything, and calls that hand a credential over."""
    facts = source_of(app)
    if not facts.imports(*TRACKERS):
        return
    for call in facts.calls("sentry_sdk.init"):
        yield from next((hits for one in unpacked(facts, call) if (hits := list(_of_sentry(facts, one)))), ())
    for call in facts.calls("bugsnag.configure", "rollbar.init", "honeybadger.honeybadger.configure"):
        if may_be(call.keyword("send_environment", "include_request_body", "capture_ip"), True) or _empty_list(call):
            yield Hit("the error tracker is told to send requests as they are", call.span)
        elif any(is_constant(on, True) for one in mappings(facts, call.keyword("locals")) for _, on in one.items):
            yield Hit("local variables, with keys and tokens in them, are sent with every error", call.span)
    yield from _by_handlers(facts)
    for call in facts.calls_matching(_SENDS.pattern):
        given = [*call.args, *(value for _, value in call.keywords)]
        if call.method == "set_user":  # who it was, however they were looked up
            given = [held for one in given for held in _beside_who(one)]
        if any(_is_credential(facts, value) for value in given):
            yield Hit("a credential is handed to the error tracker", call.span, certainty="certain")


def _beside_who(said: Value) -> tuple[Value, ...]:
    """What ``{"id": user.id, "token": token}`` says of somebody beside who it is."""
    if not isinstance(said, Mapping):
        return (said,)
    return tuple(value for key, value in said.items if (text_of(key) or "").lower() not in _WHO)


def _added_before(facts: SourceFacts, call: Call) -> Iterator[Hit]:
    """``before_send`` that puts more on the event than it takes away."""
    given = call.keyword("before_send", "before_send_transaction", "before_breadcrumb")
    for one in facts.assignments_in(given.dotted) if isinstance(given, Name) else ():
        if ("[" in one.target or "." in one.target) and _is_credential(facts, one.value):
            yield Hit("a credential is put on what the error tracker is sent", one.span, certainty="certain")


_ADDS: Final = ("*.add_payload_handler", "*.before_notify")
"""What registers a function that rollbar or bugsnag hand each report to."""


def _by_handlers(facts: SourceFacts) -> Iterator[Hit]:
    """``payload["data"]["custom"] = dict(request.cookies)`` in such a function."""
    named = {one.dotted for call in facts.calls(*_ADDS) for one in call.args if isinstance(one, Name)}
    named |= {one.name for one in facts.functions() if any(by.name.endswith(".before_notify") for by in one.decorators)}
    for one in (put for name in sorted(named) for put in facts.assignments_in(name)):
        if ("[" in one.target or "." in one.target) and _is_credential(facts, one.value):
            yield Hit("a credential is put on what the error tracker is sent", one.span, certainty="certain")


def _of_sentry(facts: SourceFacts, call: Call) -> Iterator[Hit]:
    yield from _added_before(facts, call)
    scrubbing = [value for name, value in call.keywords if _SCRUBS.search(name) and not is_constant(value, None)]
    if not all(_takes_nothing(facts, one) for one in scrubbing):
        return
    pii = call.keyword("send_default_pii")
    if may_be(pii, True) or is_on(facts, pii):
        yield Hit(
            "send_default_pii sends headers and cookies of every request that fails", call.span, certainty="certain"
        )
    elif is_constant(call.keyword("include_local_variables", "with_locals"), True):
        yield Hit("local variables, with keys and tokens in them, are sent with every error", call.span)
    elif text_of(call.keyword("max_request_body_size", "request_bodies")) == "always":
        yield Hit("whole bodies, with passwords and tokens in them, are sent with every error", call.span)


def _takes_nothing(facts: SourceFacts, value: Value) -> bool:
    """A function of the project that sends each event on as it comes, or not at all."""
    known = facts.function(value.dotted) if isinstance(value, Name) else None
    if known is None or not known.parameters:
        return False
    event = known.parameters[0]

    def is_event(one: Value) -> bool:
        return isinstance(one, Parameter) and one.parameter == event

    given = [option for one in facts.returns_of(known.name) for option in options(one.value)]
    calls = list(facts.calls_in(known.name))
    changes = any(one.into is not None for one in facts.assignments_in(known.name)) or any(
        any(is_event(part) for held in (call.receiver, *call.args) for part in walk(held, 6))
        for call in calls
        if call.method not in _LOOKS_ONLY
    )
    return bool(given) and all(is_event(one) or is_constant(one, None) for one in given) and not changes


def _empty_list(call: Call) -> bool:
    """``scrub_fields=[]`` takes the tracker's own protection away."""
    value = call.keyword("scrub_fields", "params_filters")
    return value is not None and getattr(value, "items", None) == ()


def _is_credential(facts: SourceFacts, value: Value, depth: int = 6) -> bool:
    """That a credential, or a whole collection that holds some, is seen in the value."""
    match value:
        case Constant() | Truth():
            return False
        case Item() | Call(callee="?.get"):
            return any(label.kind in CREDENTIALS for label in facts.labels(value))
        case EnvironmentValue() | ConfigValue() if is_secret_by_use(facts, value):
            return True
        case Call(callee=callee) if _TELLS_LITTLE.search(callee.rpartition(".")[2]):
            return False
        case Call(callee="list" | "sorted" | "tuple" | "set" | "frozenset" | "len", args=(Mapping(), *_)):
            return False  # its names alone
        case Call(callee="list" | "sorted" | "tuple" | "set", args=(Name(dotted=said), *_)) if _GIVES_NAMES.match(said):
            return False
        case Name(dotted=said) | Call(callee=said) if _WHOLE.match(said):
            return True
        case Member(attribute="headers", owner=Member(attribute="request", owner=Call() as sent)):
            given = options(sent.keyword("headers"))
            return any(isinstance(one, Mapping) and next(carried(one), None) is not None for one in given)
        case Mapping(open=True) if _is_of_all_headers(facts, value):
            return "authorization-header" not in left_out(facts, value)
        case Mapping(items=items):
            told = [held for key, held in items if not _OPEN_NAMES.search(text_of(key) or "")]
            return depth > 0 and any(_is_credential(facts, one, depth - 1) for one in told)
        case _:
            pass
    inside = parts(value)
    if not inside or isinstance(value, Member):
        return any(label.kind in (*CREDENTIALS, "whole-config") for label in facts.labels(value))
    return depth > 0 and any(_is_credential(facts, part, depth - 1) for part in inside)


def _is_of_all_headers(facts: SourceFacts, value: Mapping) -> bool:
    """What the request carries, or ``{name: value for name, value in request.headers}``."""
    return any(label.kind == "request-headers" for label in facts.labels(value)) or any(
        isinstance(held, Item)
        and isinstance(held.key, Unknown)
        and isinstance(held.owner, Name)
        and held.owner.dotted in ("flask.request.headers", "flask.request.cookies")
        for _, held in value.items
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """``send_default_pii=False``, where the literal stands in the call itself; the tracker then tells less."""
    for call in source_of(app).calls("sentry_sdk.init"):
        if call.span == hit.span and is_constant(call.keyword("send_default_pii"), True):
            return passing(call, ("send_default_pii", "False"), safe=False)
    return None


RULE = Rule(
    slug="credential-in-error-tracker",
    family="api-key",
    title="Credentials handed to an error tracker",
    harm=__doc__ or "",
    severity="medium",
    check="data-exposure",
    cwe=(532,),
    owasp="API8:2023",
    asvs=("V14.2.3",),
    surfaces=("source",),
    ends="`before_send` of Stopper's report hooks masks credentials in what an error tracker is given.",
    certainty="likely",
    detect=detect,
    fix=fix,
)
