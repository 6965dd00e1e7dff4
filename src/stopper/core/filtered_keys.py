"""The keys of a mapping that was made of those members of a body that a list admits."""

from stopper.core.facts import SourceFacts
from stopper.core.values import Constant, Item, Mapping, Sequence, Unknown, Value


def is_admitted_key(facts: SourceFacts, value: Value) -> bool:
    """``for name in {k: v for k, v in body.items() if k in ("title", "text")}``: each name is one of the list."""
    held = value.owner if isinstance(value, Item) and isinstance(value.key, Unknown) else None
    if not isinstance(held, Mapping) or len(held.items) != 1:
        return False
    name = held.items[0][0]
    return isinstance(name, Item) and any(
        one.left == name
        and isinstance(one.right, Sequence)
        and bool(one.right.items)
        and all(isinstance(word, Constant) for word in one.right.items)
        for one in facts.comparisons("in")
    )
