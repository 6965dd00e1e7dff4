"""The call that stands at a place, and the edit that passes keyword arguments to it."""

from stopper.core.facts import SourceFacts
from stopper.core.flow.calls_by_place import calls_between
from stopper.core.place import Span
from stopper.core.rule import Edit
from stopper.core.values import Call


def calls_at(facts: SourceFacts, span: Span | None) -> list[Call]:
    """The calls at exactly that place, tests left out."""
    if span is None:
        return []
    return [call for call in calls_between(facts, span.path, span.line, span.line) if call.span == span]


def passing(call: Call, *arguments: tuple[str, str], safe: bool) -> Edit | None:
    """*call* with these keywords (name, source of the value) instead of what it passes for them.

    None where it passes unknown arguments, or where one of these has a value that is written elsewhere: it may come out of a mapping.
    """
    if call.span is None or call.open or not arguments:
        return None
    for name, _ in arguments:
        value = call.keyword(name)
        where = None if value is None else getattr(value, "span", None)
        if value is not None and (where is None or not call.span.holds(where)):
            return None
    return Edit(call.span, "", safe, arguments=arguments)
