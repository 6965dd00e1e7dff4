"""Columns of a statement that a caller names: each was found in a list, in the loop or the comprehension that goes through them."""

from pathlib import Path

import pytest

from stopper.scan.catalogue import find
from stopper.scan.detecting import run_detectors
from stopper.scan.source.read import read_source

HEAD = """
import sqlite3
from flask import Flask, request

app = Flask(__name__)
db = sqlite3.connect("shop.db")
COLUMNS = ("name", "color")
"""
COMPREHENSION = """
@app.get("/items")
def items():
    asked = {name: value for name, value in request.args.to_dict().items() if name %s COLUMNS}
    where = " AND ".join(f"{name} = ?" for name in asked) or "1"
    return db.execute(f"SELECT id FROM items WHERE {where}", list(asked.values())).fetchall()
"""
LOOP = """
@app.patch("/items/<int:number>")
def part(number):
    columns, values = [], []
    for name, value in request.get_json().items():
        if name %s COLUMNS:
            continue
        columns.append(f"{name} = ?")
        values.append(value)
    db.execute("UPDATE items SET " + ", ".join(columns) + " WHERE id = ?", [*values, number])
    return "", 204
"""


def told(tmp_path: Path, text: str) -> bool:
    """Whether the rule tells of that program."""
    (tmp_path / "app.py").write_text(HEAD + text, encoding="utf-8")
    rule = find("sql-injection")
    assert rule is not None
    (result,) = run_detectors(read_source((tmp_path,), tmp_path).app, [rule])
    assert not result.error
    return bool(result.hits)


@pytest.mark.parametrize("text", [COMPREHENSION % "in", LOOP % "not in"])
def test_a_name_that_a_list_admits_is_no_injection(tmp_path: Path, text: str) -> None:
    assert not told(tmp_path, text)


@pytest.mark.parametrize("text", [COMPREHENSION % "not in", LOOP % "in"])
def test_a_list_of_what_may_not_be_sent_admits_the_rest(tmp_path: Path, text: str) -> None:
    assert told(tmp_path, text)
