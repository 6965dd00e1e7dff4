"""``random.choice(keys)``: one of several things that are there already is picked, nothing is made."""

from typing import Final

from stopper.core.values import Call, ConfigValue, Item, Member, Value, walk

_LETTERS: Final = frozenset({"range", "chr", "list", "str", "map", "tuple", "join", "upper", "lower", "encode"})


def picks(call: Call) -> bool:
    """That the call picks from what another call found: not from an alphabet, a literal or a range."""
    found = call.args[0] if call.method == "choice" and call.args else None
    return isinstance(found, Call) and found.method not in _LETTERS


def is_picked(value: Value) -> bool:
    """``keys[random.randint(0, len(keys) - 1)]``: one of what is kept, by a number that was drawn."""
    return (
        isinstance(value, Item)
        and isinstance(value.owner, (Member, Item, ConfigValue))
        and any(isinstance(one, Call) and one.callee.startswith(("random.", "secrets.")) for one in walk(value.key, 4))
    )
