"""Names of members that a caller sent and that were held against a list: columns of a statement, for one."""

from collections.abc import Iterator

from stopper.core.fact import Comparison
from stopper.core.facts import SourceFacts
from stopper.core.flow.read_parts import origins
from stopper.core.flow.whole_body import admits_by_list
from stopper.core.guards.asked_in_vain import only_notes
from stopper.core.place import Span
from stopper.core.values import Call, Choice, Constant, Format, Item, Mapping, Sequence, Unknown, Value, options, walk


def pieces(text: Value, at: Span | None, depth: int = 8) -> Iterator[tuple[Value, Span | None]]:
    """What a text is put together of, each with the place where it goes into one."""
    match text:
        case Format(parts=inner) | Unknown(parts=inner) | Choice(options=inner) | Sequence(items=inner) if (
            depth and inner
        ):
            here = text.span if isinstance(text, Format) and text.span is not None else at
            for part in inner:
                yield from pieces(part, here, depth - 1)
        case _:
            yield text, at


def is_admitted(facts: SourceFacts, name: Value, at: Span | None) -> bool:
    """``for name in {k: v for k, v in body.items() if k in ("title", "text")}``, ``if name not in COLUMNS: continue``: one of the list."""
    held = name.owner if isinstance(name, Item) and isinstance(name.key, Unknown) else None
    if isinstance(held, Mapping) and len(held.items) == 1:
        key = held.items[0][0]
        if all(isinstance(one, Constant) for one in options(key)) or (isinstance(key, Item) and _are_words(key.owner)):
            return True  # ``{name: body[name] for name in COLUMNS if name in body}``
        return isinstance(key, Item) and any(
            one.left == key and _are_words(one.right) for one in facts.comparisons("in")
        )
    return held is not None and any(
        one.left == name and _are_words(one.right) and admits_by_list(facts, one, at)
        for one in facts.comparisons("in", "not in")
    )


def _are_words(listed: Value) -> bool:
    words = listed.items if isinstance(listed, Sequence) else ()
    keys = tuple(key for key, _ in listed.items) if isinstance(listed, Mapping) and not listed.open else ()
    return bool(words or keys) and all(isinstance(word, Constant) for word in (*words, *keys))


def _asks_all(value: Value) -> bool:
    """``if all(sign in SIGNS for sign in text): return …``: what follows is for texts without any other."""
    return any(isinstance(part, Call) and part.callee == "all" for part in walk(value, 2))


def lets_the_rest_in(facts: SourceFacts, one: Comparison) -> bool:
    """``{k: v for k, v in body.items() if k not in ("id", "owner")}``, ``if k in OURS: continue``: what is left out is named, and whatever nobody
    thought of is taken. ``[k for k in body if k not in KNOWN]`` names what is strange, and where the function ends on such, nothing is taken."""
    if not isinstance(one.left, Item) or not isinstance(one.left.key, Unknown) or one.operator not in ("in", "not in"):
        return False
    mine, asked = origins(one.left), facts.conditions_in(one.function)
    if one.operator == "in":
        return any(
            (each.stops or each.skips) and not each.negated and each.span.holds(one.span) and not _asks_all(each.value)
            for each in asked
        )
    return not any(
        ((each.stops or each.skips or each.negated) and mine & origins(each.value))
        or (each.body is not None and each.span.holds(one.span) and not only_notes(facts, each))
        for each in asked
    )
