"""From a value to what it derives from. Values keep their structure, so this is a pure question that is asked when a rule asks it."""

from typing import TYPE_CHECKING

from stopper.core.labels import Label
from stopper.core.values import Value

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def labels_of(facts: "SourceFacts", value: Value | None) -> frozenset[Label]:
    """The labels of *value*, through parameters and results of the project's functions."""
    return frozenset()
