"""What looks at how a name ends and at nothing else of it."""

from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Constant, Item, Value, text_of

_SAME: Final = frozenset({"lower", "upper", "casefold", "strip"})


def is_ending(value: Value) -> bool:
    """``splitext(name)[1]``, ``name.rsplit(".", 1)[1].lower()``: what is held against a list there says nothing of the rest of the name."""
    while isinstance(value, Call) and value.method in _SAME and value.receiver is not None:
        value = value.receiver
    if not isinstance(value, Item) or not isinstance(value.key, Constant) or not isinstance(value.owner, Call):
        return False
    cuts = value.owner.method == "splitext" or (
        value.owner.method in ("rsplit", "rpartition", "split") and text_of(value.owner.argument(0)) == "."
    )
    return cuts and value.key.value in (1, 2, -1)


def asks_for_ending(facts: SourceFacts, name: str) -> bool:
    """``allowed_file(name)`` of the project, which looks at how it ends and at nothing else."""
    asked = [one for one in facts.comparisons_in(name) if not isinstance(one.left, Constant)]
    return bool(asked) and all(is_ending(one.left) for one in asked)
