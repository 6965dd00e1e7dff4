"""What is made with which columns: by a class or a function that is told by keyword, by an INSERT, or as a document."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from stopper.core.facts import SourceFacts
from stopper.core.sql_conditions import inserted
from stopper.core.sql_tables import STATEMENTS, table_of
from stopper.core.values import Call, Mapping, Member, Name, Value, text_of

_MAKES: Final = re.compile(r"[A-Z]|(?i:create|add|new|insert|register|make|save|set|update|dict)")
_DOCUMENTS: Final = frozenset({"insert_one", "insert", "put_item", "insert_many"})

Columns: TypeAlias = tuple[tuple[str, Value], ...]


class Made(NamedTuple):
    """A call that makes something: the class, table or collection, empty for a function, and its columns with their values."""

    call: Call
    noun: str
    columns: Columns


def makes(call: Call) -> bool:
    """That the call makes or changes something, by its name."""
    return _MAKES.match(call.method) is not None


def made_things(facts: SourceFacts) -> Iterator[Made]:
    """Each such call. A column that is a field of an object made with keywords counts where that object is made."""
    for call in facts.calls():
        if call.keywords and makes(call):
            yield Made(call, call.method if call.method[:1].isupper() else "", _own(call.keywords))
        if call.method in _DOCUMENTS:
            yield from (Made(call, _collection(call), _own(columns)) for columns in _documents(call))
    for call in facts.calls(*STATEMENTS):
        if columns := tuple(inserted(call)):
            yield Made(call, table_of(call), _own(columns))


def _own(columns: Columns) -> Columns:
    """The columns but for ``pin.owner`` of ``pin = Pin(owner=…)``."""
    return tuple(
        (name, value)
        for name, value in columns
        if not (isinstance(value, Member) and isinstance(value.owner, Call) and value.owner.keyword(value.attribute))
    )


def _documents(call: Call) -> Iterator[Columns]:
    for given in (*call.args[:1], *(value for name, value in call.keywords if name in ("Item", "document"))):
        if isinstance(given, Mapping):
            yield tuple((text_of(key) or "", value) for key, value in given.items)


def _collection(call: Call) -> str:
    held = call.receiver
    if isinstance(held, Member):
        return held.attribute
    return held.dotted.rpartition(".")[2] if isinstance(held, Name) else call.callee.split(".")[-2]
