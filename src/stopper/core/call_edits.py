"""The call that stands at a place, and the edit that passes keyword arguments to it."""

from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.rule import Edit
from stopper.core.values import Call


def calls_at(facts: SourceFacts, span: Span | None) -> list[Call]:
    """The calls at exactly that place, tests left out. A fix asks this for every finding, so all calls are looked through once."""

    def by_line() -> dict[tuple[str, int], list[Call]]:
        found: dict[tuple[str, int], list[Call]] = {}
        for call in facts.calls():
            if call.span is not None:
                found.setdefault((call.span.path, call.span.line), []).append(call)
        return found

    if span is None:
        return []
    return [call for call in facts.once("calls by line", by_line).get((span.path, span.line), ()) if call.span == span]


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
