"""Comparisons that build a query: ``User.api_key == shown`` in ``filter(…)`` compares nothing in this process."""

import re
from typing import Final

from stopper.core.fact import Comparison
from stopper.core.facts import SourceFacts
from stopper.core.values import Call

_CLAUSES: Final = frozenset({"filter", "where", "orwhere", "having", "and_", "or_", "not_", "get_or_none"})
_FINDS: Final = frozenset(
    {"get", "get_by", "find", "find_one", "first", "exists", "has", "any", "on", "select", "count"}
)
"""What a model is asked with a comparison of a column, and other objects with something else."""
_COLUMN: Final = re.compile(r"(?:.*\.)?(?:\w+Field|Column|mapped_column)")


def is_column(call: Call) -> bool:
    """That the call makes a column of a model."""
    return _COLUMN.fullmatch(call.callee) is not None


def is_query(facts: SourceFacts, comparison: Comparison) -> bool:
    """That the comparison stands in a clause of a query, whatever its column is called."""
    of_column = any(isinstance(side, Call) and is_column(side) for side in (comparison.left, comparison.right))
    return any(
        (call.method in _CLAUSES or (of_column and call.method in _FINDS and call.method != call.callee))
        and call.callee != "filter"  # Python's own compares here and now
        and call.span is not None
        and call.span.holds(comparison.span)
        for call in facts.calls_in(comparison.function)
    )
