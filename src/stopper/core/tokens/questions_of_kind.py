"""Questions about what kind of token one is that turn no token of another kind away."""

from typing import TYPE_CHECKING

from stopper.core.tokens.jwt_purposes import PURPOSES
from stopper.core.values import Choice, Item, Parameter, Sequence, Truth, Value, is_constant, text_of, walk

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from stopper.core.fact import Comparison
    from stopper.core.facts import SourceFacts


def asks_in_vain_for_kind(
    facts: "SourceFacts", around: set[str], names: set[str], kinds: set[str], everywhere: frozenset[str] = frozenset()
) -> bool:
    """That each comparison of a claim which says the kind lets all of *kinds* through, or asks only where one kind is wanted:
    ``if kind == "refresh" and claims["typ"] != kind: raise``. *everywhere* are the claims that a token of any kind has: that one is there
    tells nothing."""
    asked = [
        one
        for function in around
        for one in facts.comparisons_in(function)
        if any(
            isinstance(part, Item) and text_of(part.key) in names
            for side in (one.left, one.right)
            for part in walk(side, 6)
        )
        or _asks_whether_there(one, names)
    ]
    return bool(asked) and all(
        _lets_all_in(facts, one, kinds)
        or _asks_whether_there(one, everywhere)
        or any(
            (found.span.holds(one.span) or (found.body is not None and found.body.holds(one.span)))
            and not found.negated
            and (_is_of_one_kind(found.value) or _is_seldom_told(facts, found.value))
            for found in facts.conditions_in(one.function)
        )
        for one in asked
    )


def _asks_whether_there(one: "Comparison", names: "Container[str]") -> bool:
    """``if "typ" not in claims``"""
    said = text_of(one.left) if one.operator in ("in", "not in") and not isinstance(one.right, Sequence) else None
    return said is not None and said in names


def _is_of_one_kind(value: Value) -> bool:
    """``kind == "refresh"``, alone or with ``and``, of a kind that a function is told."""
    tests = value.options if isinstance(value, Choice) and value.every else (value,)
    pairs = [one.parts for one in tests if isinstance(one, Truth) and len(one.parts) == 2 and not one.differs]
    return any(
        isinstance(told, Parameter)
        and (found := PURPOSES.search(text_of(said) or "")) is not None
        and found[1].lower() != "access"
        for left, right in pairs
        for told, said in ((left, right), (right, left))
    )


def _is_seldom_told(facts: "SourceFacts", value: Value) -> bool:
    """``if kind and claims["typ"] != kind`` where a caller names no kind, and nothing is asked then."""
    if isinstance(value, Choice) and not value.every:  # ``(kind and claims["typ"] != kind) or is_over(claims)``
        return any(_is_seldom_told(facts, one) for one in value.options if isinstance(one, Choice) and one.every)
    tests = value.options if isinstance(value, Choice) else (value,)
    for test in tests:
        told = test.parts[0] if isinstance(test, Truth) and test.differs and is_constant(test.parts[-1], None) else test
        if not isinstance(told, Parameter) or not is_constant(told.default, None, ""):
            continue
        for call in facts.calls(told.function):
            if not call.open and call.argument(told.index if told.index >= 0 else None, told.parameter) is None:
                return True
    return False


def _lets_all_in(facts: "SourceFacts", one: "Comparison", kinds: set[str]) -> bool:
    """``claims["typ"] not in ("access", "refresh")`` where nothing else is signed, ``if claims["typ"] == "email": raise`` where nobody signs that."""
    if one.operator in ("in", "not in"):
        listed = one.right.plain() if isinstance(one.right, Sequence) and not one.right.open else ()
        return len(kinds) > 1 and kinds <= {_kind_of(str(word)) for word in listed}
    said = [text for side in (one.left, one.right) if (text := text_of(side))]
    if said and any(kinds <= words and len(kinds) > 1 for words in _said_together(facts, one)):
        return True
    if one.operator != "==" or not said or _kind_of(said[0]) in kinds:
        return False
    return any(
        found.refuses and not found.negated and found.span.holds(one.span)
        for found in facts.conditions_in(one.function)
    )


def _said_together(facts: "SourceFacts", one: "Comparison") -> "Iterator[set[str]]":
    """``kind == "access" or kind == "refresh"``, and ``kind != "access" and kind != "refresh"`` that turns away: the kinds of one test."""
    for found in facts.conditions_in(one.function):
        value = found.value
        if isinstance(value, Choice) and found.span.holds(one.span):
            tests = [test for test in value.options if isinstance(test, Truth) and len(test.parts) == 2]
            if len(tests) == len(value.options) and all(test.differs == value.every for test in tests):
                yield {_kind_of(text) for test in tests for part in test.parts if (text := text_of(part))}


def _kind_of(word: str) -> str:
    found = PURPOSES.search(word)
    return found[1].lower() if found is not None else word
