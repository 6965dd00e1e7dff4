"""What is made with which columns: by a class or a function that is told by keyword, by an INSERT, or as a document."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import class_of, classes_by_name
from stopper.core.owner_names import WHOSE_ID
from stopper.core.stores.sql_conditions import inserted
from stopper.core.stores.sql_tables import STATEMENTS, table_of
from stopper.core.values import Call, Constant, Item, Mapping, Member, Name, Value, is_constant, text_of, walk

_MAKES: Final = re.compile(r"[A-Z]|(?i:create|add|new|insert|register|make|save|set|update|dict)")
_DOCUMENTS: Final = frozenset({"insert_one", "insert", "put_item", "insert_many"})
_ASKS_DOCUMENTS: Final = frozenset({"find", "find_one", "update_one", "delete_one", "find_one_and_update", "count_documents"})  # fmt: skip

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
            noun = call.method if call.method[:1].isupper() else ""
            yield Made(call, noun, (*_own(call.keywords), *_poured(facts, call)))
        if call.method in _DOCUMENTS:
            yield from (Made(call, collection_of(call), _own(columns)) for columns in _documents(call))
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


def _poured(facts: SourceFacts, call: Call) -> Iterator[tuple[str, Value]]:
    """The columns of ``Pin(**data)`` that the schema or model which read ``data`` lets a caller send, and nothing writes anew."""
    for name, spread in call.keywords:
        made = class_of(facts, spread) if name == "**" else None
        known = classes_by_name(facts).get(made) if made is not None else None
        if known is None:
            continue
        held = spread.receiver if isinstance(spread, Call) and spread.receiver is not None else spread
        for field, said in {**known.fields, **known.attributes}.items():
            if WHOSE_ID.fullmatch(field) and not _is_shown_only(said) and not _is_set_anew(facts, call, field):
                yield field, Item(held, Constant(field)) if held is spread else Member(held, field)


def _is_shown_only(field: Value) -> bool:
    return isinstance(field, Call) and is_constant(field.keyword("dump_only"), True)


def _is_set_anew(facts: SourceFacts, call: Call, field: str) -> bool:
    """``data["user_id"] = current_user.id``, ``data.pop("user_id", None)``, ``@blp.arguments(PinSchema(exclude=("user_id",)))``"""
    if call.keyword(field) is not None or any(one.attribute == field for one in facts.assignments_in(call.function)):
        return True
    known = facts.function(call.function)
    told = [one.call for one in (known.decorators if known is not None else ()) if one.call is not None]
    told += [
        one
        for one in facts.calls_in(call.function)
        if one.method in ("pop", "update", "setdefault", "model_dump", "dict", "load")
    ]
    return any(
        text_of(part) == field or (isinstance(part, Call) and part.keyword("only") is not None)
        for one in told
        for part in walk(one, 4)
    )


def _documents(call: Call) -> Iterator[Columns]:
    for given in (*call.args[:1], *(value for name, value in call.keywords if name in ("Item", "document"))):
        if isinstance(given, Mapping):
            yield tuple((text_of(key) or "", value) for key, value in given.items)


def collection_of(call: Call) -> str:
    """The name of the collection of documents that a call asks or fills."""
    held = call.receiver
    if isinstance(held, Member):
        return held.attribute
    return held.dotted.rpartition(".")[2] if isinstance(held, Name) else call.callee.split(".")[-2]


def collections_of(facts: SourceFacts) -> dict[str, frozenset[str]]:
    """The members of the documents of each collection, as those say that are put into it and what is asked of it."""
    return facts.once("collections of documents", lambda: _collections(facts))


def _collections(facts: SourceFacts) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for call in facts.calls(*(f"*.{word}" for word in sorted(_ASKS_DOCUMENTS | _DOCUMENTS))):
        if call.receiver is not None or call.callee.count(".") > 1:
            noun = collection_of(call)
            named = frozenset(name for columns in _documents(call) for name, _ in columns)
            found[noun] = found.get(noun, frozenset()) | named
    return found


def is_listed_whole(facts: SourceFacts, collection: str) -> bool:
    """``things.find()``: all documents of the collection are asked for, whoever they belong to."""
    return any(
        collection_of(call) == collection and all(isinstance(one, Mapping) and not one.items for one in call.args[:1])
        for call in facts.calls("*.find")
        if call.receiver is not None or call.callee.count(".") > 1
    )
