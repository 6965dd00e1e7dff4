"""Whether the age of what a signed token holds is asked about by the application itself."""

from typing import TYPE_CHECKING, Final

from stopper.core.values import Call, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_NOW: Final = frozenset({"time.time", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"})


def looks_at_age(facts: "SourceFacts", loaded: Call) -> bool:
    """``if time.time() - made > LONGEST: abort(404)``, where ``made`` came out of the token."""
    return any(
        one.operator in ("<", "<=", ">", ">=")
        and any(_is_now(part) for side in (one.left, one.right) for part in walk(side, 5))
        and any(part is loaded for side in (one.left, one.right) for part in walk(side, 5))
        for one in facts.comparisons_in(loaded.function)
    )


def _is_now(value: Value) -> bool:
    return isinstance(value, Call) and value.callee in _NOW
