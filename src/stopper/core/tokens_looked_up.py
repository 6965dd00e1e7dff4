"""Opaque tokens: a column of somebody's account in which what a caller sent is looked up."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.named_columns import names_of_columns
from stopper.core.people_tables import is_of_people, kind_of_query
from stopper.core.sql_tables import table_of
from stopper.core.values import Call, Mapping, Name, Value, text_of, walk

_COLUMN: Final = re.compile(r"(?i)(?:api|auth|access|session|login|bearer)?_?token")
_STATEMENT: Final = re.compile(
    r"(?i)\bwhere\b.*\b(?:(?:api|auth|access|session|login)_)?token\s*=\s*(?:\?|%s|:\w+|%\()"
)
_FINDS: Final = (
    "*.filter_by",
    "*.find_one",
    "*.get_or_none",
    "*.select_by",
    "*.execute",
    "*.fetch_one",
    "*.query_db",
    "*.query_one",
)


def tokens_looked_up(facts: SourceFacts) -> Iterator[tuple[Value, str]]:
    """What is looked up in such a column, and the function that does it."""
    for call in facts.calls(*_FINDS):
        for column, value in _columns(call):
            if _COLUMN.fullmatch(column) and is_of_people(kind_of_query(call)):
                yield value, call.function
        if call.args and _STATEMENT.search(_statement(call)) and is_of_people(table_of(call)):
            yield from ((value, call.function) for value in (*call.args[1:], *(one for _, one in call.keywords)))
    for one in facts.comparisons("=="):
        for side, value in ((one.left, one.right), (one.right, one.left)):
            owner, name = _column(facts, side)
            if name and _COLUMN.fullmatch(name) and is_of_people(owner.rpartition(".")[2]):
                yield value, one.function


def _columns(call: Call) -> Iterator[tuple[str, Value]]:
    yield from call.keywords
    for given in call.args[:1]:
        if isinstance(given, Mapping):
            yield from ((text_of(key) or "", value) for key, value in given.items)


def _statement(call: Call) -> str:
    return next((text for part in walk(call.args[0], 3) if (text := text_of(part)) and " " in text), "")


def _column(facts: SourceFacts, value: Value) -> tuple[str, str]:
    if isinstance(value, Call):
        return names_of_columns(facts).get(id(value), ("", ""))
    owner, _, name = value.dotted.rpartition(".") if isinstance(value, Name) else ("", "", "")
    return (owner, name) if owner.rpartition(".")[2][:1].isupper() else ("", "")
