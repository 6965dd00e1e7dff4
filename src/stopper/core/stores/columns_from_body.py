"""Statements whose columns are the names that a caller sent: ``f"UPDATE cards SET {', '.join(f'{key} = ?' for key in data)}"``."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Comparison
from stopper.core.facts import SourceFacts
from stopper.core.flow.whole_body import admits_by_list, is_whole
from stopper.core.place import Span
from stopper.core.values import Call, Format, Item, Value, options, text_of, walk

_RUNS: Final = ("*.execute", "*.executemany")
_WRITES: Final = re.compile(r"(?is)\binsert\s+into\s+[\w\"`.]+\s*\(\s*$|\bupdate\s+[\w\"`.]+\s+set\s*$")
"""What stands in front of the columns."""
_DEPTH: Final = 9


def columns_from_body(facts: SourceFacts) -> Iterator[Call]:
    """The calls that run such a statement, where no list says which names may come."""
    for call in facts.calls(*_RUNS):
        for option in options(call.argument(0)):
            if isinstance(option, Format) and _takes_names(option) and not _is_sifted(facts, call.function):
                yield call
                break


def _takes_names(statement: Format) -> bool:
    before = ""
    for part in statement.parts:
        text = text_of(part)
        if text is None and _WRITES.search(before) and any(map(_is_sent_name, walk(part, _DEPTH))):
            return True
        before = before + text if text is not None else ""
    return False


def _is_sent_name(value: Value) -> bool:
    """One of the keys of a whole body."""
    keys = value.owner if isinstance(value, Item) else None
    return isinstance(keys, Call) and keys.method == "keys" and not keys.args and is_whole(keys.receiver)


def _is_sifted(facts: SourceFacts, function: str) -> bool:
    """That a name is looked up in a list before it becomes a column."""
    taken: list[Span | None] = [
        call.span
        for call in facts.calls_in(function)
        if call.method in ("append", "add", "extend")
        and any(_is_sent_name(part) for one in call.args for part in walk(one, 4))
    ]
    asked = [
        one
        for one in facts.comparisons_in(function)
        if one.operator in ("in", "not in") and any(map(_is_sent_name, walk(one.left, 3)))
    ]
    kept = [made.span for made in facts.assignments_in(function) if made.target.startswith("[")]
    return any(
        not taken or all(admits_by_list(facts, one, place) for place in taken) or _keeps_those(facts, one, kept)
        for one in asked
    )


def _keeps_those(facts: SourceFacts, one: Comparison, kept: list[Span]) -> bool:
    """``if name in KNOWN: changes[name] = value``: what is taken of the names further down is taken of those that were kept."""
    return one.operator == "in" and any(
        asked.span.holds(one.span) and asked.body is not None and not asked.negated and any(map(asked.body.holds, kept))
        for asked in facts.conditions_in(one.function)
    )
