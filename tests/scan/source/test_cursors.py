"""What a cursor fetches is what it was asked for in the line before: read as if both stood in one line."""

from pathlib import Path

import pytest

from stopper.core.values import Call, Constant, Item, Value, text_of, walk
from stopper.scan.source.read import read_source

FETCHED = [
    "cursor.execute(ASKED)\n    return cursor.fetchone()",
    "cursor.execute(ASKED)\n    rows = cursor.fetchall()\n    return rows",
    "cursor.execute(ASKED)\n    return [row for row in cursor]",
    "cursor.execute(ASKED)\n    for row in cursor:\n        return row",
    "cursor.execute('SELECT 1')\n    cursor.execute(ASKED)\n    return cursor.fetchmany(5)",
    "if flag:\n        cursor.execute('SELECT 1')\n    else:\n        cursor.execute(ASKED)\n    return cursor.fetchall()",
    "with cursor as held:\n        held.execute(ASKED)\n        return held.fetchone()",
    "try:\n        cursor.execute(ASKED)\n    finally:\n        print('asked')\n    return cursor.fetchone()",
]
OTHERS = [
    "other.execute(ASKED)\n    return cursor.fetchone()",
    "cursor.execute(ASKED)\n    cursor.execute('SELECT 1')\n    return cursor.fetchone()",
    "return cursor.fetchone()",
]


def returned(folder: Path, body: str) -> Value:
    """What the function gives back."""
    source = (
        f"from flask import Flask\n\nASKED = 'SELECT name FROM pots'\n\n\ndef asked(cursor, other, flag):\n    {body}\n"
    )
    (folder / "app.py").write_text(source)
    facts = read_source((folder,), folder).app.source
    assert facts is not None
    return facts.returns_of("app.asked")[-1].value


def statements(value: Value) -> list[str]:
    """The statements behind a value."""
    ran = [part for part in walk(value, 8) if isinstance(part, Call) and part.method == "execute"]
    return [text_of(one.args[0]) or "" for one in ran]


@pytest.mark.parametrize("body", FETCHED)
def test_rows_come_from_the_statement_before_them(tmp_path: Path, body: str) -> None:
    assert "SELECT name FROM pots" in statements(returned(tmp_path, body))


@pytest.mark.parametrize("body", OTHERS)
def test_rows_come_from_no_other_statement(tmp_path: Path, body: str) -> None:
    assert "SELECT name FROM pots" not in statements(returned(tmp_path, body))


@pytest.mark.parametrize(
    "body",
    [
        "cursor.execute(ASKED)\n    for number, name in cursor.fetchall():\n        return name",
        "cursor.execute(ASKED)\n    for number, name in cursor:\n        return name",
        "cursor.execute(ASKED)\n    number, name = cursor.fetchone()\n    return name",
        "return [name for number, name in cursor.execute(ASKED)]",
    ],
)
def test_a_row_that_is_taken_apart_keeps_its_columns(tmp_path: Path, body: str) -> None:
    cells = [part for part in walk(returned(tmp_path, body), 3) if isinstance(part, Item)]
    assert [part.key.value for part in cells if isinstance(part.key, Constant)] == [1]
