"""Members of an enumeration: one of a few texts or numbers that everybody may know."""

from typing import TYPE_CHECKING, Final

from stopper.core.values import Name, Value

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_BASES: Final = ("enum.Enum", "enum.StrEnum", "enum.IntEnum", "enum.Flag", "enum.IntFlag")


def is_enumerated(facts: "SourceFacts", value: Value) -> bool:
    """``Colour.RED`` or ``Colour.RED.value`` of a class of the project that derives from ``Enum``."""
    if not isinstance(value, Name):
        return False
    listed = facts.once("enumerations", lambda: frozenset(one.name for one in facts.classes(*_BASES, tests=True)))
    owner = value.dotted.removesuffix(".value").rpartition(".")[0]
    return owner in listed
