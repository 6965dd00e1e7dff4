"""What a function keeps of its caller for others (``g.user = …``), and whether those others refuse where nobody was kept."""

from typing import TYPE_CHECKING, Final

from stopper.core.values import Name, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_HOMES: Final = {
    "g.": "flask.g.",
    "request.": "flask.request.",
    "flask.g.": "flask.g.",
    "flask.request.": "flask.request.",
}


def is_asked_for_later(facts: "SourceFacts", function: str) -> bool:
    """That *function* only finds out who is calling: it hangs that on ``g`` or the request, and another function refuses by it."""
    kept = {
        full + one.target.removeprefix(short)
        for one in facts.assignments_in(function)
        for short, full in _HOMES.items()
        if one.target.startswith(short)
    }
    return bool(kept) and any(
        condition.refuses
        and condition.function != function
        and any(isinstance(part, Name) and part.dotted in kept for part in walk(condition.value, 6))
        for condition in facts.conditions()
    )
