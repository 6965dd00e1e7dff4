"""Secrets that are asked only of whoever sends no other credential, right or wrong."""

from collections.abc import Iterator

from stopper.core.fact import Condition
from stopper.core.facts import SourceFacts
from stopper.core.flow.view_functions import index_of
from stopper.core.keys.api_key_names import is_key_name
from stopper.core.place import Span
from stopper.core.values import Call, Item, Name, Parameter, Truth, Value, is_constant, text_of


def asked_only_without(facts: SourceFacts, checks: frozenset[str]) -> Iterator[Span]:
    """``if "Authorization" not in headers: compare(secret)``, and somebody is given back after it: whoever sends the other credential,
    right or wrong, is not asked for this one's secret."""
    compared = [one for one in facts.calls("hmac.compare_digest", "secrets.compare_digest") if one.span is not None]
    helpers = {
        name for one in compared if one.span and (name := facts.function_around(one.span)) and not facts.is_view(name)
    }
    for call in (*compared, *(facts.calls(*helpers) if helpers else ())):
        for condition in facts.conditions_around(call.span) if call.span is not None and call.function else ():
            body = condition.body
            beyond = [
                one
                for one in facts.returns_of(call.function)
                if body is not None and one.span.line > body.end_line and not is_constant(one.value, None, False)
            ]
            if beyond and _asks_absence(condition) and not _verified_elsewhere(facts, call, condition, checks):
                yield condition.span


def _verified_elsewhere(facts: SourceFacts, asked: Call, condition: Condition, checks: frozenset[str]) -> bool:
    """That the same function verifies the other credential, in the other branch or behind it."""
    index = index_of(facts)
    others = [
        one.callee
        for one in facts.calls_in(asked.function)
        if one.span is not None and condition.body is not None and not condition.body.holds(one.span)
    ]
    return any(
        call.callee in checks or call.method == "loads"
        for name in index.calling([one for one in others if one in index.by_name], 1)
        for call in facts.calls_in(name)
    ) or any(one in checks for one in others)


def _asks_absence(condition: Condition) -> bool:
    """That the body runs where the request has no ``Authorization``, or no key."""
    value, absent = condition.value, condition.negated
    if isinstance(value, Truth) and len(value.parts) == 2:
        name, absent = value.parts[0], value.differs != condition.negated
        return absent and _is_headers(value.parts[1]) and _is_credential(text_of(name) or "")
    return absent and isinstance(value, Item) and _is_headers(value.owner) and _is_credential(text_of(value.key) or "")


def _is_headers(value: Value) -> bool:
    return (isinstance(value, Name) and value.dotted == "flask.request.headers") or (
        isinstance(value, Parameter) and value.parameter.endswith("headers")
    )


def _is_credential(header: str) -> bool:
    return header.lower() in ("authorization", "cookie") or is_key_name(header)
