"""The names that going through a mapping gives, whatever stands under them."""

from typing import TYPE_CHECKING, Final

from stopper.core.flow.left_out import is_spread
from stopper.core.flow.passing import callers
from stopper.core.values import NAMED, Call, Choice, Mapping, Parameter, Value

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_OF_KEYS: Final = frozenset({"sorted", "list", "tuple", "set", "frozenset", "iter"})
"""What gives the keys of a mapping alone."""


def keys_given(facts: "SourceFacts", call: Call) -> tuple[Value, ...] | None:
    """What ``sorted(table)`` and ``table.keys()`` give of mappings that are written out, and of what a function takes as ``**fields``: the
    names alone. None where the names are not known."""
    of = call.receiver if call.method == "keys" and not call.args else call.args[0] if call.args else None
    if of is None or not (call.method == "keys" or call.callee in _OF_KEYS):
        return None
    tables = of.options if isinstance(of, Choice) else (of,)
    found: list[Value] = []
    for one in tables:
        if isinstance(one, Parameter) and one.index == NAMED:
            poured = [held for other in callers(facts, one.function) for name, held in other.keywords if name == "**"]
            found += [name for held in poured for name in (_names(held) if isinstance(held, Mapping) else (held,))]
        elif isinstance(one, Mapping):
            found += _names(one)
        else:
            return None
    return tuple(found)


def _names(table: Mapping) -> list[Value]:
    return [held if is_spread(key) else key for key, held in table.items]
