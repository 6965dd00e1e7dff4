"""Keys of an API among the columns of a row that is given out whole, or but for a few: ``{c.name: getattr(row, c.name) for c in …}``."""

from typing import TYPE_CHECKING, Final

from stopper.core.flow.body_models import classes_by_name
from stopper.core.keys.api_key_names import is_key_name
from stopper.core.naming import sensitive
from stopper.core.stores.whole_rows import tells_all
from stopper.core.values import (
    Call,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

if TYPE_CHECKING:
    from stopper.core.fact import ClassFact
    from stopper.core.facts import SourceFacts

_OF_PEOPLE: Final = frozenset({"UserMixin"})


def key_columns(known: "ClassFact | None") -> frozenset[str]:
    """The columns and fields of the class that are called a key of an API."""
    if known is None:
        return frozenset()
    made = {name for name, held in known.attributes.items() if isinstance(held, Call)} | set(known.fields)
    return frozenset(filter(is_key_column, made))


def is_key_column(name: str) -> bool:
    """That a column, field or member of that name holds a key of an API."""
    return sensitive(name) == "api-key" or (is_key_name(name) and "header" not in name.lower())


def shows_key_of_row(facts: "SourceFacts", function: str, value: Value) -> bool:
    """That each column of a row goes into the mapping, a key among them which nothing in *function* leaves out by its name."""
    if not isinstance(value, Mapping) or not value.open or len(value.items) != 1:
        return False
    key, _ = value.items[0]
    if isinstance(key, Member) and key.attribute in ("name", "key"):
        key = key.owner
    columns = key.owner if isinstance(key, Item) and text_of(key.key) is None else None
    return (
        columns is not None
        and _are_all(columns)
        and any(_left(facts, function, value, key_columns(one)) for one in _models(facts, columns))
    )


def _are_all(columns: Value) -> bool:
    """``row.__table__.columns``, ``self.__mapper__.column_attrs``, ``self.__dict__.items()``, ``vars(row).items()``"""
    match columns:
        case _ if tells_all(columns):
            return True
        case Call(receiver=None, callee=callee):
            return callee.endswith(".__dict__.items")
        case Call(method="items", receiver=Member(attribute="__dict__") | Call(callee="vars")):
            return True
        case _:
            return False


def _models(facts: "SourceFacts", columns: Value) -> "list[ClassFact]":
    """The classes of the project whose row it may be."""
    known = classes_by_name(facts)
    found: dict[str, ClassFact] = {}
    for one in walk(columns, 8):
        said = one.callee if isinstance(one, Call) else one.dotted if isinstance(one, Name) else ""
        if ".current_user" in said:
            found |= {
                name: each
                for name, each in known.items()
                if any(base.rpartition(".")[2] in _OF_PEOPLE for base in each.bases)
            }
        words = said.split(".")
        for place in range(1, len(words) + 1):
            name = ".".join(words[:place])
            if name in known:
                found[name] = known[name]
    return list(found.values())


def _left(facts: "SourceFacts", function: str, value: Mapping, keys: frozenset[str]) -> bool:
    """That one of the keys is left where names are compared: a list of what goes out has none, a list of what stays may not name it."""
    for one in facts.comparisons_in(function):
        if value.span is None or not value.span.holds(one.span):
            continue
        if one.operator not in ("!=", "not in"):
            return False
        said = {text for part in (*walk(one.left, 4), *walk(one.right, 4)) if (text := text_of(part)) is not None}
        if not said and not _is_left_to_default(facts, function, one.right):
            return False  # a list that is not seen
        keys -= said
    return bool(keys)


def _is_left_to_default(facts: "SourceFacts", function: str, value: Value) -> bool:
    """``def to_dict(self, exclude=()):`` that somebody calls without a word: then nothing is left out."""
    named = next((one for one in options(value) if isinstance(one, Parameter) and one.index >= 0), None)
    if named is None or not _is_empty(named.default):
        return False
    calls = facts.calls(function, f"*.{function.rpartition('.')[2]}")
    return any(
        (call.callee == function or facts.function(call.callee) is None) and call.lacks(named.index, named.parameter)
        for call in calls
    )


def _is_empty(value: Value | None) -> bool:
    return is_constant(value, None) or (isinstance(value, (Sequence, Mapping)) and not value.items and not value.open)
