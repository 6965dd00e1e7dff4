"""What the columns of the project's own models are called."""

from typing import TYPE_CHECKING

from stopper.core.values import Call, Name, Value, options

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def names_of_columns(facts: "SourceFacts") -> dict[int, tuple[str, str]]:
    """The class and the name of each column, by the identity of the call that makes it: ``self.key`` of the project's own class is read as
    its Column."""
    return facts.once(
        "names of columns",
        lambda: {
            id(column): (found.name, name)
            for found in facts.all_classes
            for name, value in found.attributes.items()
            for column in options(value)  # what a method puts there later is another
            if isinstance(column, Call) and (column is value or column.method.lower().endswith("column"))
        },
    )


def column_of(facts: "SourceFacts", value: Value) -> tuple[str, str]:
    """The class and the name of the column that is one side of a comparison, also where the class is another's: ``ScannerKey.key``; empty
    texts where it is none."""
    if isinstance(value, Call):
        return names_of_columns(facts).get(id(value), ("", ""))
    owner, _, name = value.dotted.rpartition(".") if isinstance(value, Name) else ("", "", "")
    return (owner, name) if owner.rpartition(".")[2][:1].isupper() else ("", "")
