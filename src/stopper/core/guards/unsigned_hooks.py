"""Webhooks that hold a message against its signature only where it brings one: who brings none is believed."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.guards.refusals_made import is_refusal
from stopper.core.values import Call, Choice, Item, Name, Truth, Value, is_constant, walk

if TYPE_CHECKING:
    from stopper.core.fact import Condition
    from stopper.core.facts import SourceFacts
    from stopper.core.place import Span

_DIGESTS: Final = re.compile(r"hmac\.|compare_digest|hexdigest")


def lets_unsigned_in(facts: "SourceFacts", functions: set[str]) -> "Iterator[Span]":
    """``if not request.headers.get("X-Signature"): return True`` in what checks the signature, ``if not shown or matches(shown)``, and
    ``if shown:`` around all of the check."""
    for name in sorted(functions):
        if not any(_DIGESTS.search(call.callee) or _holds_against(facts, call) for call in facts.calls_in(name)):
            continue
        for returned in facts.returns_of(name):
            if is_constant(returned.value, True) and any(
                _is_absence(facts, asked) for asked in facts.conditions_around(returned.span)
            ):
                yield returned.span
        asked_here = facts.conditions_in(name)
        for asked in asked_here:
            if not asked.negated and not asked.refuses and _absent_or_right(facts, asked.value):
                yield asked.span
        if any(
            (one.stops or one.refuses) and (one.negated or _is_absence(facts, one))
            for one in asked_here
            if _is_of_header(facts, one) and not _is_within_presence(facts, one)
        ):
            continue  # who brings none is turned away
        yield from (one.span for one in asked_here if one.stops and not one.negated and _present_and_wrong(facts, one))
        for call in facts.calls_in(name):
            around = list(facts.conditions_around(call.span)) if _holds_against(facts, call) and call.span else []
            shown = [one for one in around if not one.negated and _is_of_header(facts, one) and _is_presence(one.value)]
            if shown and not _ends_in_refusal(facts, name, shown) and not _is_wrong_at_first(facts, name, shown):
                yield call.span or around[0].span


def _ends_in_refusal(facts: "SourceFacts", name: str, shown: "list[Condition]") -> bool:
    """``if shown: if compare_digest(shown, wanted): …  return "", 401``: whoever shows nothing comes to the end, where all are turned away."""
    places = [
        (one.span, is_refusal(one.value) or is_constant(one.value, False, None)) for one in facts.returns_of(name)
    ]
    places += [(one.span, one.method == "abort") for one in facts.calls_in(name) if one.method == "abort" and one.span]
    places += [(one.span, True) for one in facts.raises() if one.function == name]
    return any(
        refuses
        and not any(True for _ in facts.conditions_around(span))
        and not any(one.span.line > span.line for one in shown)
        for span, refuses in places
    )


def _is_wrong_at_first(facts: "SourceFacts", name: str, shown: "list[Condition]") -> bool:
    """``good = False``, ``if shown: good = compare_digest(shown, wanted)``, ``if not good: abort(401)``"""
    asked = [
        _denied(one)
        for one in facts.conditions_in(name)
        if (one.stops or one.refuses) and not any(each.body is not None and each.body.holds(one.span) for each in shown)
    ]
    return any(
        isinstance(one, Choice)
        and any(is_constant(option, False, None) for option in one.options)
        and any(isinstance(part, Call) and _holds_against(facts, part) for part in walk(one, 4))
        for one in asked
    )


def _denied(asked: "Condition") -> Value | None:
    """What is not true where a test holds: ``if not right:``, also by a name, ``wrong = not right``."""
    if asked.negated:
        return asked.value
    value = asked.value
    return value.parts[0] if isinstance(value, Truth) and len(value.parts) == 1 and not value.differs else None


def _holds_against(facts: "SourceFacts", call: Call) -> bool:
    """``compare_digest(made, shown)``, or a function of the project that does it, which may be read as a part of its one caller."""
    made = facts.function(call.callee) if call.method != "compare_digest" else None
    inside = (*facts.calls_in(call.callee), *facts.calls_in(call.function)) if made is not None else ()
    return call.method == "compare_digest" or any(
        one.method == "compare_digest" and one.span is not None and made is not None and made.span.holds(one.span)
        for one in inside
    )


def _is_of_header(facts: "SourceFacts", asked: "Condition") -> bool:
    value = asked.value
    if isinstance(value, Truth) and value.parts:
        value = value.parts[1] if _is_membership(value) else value.parts[0]
    return facts.derives(value, "request-header", "request-headers")


def _is_within_presence(facts: "SourceFacts", asked: "Condition") -> bool:
    """``if shown: …  if not compare_digest(shown, wanted): return …``: the test is never made where nothing is shown."""
    return any(
        not one.negated and one is not asked and _is_of_header(facts, one) and _is_presence(one.value)
        for one in facts.conditions_around(asked.span)
    )


def _is_membership(value: Value) -> bool:
    """``"X-Signature" in request.headers``, and ``not in``."""
    held = value.parts[1] if isinstance(value, Truth) and len(value.parts) == 2 else None
    return isinstance(held, Name) and held.dotted == "flask.request.headers"


def _is_presence(value: Value) -> bool:
    """``if shown:``, ``if shown is not None:``, ``if "X-Signature" in request.headers:``"""
    if isinstance(value, Truth):
        if _is_membership(value):
            return not value.differs
        return value.differs and any(is_constant(part, None, "") for part in value.parts)
    return isinstance(value, Item)


def _absent_or_right(facts: "SourceFacts", value: Value) -> bool:
    """``not shown or compare_digest(shown, wanted)``."""
    if not isinstance(value, Choice) or value.every:
        return False
    absent = any(
        isinstance(one, Truth)
        and not one.differs
        and len(one.parts) == 1
        and facts.derives(one.parts[0], "request-header", "request-headers")
        for one in value.options
    )
    return absent and any(isinstance(one, Call) and _DIGESTS.search(one.callee) for one in value.options)


def _present_and_wrong(facts: "SourceFacts", asked: "Condition") -> bool:
    """``if shown and not compare_digest(shown, wanted): raise``, which lets whoever shows nothing go on."""
    value = asked.value
    if not isinstance(value, Choice) or not value.every or len(value.options) != 2:
        return False
    shown, wrong = value.options
    there = isinstance(shown, Item) or (isinstance(shown, Truth) and _is_presence(shown))
    right = wrong.parts[0] if isinstance(wrong, Truth) and len(wrong.parts) == 1 and not wrong.differs else None
    brought: Value | None = shown if isinstance(shown, Item) else None
    if isinstance(shown, Truth) and there:
        brought = shown.parts[1 if _is_membership(shown) else 0]
    return (
        isinstance(right, Call)
        and (_DIGESTS.search(right.callee) is not None or _holds_against(facts, right))
        and facts.derives(brought, "request-header", "request-headers")
    )


def _is_absence(facts: "SourceFacts", asked: "Condition") -> bool:
    """That a test is true where a header of the request is not there."""
    value = asked.value
    if _is_membership(value):
        return isinstance(value, Truth) and value.differs is not asked.negated
    if isinstance(value, Truth) and not value.differs and any(is_constant(part, None, "") for part in value.parts):
        return not asked.negated and facts.derives(value.parts[0], "request-header", "request-headers")
    return (
        asked.negated and isinstance(value, (Item, Call)) and facts.derives(value, "request-header", "request-headers")
    )
