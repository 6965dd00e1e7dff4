"""What one function puts into a mapping or list of the module, and another takes out of it: ``JOBS[number] = {"state": "done"}``."""

from typing import TYPE_CHECKING

from stopper.core.place import Span
from stopper.core.values import Item, Mapping, Sequence, Value, options, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

Put = tuple[str, Value, str]
"""The name under which it lies in what the mapping holds, else empty; what was put there; and the function that did it."""


def kept_under(facts: "SourceFacts", value: Value) -> tuple[tuple[Value, str], ...]:
    """What *value*, taken out of such a mapping or list, may be, each with the function that put it there; nothing for any other value."""
    place, name = _taken(value)
    if place is None:
        return ()
    found: list[tuple[Value, str]] = []
    for under, held, function in _all_put(facts).get(place, ()):
        part = held.get(name) if name and not under and isinstance(held, Mapping) else held
        if part is not None and (not name or not under or under == name):
            found.append((part, function))
    return tuple(found)


def _taken(value: Value) -> tuple[Span | None, str]:
    """Where the mapping was made, and which member of what lies in it is taken: ``JOBS.get(number)["error"]``."""
    match value:
        case Item(owner=Item(owner=Mapping(span=place)), key=key):
            return place, text_of(key) or ""
        case Item(owner=Mapping(span=place)) | Mapping(items=(), span=place) | Sequence(items=(), span=place):
            return place, ""
        case _:
            return None, ""


def _all_put(facts: "SourceFacts") -> dict[Span, list[Put]]:
    return facts.once("what mappings of a module are given", lambda: _collected(facts))


def _collected(facts: "SourceFacts") -> dict[Span, list[Put]]:
    found: dict[Span, list[Put]] = {}
    for one in facts.assignments():
        for place in _made(one.into) if one.target[:1] == "[" and one.function else ():
            under = one.attribute if isinstance(one.into, Item) else ""
            found.setdefault(place, []).append((under, one.value, one.function))
    for call in facts.calls("*.update", "*.append"):
        for place in _made(call.receiver) if call.function else ():
            given = [("", held) for held in call.args] + [(name, held) for name, held in call.keywords if name != "**"]
            found.setdefault(place, []).extend((name, held, call.function) for name, held in given)
    return found


def _made(into: Value | None) -> set[Span]:
    """Where the mapping stands that something is put into, or into what lies in it; several, where other branches have put something in."""
    held = into.owner if isinstance(into, Item) else into
    several = () if held is None else options(held)
    return {one.span for one in several if isinstance(one, (Mapping, Sequence)) and one.span is not None}
