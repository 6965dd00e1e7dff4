"""From the outcome of a comparison, which keeps its sides alone, back to the comparison."""

from typing import TYPE_CHECKING, Final

from stopper.core.values import Value

if TYPE_CHECKING:
    from stopper.core.fact import Comparison
    from stopper.core.facts import SourceFacts

_WITH_WHAT_IS_WANTED: Final = ("==", "in", "!=", "not in")


def compared(facts: "SourceFacts", left: Value, right: Value) -> "Comparison | None":
    """The first comparison of these very values, with one that is wanted or with several."""
    return facts.once("comparisons by their sides", lambda: _by_sides(facts)).get((id(left), id(right)))


def _by_sides(facts: "SourceFacts") -> "dict[tuple[int, int], Comparison]":
    """By the identity of both: facts keep them alive."""
    found: dict[tuple[int, int], Comparison] = {}
    for one in facts.comparisons(*_WITH_WHAT_IS_WANTED):
        found.setdefault((id(one.left), id(one.right)), one)
    return found
