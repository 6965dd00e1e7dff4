"""What a name of a module of the project is bound to, where two modules import each other and the reader had only the name."""

from typing import TYPE_CHECKING

from stopper.core.values import Name, Value

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def bound_to(facts: "SourceFacts", value: Value) -> Value | None:
    """``shop.settings.KEYS`` as what is assigned to ``KEYS`` in that module; None for any other value."""
    if not isinstance(value, Name) or "." not in value.dotted:
        return None
    index = facts.once(
        "what modules bind",
        lambda: {one.target: one.value for one in facts.all_assignments if not one.function and "." in one.target},
    )
    found = index.get(value.dotted)
    return None if found is value else found
