"""The columns of tables, as the statements of a project tell them: no model says them where SQL is written by hand."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Value, text_of, walk

_NAMED: Final = r"[\"`\[]?(?:\w+\.)?(\w+)[\"`\]]?"
_MADE: Final = re.compile(rf"(?is)\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?{_NAMED}\s*\((.*)\)")
_FILLED: Final = re.compile(rf"(?is)\b(?:insert|replace)\s+(?:or\s+\w+\s+)?into\s+{_NAMED}\s*\(([^)]*)\)")
_READ: Final = re.compile(rf"(?is)\bselect\s([\w\s,.\"`]{{1,2000}}?)\sfrom\s+{_NAMED}(?:\s|;|$)")
_ASKED: Final = re.compile(rf"(?is)\b(?:from|update|into)\s+{_NAMED}")
_OF_ONE: Final = re.compile(
    rf"(?is)\s*(?:select\b(?:(?!\b(?:from|join)\b).)*\bfrom|delete\s+from|update)\s+{_NAMED}(?:\s+set\s(?:(?!\b(?:where|from|select)\b).)*)?\s+where\s(?P<where>(?:(?!\b(?:select|join)\b).)*)"
)
"""A statement about one table, and what it asks of its rows."""
_WHOLE_ROW: Final = re.compile(rf"(?is)\s*select\s+\*\s+from\s+{_NAMED}")
_WHOLE: Final = re.compile(rf"(?is)\s*select\s(?!\s*count)[^()]*\sfrom\s+{_NAMED}(?!.*\b(?:where|join)\b)")
_COMPARED: Final = re.compile(r"(?:^|[\s(])[\"`\[]?(\w+)[\"`\]]?\s*=")
STATEMENTS: Final = (
    "*.execute",
    "*.executescript",
    "*.executemany",
    "*.query",
    "*.query_db",
    "*.fetch_one",
    "*.fetch_all",
    "*.text",
)


def tables_of(facts: SourceFacts) -> dict[str, frozenset[str]]:
    """The columns of each table, in lower case, by the table's name."""
    return facts.once("tables of statements", lambda: _tables(facts))


def _tables(facts: SourceFacts) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for text in _statements(facts):
        for table, columns in _told(text):
            found[table] = found.get(table, frozenset()) | columns
    return found


def _statements(facts: SourceFacts) -> Iterator[str]:
    """The texts that a database is asked, also by functions of the project's own that take the statement."""
    for call in facts.calls(*STATEMENTS):
        for value in call.args[:1]:
            yield from (one for part in walk(value, 3) if (one := text_of(part)) is not None and " " in one)
    for call in facts.calls():
        text = text_of(call.args[0]) if call.args else None
        if text is not None and _BEGINS.match(text) and facts.function(call.callee) is not None:
            yield text


def tables_read_whole(facts: SourceFacts) -> frozenset[str]:
    """The tables of which a statement asks for all rows, whoever they belong to, in lower case."""

    def find() -> frozenset[str]:
        return frozenset(one[1].lower() for text in _statements(facts) if (one := _WHOLE.match(text)) is not None)

    return facts.once("tables that are read whole", find)


def made_tables(facts: SourceFacts) -> dict[str, tuple[str, ...]]:
    """The columns of each table that a statement makes, in their order, by the table's name in lower case."""

    def find() -> dict[str, tuple[str, ...]]:
        given = (part for call in facts.calls(*STATEMENTS) for one in call.args[:1] for part in walk(one, 3))
        texts = (text for part in given if (text := text_of(part)) is not None and "create" in text.lower())
        return {table: columns for text in texts for table, columns in made_in(text).items()}

    return facts.once("tables that are made", find)


def made_in(text: str) -> dict[str, tuple[str, ...]]:
    """The same of one script."""
    made = (found for statement in text.split(";") if (found := _MADE.search(statement)) is not None)
    return {
        found[1].lower(): tuple(row.split()[0].strip('"`[]').lower() for row in found[2].split(",") if row.split())
        for found in made
    }


_BEGINS: Final = re.compile(r"(?i)\s*(?:select|insert|update|delete|replace|create)\s")


def _told(text: str) -> list[tuple[str, frozenset[str]]]:
    told: list[tuple[str, Sequence[str]]] = list(made_in(text).items())
    told += [(filled[1], filled[2].split(",")) for filled in _FILLED.finditer(text)]
    told += [(read[2], [name.split(".")[-1] for name in read[1].split(",")]) for read in _READ.finditer(text)]
    if (one := _OF_ONE.match(text)) is not None:
        told.append((one[1], _COMPARED.findall(one["where"])))
    return [
        (table.lower(), frozenset(name.strip().strip('"`[]').lower() for name in columns if name.strip()))
        for table, columns in told
    ]


def columns_read(rows: Value) -> tuple[str, ...]:
    """The columns that a statement written out asks for, in their order, where *rows* is what it answered; empty where nobody can tell."""
    for part in walk(rows, 5):
        if isinstance(part, Call) and part.args and (f"*.{part.method}" in STATEMENTS or _is_query(part.args[0])):
            read = _READ.search(text_of(part.args[0]) or "")
            if read is not None:
                last = [name.split(".")[-1].split() for name in read[1].split(",") if name.strip()]
                return tuple(words[-1].strip('"`') if words else "" for words in last)
    return ()


def columns_fetched(facts: SourceFacts, rows: Value) -> tuple[str, ...]:
    """The same, also of ``SELECT *`` where a statement of the project makes the table."""
    if (columns := columns_read(rows)) or not isinstance(rows, Call):
        return columns
    for part in walk(rows, 5):
        if isinstance(part, Call) and part.args and (one := _WHOLE_ROW.match(text_of(part.args[0]) or "")):
            return made_tables(facts).get(one[1].lower(), ())
    return ()


def _is_query(value: Value) -> bool:
    """``rows("SELECT id, name FROM shops")``: a function of the project's own takes the statement."""
    return (text_of(value) or "")[:20].lstrip().lower().startswith("select ")


def table_of(call: Call) -> str:
    """The table that a statement is about, in lower case; empty where no statement is written out."""
    for part in walk(call.args[0], 3) if call.args else ():
        text = text_of(part)
        asked = _ASKED.search(text) if text is not None and " " in text else None
        if asked is not None:
            return asked[1].lower()
    return ""
