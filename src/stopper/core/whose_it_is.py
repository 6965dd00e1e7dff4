"""What decides for whom something is done, or who may do it: a word of the caller, or what is known of the caller."""

from typing import TYPE_CHECKING

from stopper.core.owner_names import WHO, WHOSE_ID
from stopper.core.values import Choice, Constant, Item, Name, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def turns_away(facts: "SourceFacts", said: Value, other: Value) -> bool:
    """``if request.cookies.get("role") != "lead": abort(403)``: whatever the role is called."""
    if not isinstance(other, Constant) or not facts.derives(said, "cookie", "query-string", "request-header"):
        return False  # a role in a body may be the one that is given to somebody, or the one of a message
    return any(
        (asked.refuses or asked.stops) and any(part is said for part in walk(asked.value, 8))
        for asked in facts.conditions()
    )


def weighs(facts: "SourceFacts", function: str) -> bool:
    """``g.person.id if g.person.role == PATIENT else body["patient_id"]``: what is known of the caller decides."""
    return any(
        isinstance(part, Name) and part.dotted.startswith("flask.g.") and part.dotted.count(".") > 2
        for one in facts.comparisons_in(function)
        for side in (one.left, one.right)
        for part in walk(side, 3)
    )


def is_or_mine(name: str, value: Value) -> bool:
    """``patient_id=body.get("patient_id") or g.person.id``: whoever says nothing is meant, and whoever says another is believed."""
    others = value.options if isinstance(value, Choice) else (value.default,) if isinstance(value, Item) else ()
    return WHOSE_ID.fullmatch(name) is not None and any(
        isinstance(part, Name) and (WHO.search(part.dotted) is not None or part.dotted.startswith("flask.g."))
        for one in others
        for part in walk(one, 2)
    )
