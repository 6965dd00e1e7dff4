"""Comparisons that build a query: ``User.api_key == shown`` in ``filter(…)`` compares nothing in this process."""

from typing import Final

from stopper.core.fact import Comparison
from stopper.core.facts import SourceFacts

_CLAUSES: Final = frozenset({"filter", "where", "having", "and_", "or_", "not_"})


def is_query(facts: SourceFacts, comparison: Comparison) -> bool:
    """That the comparison stands in a clause of a query, whatever its column is called."""
    return any(
        call.method in _CLAUSES
        and call.callee != "filter"  # Python's own compares here and now
        and call.span is not None
        and call.span.holds(comparison.span)
        for call in facts.calls_in(comparison.function)
    )
