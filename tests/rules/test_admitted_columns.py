"""Columns of an UPDATE that are named by whoever calls: told where any name comes through, silent where a list admits them."""

from pathlib import Path

import pytest

from stopper.scan.catalogue import survey
from stopper.scan.source.read import read_source

RULES = {rule.slug: rule for rule in survey()[0]}
HEAD = """
import sqlite3
from flask import Flask, abort, request
ALLOWED = ("title", "text")
app = Flask(__name__)
store = sqlite3.connect("notes.db")
@app.put("/notes")
def change():
    said = request.get_json()
"""
RUN = """
    columns = ", ".join(f"{name} = ?" for name in changes)
    store.execute(f"UPDATE notes SET {columns} WHERE id = 1", [*changes.values()])
    return "", 204
"""
LOOP = """
    columns, values = [], []
    for name, value in changes.items():
        columns.append(f"{name} = ?")
        values.append(value)
    store.execute(f"UPDATE notes SET {', '.join(columns)} WHERE id = 1", values)
    return "", 204
"""
# fmt: off
ADMITTED = [
    "changes = {name: value for name, value in said.items() if name in ALLOWED}",
    "changes = {name: said[name] for name in ALLOWED if name in said}",
    "changes = {name: said[name] for name in said if name in ('title', 'text')}",
    "changes = {}\n    for name in ALLOWED:\n        if name in said:\n            changes[name] = said[name]",
    "changes = {}\n    for name, value in said.items():\n        if name in ALLOWED:\n            changes[name] = value",
    "changes = {}\n    for name, value in said.items():\n        if name in ALLOWED and isinstance(value, str):\n            changes[name] = value",
    "changes = {}\n    for name in said:\n        if name not in ALLOWED:\n            continue\n        changes[name] = said[name]",
    "strange = [name for name in said if name not in ALLOWED]\n    if strange:\n        abort(400)\n    changes = {name: value for name, value in said.items()}",
    "for name in said:\n        if name not in ALLOWED:\n            return 'unknown', 400\n    changes = {name: said[name] for name in said}",
]
ANY = [
    "changes = {name: value for name, value in said.items() if value}",
    "changes = {name: value for name, value in said.items() if name not in ('id', 'owner')}",
    "changes = {}\n    for name, value in said.items():\n        if value is not None:\n            changes[name] = value",
    "changes = {name: said[name] for name in said}",
]
# fmt: on


def told(folder: Path, body: str) -> bool:
    """Whether the rule speaks of the program."""
    (folder / "app.py").write_text(f"{HEAD}    {body}\n")
    detect = RULES["sql-injection"].detect
    assert detect is not None
    return any(True for _ in detect(read_source((folder,), folder).app))


@pytest.mark.parametrize("run", [RUN, LOOP], ids=["joined", "looped"])
@pytest.mark.parametrize("way", ADMITTED)
def test_names_that_a_list_admits_are_no_injection(tmp_path: Path, way: str, run: str) -> None:
    assert not told(tmp_path, way + run)


@pytest.mark.parametrize("run", [RUN, LOOP], ids=["joined", "looped"])
@pytest.mark.parametrize("way", ANY)
def test_any_name_is_one(tmp_path: Path, way: str, run: str) -> None:
    assert told(tmp_path, way + run)


def test_a_list_of_names_says_nothing_of_what_stands_under_them(tmp_path: Path) -> None:
    kept = "changes = {name: value for name, value in said.items() if name in ALLOWED}\n    "
    run = "store.execute(f\"UPDATE notes SET text = '{changes['text']}'\")\n    return '', 204"
    assert told(tmp_path, kept + run)
