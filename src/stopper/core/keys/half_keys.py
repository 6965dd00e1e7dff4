"""API keys of two parts, a name and a secret, of which only the name is judged: ``prefix, _, secret = key.partition(".")``."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.keys.api_key_names import is_key_reading
from stopper.core.keys.unjudged_keys import FORMS
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Item, Value, is_constant, parts, text_of

_SIGNS: Final = (".", ":", "_", "-", "|", "~")
"""What stands between the name and the secret; a comma stands between several keys, a blank after a scheme."""
_FIRST, _REST, _WHOLE = "first", "rest", "whole"


@dataclass(frozen=True, slots=True)
class HalfKey:
    """Where a key is taken apart whose secret nothing looks at, and the function."""

    span: Span
    function: str


def half_judged(facts: SourceFacts) -> tuple[HalfKey, ...]:
    """The places where a key is taken apart, and nothing compares, looks up or hands on more than its first part."""
    return facts.once("keys of which half is judged", lambda: tuple(_half_judged(facts)))


def _half_judged(facts: SourceFacts) -> Iterator[HalfKey]:
    taken = [call for call in facts.calls("*.partition", "*.split") if call.span is not None and _is_of_key(call)]
    for call in taken:
        used = {how for value in _used(facts, call.function) for how in _how(value, call)}
        if used == {_FIRST} and call.span is not None:
            yield HalfKey(call.span, call.function)


def _is_of_key(call: Call) -> bool:
    """That the call takes a key apart which has just been read, at a sign that stands within keys."""
    owner = call.receiver
    while isinstance(owner, Call) and owner.method in ("strip", "lower") and owner.receiver is not None:
        owner = owner.receiver
    return isinstance(owner, Item) and is_key_reading(owner) and text_of(call.argument(0, "sep")) in _SIGNS


def _used(facts: SourceFacts, function: str) -> Iterator[Value]:
    """What the function compares, hands to others, gives back, keeps or looks something up with."""
    for call in facts.calls_in(function):
        if not FORMS.fullmatch(call.callee):
            yield from call.args
            yield from (value for _, value in call.keywords)
    for one in facts.comparisons_in(function):
        sides = (one.left, one.right)
        formal = any(isinstance(side, Call) and FORMS.fullmatch(side.callee) for side in sides)
        if not any(is_constant(side, None, "") or (formal and isinstance(side, Constant)) for side in sides):
            yield from sides
    for returned in facts.returns_of(function):
        yield returned.value
    for held in facts.assignments_in(function):
        if "." in held.target or "[" in held.target:
            yield held.value
    yield from (lookup.key for lookup in facts.all_lookups)


def _how(value: Value, taken: Call, depth: int = 8) -> Iterator[str]:
    """Which part of the key stands in a value: the first, another, or all of it."""
    if depth < 0:
        return
    if isinstance(value, Item) and isinstance(value.owner, Call) and value.owner.span == taken.span:
        yield _FIRST if isinstance(value.key, Constant) and value.key.value == 0 else _REST
        return
    if isinstance(value, Item) and is_key_reading(value):
        yield _WHOLE
        return
    if isinstance(value, Call) and value.span == taken.span:
        yield _REST
        return
    for part in parts(value):
        yield from _how(part, taken, depth - 1)
