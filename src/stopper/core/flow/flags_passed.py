"""What a flag comes to by what callers pass: ``bool(audience)``, ``kind != "refresh"`` of a parameter."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stopper.core.flow.passing import callers, given
from stopper.core.values import Call, Constant, Parameter, Plain, Sequence, Truth, Value, options

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_STEPS = 4


def may_be_left_out(facts: "SourceFacts", value: Value | None) -> bool:
    """That it is a parameter which stands empty for one of the calls: its default is nothing, or nothing is passed."""
    return isinstance(value, Parameter) and any(
        isinstance(one, Constant) and one.value in (None, "") for one in _passed(facts, value)
    )


def comes_to(facts: "SourceFacts", value: Value, steps: int = _STEPS) -> Iterator[bool]:
    """Yes and no, as a test of parameters comes out for literals that some call passes or leaves as they are."""
    match value:
        case Constant(value=said):
            yield bool(said)
        case Parameter():
            yield from (bool(one.value) for one in _passed(facts, value) if isinstance(one, Constant))
        case Call(callee="bool", args=(inner,)) if steps:
            yield from comes_to(facts, inner, steps - 1)
        case Truth(parts=(inner,)) if steps:
            yield from (not one for one in comes_to(facts, inner, steps - 1))
        case Truth(parts=((Parameter() | Constant()) as told, wanted)) | Truth(parts=(wanted, Parameter() as told)):
            known = wanted.plain() if isinstance(wanted, Sequence) else tuple(_literal(wanted))
            for one in (_passed(facts, told) if isinstance(told, Parameter) else (told,)) if known else ():
                if isinstance(one, Constant):
                    yield (one.value in known) is not value.differs
        case _:
            return


def _literal(value: Value) -> "Iterator[Plain]":
    if isinstance(value, Constant):
        yield value.value


def _passed(facts: "SourceFacts", value: Parameter) -> Iterator[Value]:
    """What each call passes; nothing for a function that no call is seen of."""
    if any(True for _ in callers(facts, value.function)):
        for one in given(facts, value):
            yield from options(one)
