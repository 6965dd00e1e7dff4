"""What the text of a data class or a model shows: the fields that nothing keeps out of it."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.flow.body_models import classes_by_name, is_record
from stopper.core.flow.kept_values import kept_for
from stopper.core.keys.api_key_names import is_key_name, is_shown_key
from stopper.core.naming import sensitive
from stopper.core.values import (
    Call,
    Choice,
    Item,
    Mapping,
    Name,
    Sequence,
    Unknown,
    Value,
    is_constant,
    text_of,
    walk,
)

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def secret_fields(facts: "SourceFacts", name: str) -> Iterator[tuple[int, str, Value | None]]:
    """The fields of the class that are called like a secret and are shown in its text: place, name and what stands in the class."""
    known = classes_by_name(facts).get(name)
    if known is None or not {"__repr__", "__str__", "__repr_args__"}.isdisjoint(known.methods):
        return
    for place, field in enumerate(known.fields):
        declared, typed = known.attributes.get(field), known.fields[field]
        written = isinstance(declared, Call) and is_constant(declared.keyword("repr"), False)
        hidden = written or field in known.unshown
        kept = any(
            isinstance(one, Name) and one.dotted.rpartition(".")[2].startswith("Secret") for one in walk(typed, 4)
        )
        if not hidden and not kept and (sensitive(field) is not None or is_key_name(field)):
            yield place, field, declared


def filled_with_keys(facts: "SourceFacts", name: str) -> Iterator[str]:
    """The fields of a record that are given the key which a caller has just shown, whatever they are called."""
    known = classes_by_name(facts).get(name)
    if known is None or "__init__" in known.methods or not is_record(facts, name):
        return
    fields = tuple(known.fields)
    for call in facts.calls(name):
        for field, value in (*zip(fields, call.args, strict=False), *call.keywords):
            if field in known.fields and is_shown_key(facts, value):
                yield field


_FILLS: Final = frozenset({"model_validate", "from_orm", "parse_obj", "model_construct"})
"""Methods of a model's class that make an object of what they are given."""
_DUMPS: Final = frozenset({"model_dump", "model_dump_json", "dict", "json", "asdict", "_asdict"})


def is_dump(value: Value) -> bool:
    """That an object gives all of itself: ``settings.model_dump()``, ``asdict(self)``."""
    return isinstance(value, Call) and value.method in _DUMPS and not value.keywords


def dumped_class(facts: "SourceFacts", value: Value) -> str:
    """The class whose object gives all of itself there, ``""`` where it is not seen."""
    if not isinstance(value, Call):
        return ""
    made = value.args[0] if value.method == "asdict" and value.args else value.receiver
    return seen_class(facts, made) if made is not None else ""


def seen_class(facts: "SourceFacts", value: Value, depth: int = 4) -> str:
    """The class of the project that the value is an object of: as it is made there, as a function gives it back, alone or in a list, and
    as ``g`` keeps it; ``""`` where it is not seen."""
    match value:
        case Name(dotted=dotted):
            kept = kept_for(facts, value) if depth and dotted not in classes_by_name(facts) else ()
            return _first_class(facts, kept, depth) or dotted
        case Call(callee=callee):
            head, _, word = callee.rpartition(".")
            given = [one.value for one in facts.returns_of(callee)] if depth else []
            return head if word in _FILLS else _first_class(facts, given, depth) or callee
        case Choice(options=several):
            return _first_class(facts, several, depth)
        case Item(owner=owner, key=Unknown()):
            listed = [one.value for one in facts.returns_of(owner.callee)] if isinstance(owner, Call) else [owner]
            return _first_class(facts, [one for each in listed for one in _members(each)], depth)
        case _:
            return ""


def _first_class(facts: "SourceFacts", values: "Iterable[Value]", depth: int) -> str:
    found = (seen_class(facts, one, depth - 1) for one in values) if depth else ()
    return next((one for one in found if one in classes_by_name(facts)), "")


def _members(value: Value) -> tuple[Value, ...]:
    return value.items if isinstance(value, Sequence) else ()


def declared_fields(value: Value) -> Iterator[tuple[str, Value]]:
    """The fields of a mapping, or of a model of Flask-RESTX made of one."""
    if isinstance(value, Call) and value.method in ("model", "inherit", "clone"):
        value = value.args[-1] if value.args else value
    if isinstance(value, Mapping):
        yield from ((text_of(key) or "", field) for key, field in value.items)


def gives_text(field: Value) -> bool:
    """That a field of an answer is a text."""
    name = field.dotted if isinstance(field, Name) else field.callee if isinstance(field, Call) else ""
    return name.rpartition(".")[2] in ("String", "Raw", "FormattedString")
