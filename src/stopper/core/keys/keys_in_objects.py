"""Keys of an API among the fields of an object that is given out whole: by ``asdict``, by ``model_dump``, or as a data class in an answer."""

from typing import TYPE_CHECKING

from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.shown_fields import dumped_class, filled_with_keys, secret_fields, seen_class
from stopper.core.keys.keys_in_whole_rows import is_key_column
from stopper.core.values import Call, Name, Sequence, Value

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def dumps_key(facts: "SourceFacts", value: Value, over: frozenset[str] = frozenset()) -> bool:
    """``settings.model_dump()``, ``asdict(self)``, where a field of the class is called a key and is shown; not one that is written
    *over* or taken out."""
    dumped = dumped_class(facts, value)
    if not dumped:
        return False
    named = any(is_key_column(name) and name not in over for _, name, _ in secret_fields(facts, dumped))
    return named or any(name not in over for name in filled_with_keys(facts, dumped))


def is_record_with_key(facts: "SourceFacts", value: Value) -> bool:
    """An object of a data class, or a list of such, of which Flask's JSON writes every field: one of them is called a key."""
    several = value.items if isinstance(value, Sequence) else (value,)
    for one in {seen_class(facts, each) for each in several if isinstance(each, (Call, Name))}:
        known = classes_by_name(facts).get(one)
        if known is not None and any(each.name.endswith("dataclass") for each in known.decorators):
            return any(is_key_column(name) for _, name, _ in secret_fields(facts, one))
    return False
