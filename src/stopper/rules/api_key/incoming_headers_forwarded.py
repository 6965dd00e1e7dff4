"""Another service receives the caller's token, key and cookies, and can act as the caller here."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import App
from stopper.core.edits.call_edits import calls_at, passing
from stopper.core.fact import Comparison, Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.followed_values import through
from stopper.core.flow.left_out import is_spread
from stopper.core.outgoing.held_headers import NAME_OF_HEADER
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Constant,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Unknown,
    Value,
    options,
    parts,
    text_of,
    walk,
)

MESSAGE: Final = "the caller's token, key and cookies go to another service"
_CLIENT: Final = re.compile(r"(?i)(?:session|client|http|api|upstream)\w*\.headers$")
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
MUST_STAY: Final = frozenset({"authorization", "cookie"})
"""What a list of headers to leave out has to name."""

_WITHOUT_CREDENTIALS: Final = '{name: value for name, value in flask.request.headers.items() if name.lower() not in ("authorization", "cookie", "x-api-key")}'


def detect(app: App) -> Iterator[Hit]:
    """All headers of the request that reach an outbound call, with no list that keeps the credentials back."""
    facts = source_of(app)
    told: set[tuple[str, int]] = set()
    for flow in facts.flows("outbound-headers", label="request-headers"):
        same = (flow.function, id(flow.value))
        if same in told:
            continue  # one set of headers for the calls of two branches
        told.add(same)
        if _carries_all(facts, flow.value) and not _picked(facts, flow) and not _taken_out(facts, flow):
            yield Hit(MESSAGE, flow.span)
    for one in facts.assignments():
        put = one.attribute == "headers" and _CLIENT.search(one.target) is not None
        if put and facts.derives(one.value, "request-headers") and _carries_all(facts, one.value):
            flow = Flow("outbound-headers", one.value, frozenset(), one.span, one.function)
            if not _picked(facts, flow) and not _taken_out(facts, flow):
                yield Hit(MESSAGE, one.span)
    for call in facts.calls(
        "*.call", "*.send", "*.fetch", "*.request", "*.forward", "*.get", "*.post", "*.put", "*.patch"
    ):
        given = call.keyword("headers") if call.callee[:2] == "?." and _names_method(call) else None
        if given is not None and call.span is not None and _is_copy_of_all(given):
            yield Hit(MESSAGE, call.span, certainty="likely")


def _names_method(call: Call) -> bool:
    """``upstream.call("POST", "orders", headers=…)``: the arguments of a client for HTTP."""
    return any(text_of(one) in _METHODS for one in call.args[:2]) or call.method in ("get", "post", "put", "patch")


def _is_copy_of_all(value: Value) -> bool:
    if isinstance(value, Call) and value.callee == "dict" and len(value.args) == 1 and not value.keywords:
        value = value.args[0]
    said = value.dotted if isinstance(value, Name) else value.callee if isinstance(value, Call) else ""
    return said in ("flask.request.headers", "flask.request.headers.items", "flask.request.headers.to_wsgi_list")


def _carries_all(facts: SourceFacts, value: Value, depth: int = 12) -> bool:
    """That the headers are in the value as a whole, not one by its name."""
    if depth < 0:
        return False
    match value:
        case Item(owner=owner, key=key):
            by_name = isinstance(key, Item) and isinstance(key.owner, Call) and key.owner.method == "keys"
            if by_name and isinstance(owner, Name) and owner.dotted == "flask.request.headers":
                return True
            each = isinstance(key, Item) and key.key == Unknown() and key.owner == owner  # the name and its value
            return (each or key == Unknown()) and facts.derives(owner, "request-headers")
        case Name() | Member() | Parameter():
            return facts.derives(value, "request-headers")
        case Call(receiver=None, callee=callee) if callee.startswith("flask.request.") or facts.function(callee):
            return facts.derives(value, "request-headers")
        case Truth():
            return False
        case _:
            return any(_carries_all(facts, part, depth - 1) for part in parts(value))


def _picked(facts: SourceFacts, flow: Flow) -> bool:
    """That headers are chosen by name on the way, so that no credential goes along."""
    made_at = [value.span for value in walk(flow.value) if value.span is not None]
    for value in through(facts, flow.value, 2):
        made = facts.function(value.callee) if isinstance(value, Call) else None
        if made is not None:
            made_at.append(made.span)
    for comparison in facts.comparisons("in", "not in"):
        if comparison.function == flow.function and _goes_through_all(comparison.left):
            made_at.append(comparison.span)
        inside = (comparison.operator == "in") != _is_skipped(facts, comparison)
        chosen = inside or _keeps_credentials(comparison.right)
        if chosen and any(span.holds(comparison.span) for span in made_at):
            return True
    return False


def _goes_through_all(value: Value) -> bool:
    """That what is asked is the name of one of the request's headers, in a loop over them."""
    return any(
        part == NAME_OF_HEADER
        or (
            isinstance(part, Item)
            and isinstance(part.owner, Call)
            and part.owner.callee == "flask.request.headers.keys"
        )
        for part in walk(value, 6)
    )


def _is_skipped(facts: SourceFacts, comparison: Comparison) -> bool:
    """``if name in SKIPPED: continue``: what the comparison is about stays behind."""
    return any(
        one.skips and one.span.holds(comparison.span) and not one.negated
        for one in facts.conditions_in(comparison.function)
    )


def _taken_out(facts: SourceFacts, flow: Flow) -> bool:
    """That the credentials are taken out of the copy, or written over, before it goes out."""
    gone = (
        set(map(str.lower, value.keys()))
        for value in walk(flow.value)
        if isinstance(value, Mapping) and any(is_spread(key) for key, _ in value.items)
    )
    return any(names >= MUST_STAY for names in gone)


def _keeps_credentials(excluded: Value) -> bool:
    """That a list of what is left out names the credentials; an unknown list is given the benefit of the doubt."""
    for option in options(excluded):
        if isinstance(option, Sequence):
            names = {
                item.value.lower()
                for item in option.items
                if isinstance(item, Constant) and isinstance(item.value, str)
            }
            if not option.open and not names >= MUST_STAY:
                return False
        elif isinstance(option, Constant):
            return False
    return True


def fix(app: App, hit: Hit) -> Edit | None:
    """The headers without those that say who somebody is, where they are handed on as they came; to be looked at."""
    facts = source_of(app)
    for call in calls_at(facts, hit.span):
        given = call.keyword("headers")
        if given is not None and _is_copy_of_all(given):
            edit = passing(call, ("headers", _WITHOUT_CREDENTIALS), safe=False)
            return replace(edit, imports=("flask",)) if edit is not None else None
    return None


RULE = Rule(
    slug="incoming-headers-forwarded",
    family="api-key",
    title="Incoming headers forwarded to another service",
    harm="Another service receives the caller's token, key and cookies, and can act as the caller here.",
    severity="high",
    check="unsafe-consumption",
    cwe=(201,),
    owasp="API10:2023",
    asvs=("V10.1.1",),
    surfaces=("source",),
    ends="`stopper.outbound.Client` sends only headers that you name, and the credential bound to that host.",
    detect=detect,
    fix=fix,
)
