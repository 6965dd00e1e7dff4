"""Views that answer on a desk or in a test run alone."""

from dataclasses import replace

from stopper.core.deployment.switched_on import is_for_desk
from stopper.core.facts import SourceFacts


def refused_at_large(facts: SourceFacts, function: str) -> bool:
    """``if not app.debug: abort(404)``: that the function turns everybody away where nobody asked for a desk or a test run."""
    return any(
        one.stops and is_for_desk(facts, replace(one, negated=not one.negated), by_name=True)
        for one in facts.conditions_in(function)
    )
