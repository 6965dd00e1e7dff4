"""Attributes that a function gives anew to what another one has made of the request."""

from stopper.core.facts import SourceFacts
from stopper.core.guards.reached_by_admins import is_reached_by_admins


def is_said_anew(facts: SourceFacts, attribute: str, maker: str, caller: str) -> bool:
    """``user = User.parse(request.json)`` and then ``user.roles = DEFAULT``, by the *caller*, or by each one who calls the *maker* where
    nobody else is known, but for those that only administrators come to: what was sent counts for nothing."""
    if _says(facts, maker, attribute):
        return True
    callers = {caller} if caller != maker else {call.function for call in facts.calls(maker)} if maker else set[str]()
    anew = {one for one in callers if _says(facts, one, attribute)}
    return bool(anew) and all(is_reached_by_admins(facts, one) for one in callers - anew)


def _says(facts: SourceFacts, function: str, attribute: str) -> bool:
    return any(
        one.attribute == attribute and "." in one.target and not facts.derives(one.value, "request-data", by_name=False)
        for one in facts.assignments_in(function)
    )
