"""What is written where a check has just failed: the check says nothing good of it."""

from typing import TYPE_CHECKING, Final

from stopper.core.place import Span
from stopper.core.values import Call, Format, Truth, Value

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_FAILS: Final = {"not in": True, "!=": True, "in": False, "==": False}
"""Operators, and whether the value is none of the good ones where they hold."""


def made_at(value: Value) -> Span | None:
    """Where a text is put together; what is read from the request stands before every check of it."""
    return value.span if isinstance(value, (Format, Call)) else None


def failed_before(facts: "SourceFacts", asked: Span, operator: str, at: Span | None) -> bool:
    """``if kind not in KINDS: return f"<p>There is no {kind}</p>"``: the place is in the body that runs where the test has failed.
    *operator* is that of a comparison, ``""`` for a check that is called; *asked* is where it stands."""
    if at is None:
        return False
    around = list(facts.conditions_around(at))
    asker = facts.function_around(asked) if around else ""
    return any(
        one.negated is not _FAILS.get(operator, False)
        and (one.span.holds(asked) or _asks_by(one.value, asker, facts.function_around(at)))
        for one in around
    )


def _asks_by(test: Value, asker: str, here: str) -> bool:
    """That a test asks a function of the project: by its call, or by what the one function that is called from here alone compares."""
    if isinstance(test, Call):
        return test.callee == asker
    return isinstance(test, Truth) and asker not in ("", here)
