"""Whether what is compared was asked for being there, before the comparison or in the same test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Name,
    Parameter,
    Truth,
    Value,
    is_constant,
    options,
    parts,
    walk,
)

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def is_asked_before(facts: "SourceFacts", sides: tuple[Value, Value], span: Span, function: str) -> bool:
    """That one of the sides is tested for being there, before the comparison or in the same test."""
    bare = [bare_of(option)[0] for side in sides for option in options(side)]
    return any(any(reads_same(tested, side) for side in bare) for tested in _tested(facts, sides, span, function))


def _is_of(value: Value, sides: tuple[Value, Value]) -> bool:
    """That the value is the outcome of comparing these two."""
    return any(
        isinstance(inner, (Truth, Call)) and {id(side) for side in sides} <= {id(part) for part in parts(inner)}
        for inner in walk(value, 3)
    )


def _tested(facts: "SourceFacts", sides: tuple[Value, Value], span: Span, function: str) -> Iterator[Value]:
    """The values whose presence decides whether the comparison is reached or counts."""
    for condition in facts.conditions():
        if condition.span.path != span.path:
            continue
        encloses = condition.function in (function, "") or function.startswith(f"{condition.function}.")
        before = condition.stops and condition.span.line < span.line and encloses
        inside = condition.body is not None and condition.body.holds(span) and not condition.negated
        if (
            before
            or inside
            or condition.span.holds(span)
            or any(_is_of(one, sides) for one in options(condition.value))
        ):
            yield from truths(condition.value)
    for returned in facts.returns_of(function):
        for inner in walk(returned.value):
            if isinstance(inner, Choice) and any(_is_of(option, sides) for option in inner.options):
                yield from truths(inner)
    for found in facts.comparisons("is", "is not", "==", "!="):
        if found.span.path == span.path and found.function in (function, "") and found.span.line <= span.line:
            if found.operator in ("is", "==") and _is_of_a_branch(facts, found.span, span):
                continue
            for one, other in ((found.left, found.right), (found.right, found.left)):
                if is_constant(other, None, ""):
                    yield one


def is_of_absent_ones(facts: "SourceFacts", span: Span, function: str) -> bool:
    """``if given is None or expected is None: return given == expected``: it is compared just where one of them is missing."""
    return any(
        one.operator == "is" and is_constant(one.right, None) and _is_of_a_branch(facts, one.span, span)
        for one in facts.comparisons_in(function)
    )


def _is_of_a_branch(facts: "SourceFacts", asked: Span, span: Span) -> bool:
    """That the place stands in the branch that is taken where what was asked holds."""
    return any(one.span.holds(asked) and not one.negated for one in facts.conditions_around(span))


def is_required_before(facts: "SourceFacts", value: Value, span: Span, function: str) -> bool:
    """``if name not in request.headers: return …`` stands before: where the comparison is reached, something was sent."""
    return any(
        found.operator == "not in" and found.function == function and found.span.line < span.line
        and isinstance(value, Item) and isinstance(value.owner, Name) and isinstance(found.right, Name)
        and found.right.dotted == value.owner.dotted
        and (found.left == value.key or _same_text(found.left, value.key))
        and any(one.stops and one.span.holds(found.span) for one in facts.conditions_in(function))
        for found in facts.comparisons_in(function)
    )  # fmt: skip


def _same_text(one: Value, other: Value) -> bool:
    """That both are the same literal, or the same setting."""
    if isinstance(one, Constant) and isinstance(other, Constant):
        return one.value == other.value
    return isinstance(one, ConfigValue) and isinstance(other, ConfigValue) and one.key == other.key


def truths(value: Value) -> Iterator[Value]:
    """The values that are tested for truth in a condition: ``a`` and ``b`` of ``not a or b and a == c``."""
    for option in options(value):
        if isinstance(option, Truth) and len(option.parts) == 1:
            yield from truths(option.parts[0])
        elif isinstance(option, Call) and option.callee in ("all", "any", "bool"):
            yield from (part for part in walk(option) if isinstance(part, (Item, EnvironmentValue, ConfigValue)))
        elif not isinstance(option, Truth):
            yield option


def reads_same(one: Value, other: Value) -> bool:
    """That both read the same setting or header, wherever they stand."""
    match one, other:
        case EnvironmentValue(variable=first), EnvironmentValue(variable=second):
            return first == second
        case ConfigValue(key=first), ConfigValue(key=second):
            return first == second
        case Item(owner=Name(dotted=owner), key=Constant(value=first)), Item(
            owner=Name(dotted=other_owner), key=Constant(value=second)
        ):
            return (owner, first) == (other_owner, second)
        case Item(owner=Name(dotted=owner), key=Parameter() as first), Item(
            owner=Name(dotted=other_owner), key=Parameter() as second
        ):
            return (owner, first.function, first.parameter) == (other_owner, second.function, second.parameter)
        case _:
            return False


def bare_of(value: Value) -> tuple[Value, bool]:
    """The value without ``.encode()`` and ``.strip()``, and whether there was one: on None they raise."""
    found = False
    while isinstance(value, Call) and value.receiver is not None and value.method in ("encode", "strip"):
        value, found = value.receiver, True
    return value, found
