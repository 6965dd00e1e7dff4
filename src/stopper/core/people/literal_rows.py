"""Rows of people whose name and password stand in the source: in an INSERT, a document, a mapping."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.people.literal_accounts import (
    PEOPLE,
    USER_KEY,
    USUAL,
    hashes_password,
    holds_password,
    is_default,
    literal_texts,
)
from stopper.core.place import Span
from stopper.core.stores.inserted_rows import INSERT, columns_of, quoted
from stopper.core.stores.sql_conditions import put_into, statement_of
from stopper.core.stores.sql_tables import made_in, made_tables
from stopper.core.values import Call, Mapping, Sequence, Value, text_of, walk

_RUNS_SQL: Final = r"(.*[.])?(execute|executemany|executescript|execute_sql)"


def inserted(facts: SourceFacts) -> Iterator[Span]:
    """An INSERT into a table of people, its values in the text or beside it."""
    for call in facts.calls_matching(_RUNS_SQL):
        said = statement_of(call.argument(0)) or next(
            (text for one in walk(call.argument(0), 3) if (text := text_of(one)) and "insert" in text.lower()), ""
        )
        if (
            "insert" in said.lower()
            and call.span is not None
            and any(_has_default(facts, call, one) for one in said.split(";") if said)
        ):
            yield call.span


def _has_default(facts: SourceFacts, call: Call, statement: str) -> bool:
    match = INSERT.search(statement)
    if match is None:
        return False
    put_in = [list(literal_texts(facts, one)) for one in put_into(call.argument(0))]
    beside = [put_in] if put_in else list(_beside(facts, call))
    rows = [quoted(row, beside[0] if beside else []) for row in re.findall(r"\(([^()]*)\)", match["rows"])]
    columns = columns_of(match, made_tables(facts))
    cells = (zip(columns, row, strict=False) for row in _rows_beside(call))
    return any(_is_default(columns, row) for row in (*rows, *beside)) or any(
        is_default(*names_and_passwords(facts, row)) for row in cells
    )


def _is_default(columns: list[str], row: list[list[str]]) -> bool:
    pairs = list(zip(columns, row, strict=False))
    names = [text for key, texts in pairs if USER_KEY.fullmatch(key) for text in texts]
    return is_default(names, [text for key, texts in pairs if holds_password(key) for text in texts])


def in_files(facts: SourceFacts) -> Iterator[Span]:
    """The same in a file of SQL beside the code: ``schema.sql``, ``seed.sql``."""
    for file in facts.files_of("sql"):
        if _FOR_TESTS.search(file.path):
            continue
        for number, _ in file.lines_with("insert"):
            statement = "\n".join(file.lines[number - 1 : number + _LONGEST]).partition(";")[0]
            match = INSERT.match(statement.lstrip())
            if match is None:
                continue
            columns = columns_of(match, made_in("\n".join(file.lines)) if match["columns"] is None else {})
            if any(_is_default(columns, quoted(one, [])) for one in re.findall(r"\(([^()]*)\)", match["rows"])):
                yield Span(file.path, number, number, 1, len(file.lines[number - 1]) + 1)


_LONGEST: Final = 40
"""So many lines of one statement are looked at."""
_FOR_TESTS: Final = re.compile(r"(?i)(?:^|[/_.-])(?:tests?|fixtures?|samples?|examples?|demo|dummy|mock)(?:[/_.-]|$)")


def written(facts: SourceFacts) -> Iterator[Span]:
    """``op.bulk_insert(users, [{"email": "admin@…", "password_hash": hash("Welcome1")}])``, and documents."""
    for call in facts.calls("*.bulk_insert", "*.insert_one", "*.insert_many", "*.bulk_insert_mappings"):
        rows = [part for one in call.args for part in walk(one, 2) if isinstance(part, Mapping)]
        if call.span is not None and any(has_default(facts, row) for row in rows):
            yield call.span
    for call in facts.calls("*.values"):  # ``users.insert().values(email="admin@…", …)``, as migrations write it
        inserts = isinstance(call.receiver, Call) and call.receiver.method == "insert"
        if inserts and call.span is not None and is_default(*names_and_passwords(facts, call.keywords)):
            yield call.span
    for call in facts.calls("*.update_one", "*.replace_one", "*.find_one_and_update", "*.execute"):
        if call.method == "execute" and not any(
            isinstance(one, Call) and one.method == "insert" for one in walk(call.argument(0), 3)
        ):
            continue
        given = [
            (text_of(key) or "", value)
            for one in call.args[:2]
            for part in walk(one, 3)
            if isinstance(part, Mapping)
            for key, value in part.items
        ]
        if call.span is not None and is_default(*names_and_passwords(facts, given)):
            yield call.span


def _beside(facts: SourceFacts, call: Call) -> Iterator[list[list[str]]]:
    """The rows that are passed as parameters: one, or a list of them."""
    for row in _rows_beside(call):
        yield [list(literal_texts(facts, one)) for one in row]


def _rows_beside(call: Call) -> Iterator[tuple[Value, ...]]:
    value = call.argument(1, "parameters", "params")
    if isinstance(value, Sequence):
        inner = [one for one in value.items if isinstance(one, Sequence)]
        yield from (row.items for row in inner or [value])


def has_default(facts: SourceFacts, store: Mapping) -> bool:
    names = [
        text
        for key, value in store.items
        if USER_KEY.fullmatch(text_of(key) or "")
        for text in literal_texts(facts, value)
    ]
    passwords = [
        text for key, value in store.items if holds_password(text_of(key) or "") for text in literal_texts(facts, value)
    ]
    if is_default(names, passwords):
        return True
    for key, value in store.items:
        name = text_of(key)
        if name is None or USER_KEY.fullmatch(name) or holds_password(name):
            continue
        if isinstance(value, Mapping):
            held = [
                text
                for said, one in value.items
                if holds_password(text_of(said) or "")
                for text in literal_texts(facts, one)
            ]
        else:
            held = list(literal_texts(facts, value)) if isinstance(value, Call) or PEOPLE.fullmatch(name) else []
            held = [text for text in held if isinstance(value, Call) or USUAL.fullmatch(text)]
        if is_default([name], held):
            return True
    return False


def names_and_passwords(facts: SourceFacts, given: Iterable[tuple[str, Value]]) -> tuple[list[str], list[str]]:
    names: list[str] = []
    passwords: list[str] = []
    for key, value in given:
        if USER_KEY.fullmatch(key):
            names += literal_texts(facts, value)
        elif holds_password(key) or hashes_password(facts, value):
            passwords += literal_texts(facts, value)
    return names, passwords
