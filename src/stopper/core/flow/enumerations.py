"""Members of an enumeration: one of a few texts or numbers that everybody may know."""

from typing import TYPE_CHECKING, Final

from stopper.core.values import Constant, Item, Mapping, Member, Name, Value

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_BASES: Final = ("enum.Enum", "enum.StrEnum", "enum.IntEnum", "enum.Flag", "enum.IntFlag")


def is_enumerated(facts: "SourceFacts", value: Value) -> bool:
    """``Colour.RED`` or ``Colour.RED.value`` of a class of the project that derives from ``Enum``."""
    if not isinstance(value, Name):
        return False
    return value.dotted.removesuffix(".value").rpartition(".")[0] in _listed(facts)


def members_of(facts: "SourceFacts", value: Value | None) -> Mapping | None:
    """``Length[name]`` or ``Length[name].value``: the members of the enumeration by their names."""
    picked = value.owner if isinstance(value, Member) and value.attribute == "value" else value
    if not isinstance(picked, Item) or not isinstance(picked.owner, Name):
        return None
    return _listed(facts).get(picked.owner.dotted)


def _listed(facts: "SourceFacts") -> dict[str, Mapping]:
    def by_name() -> dict[str, Mapping]:
        return {
            one.name: Mapping(tuple((Constant(name), held) for name, held in one.attributes.items()), False, one.span)
            for one in facts.classes(*_BASES, tests=True)
        }

    return facts.once("enumerations", by_name)
