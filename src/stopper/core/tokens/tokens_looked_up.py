"""Opaque tokens: a column of somebody's account in which what a caller sent is looked up."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.people.people_tables import is_of_people, kind_of_query
from stopper.core.stores.named_columns import column_of
from stopper.core.stores.sql_conditions import compared
from stopper.core.stores.sql_tables import STATEMENTS, table_of
from stopper.core.values import Call, Mapping, Value, text_of

_COLUMN: Final = re.compile(r"(?i)(?:api|auth|access|session|login|bearer)?_?token")
_FINDS: Final = ("*.filter_by", "*.find_one", "*.get_or_none", "*.select_by")


def tokens_looked_up(facts: SourceFacts) -> Iterator[tuple[Value, str]]:
    """What is looked up in such a column, and the function that does it."""
    for call in facts.calls(*_FINDS):
        if is_of_people(kind_of_query(call)):
            yield from ((value, call.function) for column, value in _columns(call) if _COLUMN.fullmatch(column))
    for call in facts.calls(*STATEMENTS):
        if call.args and is_of_people(table_of(call)):
            yield from ((value, call.function) for column, value in compared(call) if _COLUMN.fullmatch(column))
    for one in facts.comparisons("=="):
        for side, value in ((one.left, one.right), (one.right, one.left)):
            owner, name = column_of(facts, side)
            if name and _COLUMN.fullmatch(name) and is_of_people(owner.rpartition(".")[2]):
                yield value, one.function


def _columns(call: Call) -> Iterator[tuple[str, Value]]:
    yield from call.keywords
    for given in call.args[:1]:
        if isinstance(given, Mapping):
            yield from ((text_of(key) or "", value) for key, value in given.items)
