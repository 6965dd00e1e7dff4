"""What the text of a data class or a model shows: the fields that nothing keeps out of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stopper.core.body_models import classes_by_name
from stopper.core.naming import sensitive
from stopper.core.values import Call, Name, Value, is_constant, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def secret_fields(facts: "SourceFacts", name: str) -> Iterator[tuple[int, str, Value | None]]:
    """The fields of the class that are called like a secret and are shown in its text: place, name and what stands in the class."""
    known = classes_by_name(facts).get(name)
    if known is None or not {"__repr__", "__str__", "__repr_args__"}.isdisjoint(known.methods):
        return
    for place, field in enumerate(known.fields):
        declared, typed = known.attributes.get(field), known.fields[field]
        hidden = isinstance(declared, Call) and is_constant(declared.keyword("repr"), False)
        kept = any(
            isinstance(one, Name) and one.dotted.rpartition(".")[2].startswith("Secret") for one in walk(typed, 4)
        )
        if not hidden and not kept and sensitive(field) is not None:
            yield place, field, declared
