"""Whether what a view publishes as its keys is what signs its tokens: the private half, as it was read."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.tokens.jwt_names import encodings
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    EnvironmentValue,
    Item,
    Mapping,
    Sequence,
    Value,
    text_of,
    walk,
)

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_OPENS: Final = frozenset(
    {
        "loads",
        "load",
        "jsonify",
        "Response",
        "make_response",
        "dumps",
        "list",
        "tuple",
        "sorted",
        "strip",
        "decode",
        "encode",
    }
)
"""What hands on all that it is given."""
_READS: Final = frozenset({"read", "read_text", "read_bytes", "readlines"})
_DEEP: Final = 14


def signs(facts: "SourceFacts", published: Value) -> bool:
    """That *published* holds, with nothing taken from it, a file, variable or setting that a token of the project is signed with."""
    shown = set(_sources(published, _DEEP))
    return bool(shown) and not shown.isdisjoint(facts.once("where signing keys are read", lambda: _signing(facts)))


def _signing(facts: "SourceFacts") -> frozenset[object]:
    found: set[object] = set()
    for call, shape in encodings(facts):
        for part in walk(call.argument(shape.key, "key"), _DEEP):
            found.update(_source(part))
    return frozenset(found)


def _sources(value: Value, depth: int) -> Iterator[object]:
    yield from _source(value)
    inside: tuple[Value | None, ...] = ()
    match value:
        case Call() if value.method in _OPENS:
            inside = (value.receiver, *value.args, *(one for _, one in value.keywords))
        case Mapping(items=items):  # of a key the members may have been chosen
            inside = tuple(one for key, one in items if text_of(key) == "keys")
        case Sequence(items=items):
            inside = items
        case Choice(options=several):
            inside = several
        case Item(owner=owner, key=key) if text_of(key) in (None, "keys"):
            inside = (owner,)
        case _:
            pass
    for one in inside if depth else ():
        if one is not None:
            yield from _sources(one, depth - 1)


def _source(value: Value) -> Iterator[object]:
    """Where a text comes from: the reading of a file by its place and what is named there, a variable or a setting by its name."""
    match value:
        case EnvironmentValue(variable=name):
            yield f"environment {name}"
        case ConfigValue(key=name):
            yield f"setting {name}"
        case Call(span=span) if value.method in _READS and span is not None:
            named = (
                text_of(part) or getattr(part, "variable", "") or getattr(part, "key", "") for part in walk(value, 8)
            )
            words = tuple(word for word in named if word and isinstance(word, str))
            yield words if any("/" in word or "." in word for word in words) else (span, *words)
        case _:
            pass
