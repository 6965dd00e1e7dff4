"""Hooks that are hung up in one branch alone: ``if KEY: app.before_request(ask)``."""

from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import Name, Value


def hung_within(facts: SourceFacts, body: Span | None) -> frozenset[str]:
    """The functions of the project that this part of the source hangs before requests, by a call or by a decorator."""
    if body is None:
        return frozenset()
    called = (call.args[0] for call in facts.calls("*.before_request") if call.args and _in(body, call.span))
    written = (
        one.name
        for one in facts.functions()
        if _in(body, one.span) and any(made.name.endswith(".before_request") for made in one.decorators)
    )
    return frozenset((*(name for value in called if (name := _named(value))), *written))


def _named(value: Value) -> str:
    return value.dotted if isinstance(value, Name) else ""


def _in(body: Span, place: Span | None) -> bool:
    return place is not None and body.holds(place)
