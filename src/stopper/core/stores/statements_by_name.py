"""Statements of SQL that something runs which is known by its name alone: ``connection.execute_scalar("SELECT … '{}'".format(name))``."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import Call, Format, text_of

_BY_MORE: Final = re.compile(r"\?\.(?:run|fetch|select|query|exec)_\w+|(?:.*\.)?execute_\w+")
_RUNS: Final = rf"{_BY_MORE.pattern}|(?:.*\.)?(?:query|(?:run|query|exec|execute)_?(?:db|sql|query|statement)|(?:db|sql)_?(?:run|query|exec|execute))"
"""Methods of objects that nobody knows, of drivers of the project's own and of PyGreSQL, and functions like ``query_db`` of Flask's tutorial."""
_STATEMENT: Final = re.compile(
    r"(?is)\s*(?:select\s[^;]*?(?:\bfrom\s|\w\()|insert\s+into\s|update\s+[\w.\"`]+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s"
    r"|(?:create|drop|alter)\s+(?:table|view|index|user|role|database|schema)\s)"
)


def run_by_name(facts: SourceFacts, told: Collection[Span | None]) -> Iterator[tuple[Call, Format]]:
    """The calls that are handed a statement which was put together, with it; none that was followed to where it is run, and *told* there."""
    for call in facts.calls_matching(_RUNS):
        text = call.argument(0, "sql", "text", "query", "statement")
        opening = text_of(text.parts[0]) if isinstance(text, Format) and text.parts else None
        if call.span is None or not isinstance(text, Format) or opening is None or not _STATEMENT.match(opening):
            continue
        if not _BY_MORE.fullmatch(call.callee) and facts.function(call.callee) is not None:
            continue  # what a function of the project does with it was read
        if not any(place is not None and call.span.holds(place) for place in told):
            yield call, text
