"""What a function of the project raises."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stopper.core.fact import Raise

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def raised_in(facts: "SourceFacts", function: str) -> Sequence[Raise]:
    """Every ``raise`` written in that function's body, tests left out."""

    def by_function() -> dict[str, list[Raise]]:
        found: dict[str, list[Raise]] = {}
        for one in facts.raises():
            found.setdefault(one.function, []).append(one)
        return found

    return facts.once("raises by function", by_function).get(function, ())
