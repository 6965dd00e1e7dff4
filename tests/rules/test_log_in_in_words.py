"""Log-ins of a statement that let nobody in by a condition and say otherwise all the same, and errors of databases in pages that succeed."""

import sqlite3
from html import escape
from typing import Any

import pytest
from flask import Flask, request
from tests.rules.from_outside import RULES, reached, verdict

from stopper.core.probing.errors_seen import ERRORS
from stopper.scan.engine import run_probe

PAGE = (
    '<p>{}</p><form method="post" action="/login"><input name="username"><input name="password" type="password"></form>'
)


def door(way: str) -> Flask:
    """A log-in that asks with a statement of the name (``joined``), with a placeholder, or behind a filter of words."""
    app = Flask("door")
    people = sqlite3.connect(":memory:", check_same_thread=False)
    people.execute("create table people (name text, password text)")
    people.execute("insert into people values ('ana', 'not-a-word')")

    def shown() -> str:
        return PAGE.format("")

    @app.post("/login")
    def log_in() -> Any:
        name, password = request.form.get("username", ""), request.form.get("password", "")
        if way == "filter" and " OR " in name:
            return PAGE.format("no such signs")
        try:
            if way == "joined":
                found = people.execute(f"select password from people where name = '{name}'").fetchone()
            else:
                found = people.execute("select password from people where name = ?", (name,)).fetchone()
        except sqlite3.Error:
            found = None
        if found is None:
            return PAGE.format("nobody is called so")
        return PAGE.format("welcome" if found[0] == password else "not the password")

    app.add_url_rule("/login", "shown", shown)
    app.add_url_rule("/", "start", shown)
    return app


@pytest.mark.parametrize("way", ["joined", "bound", "filter"])
def test_a_log_in_that_says_whether_a_condition_holds(way: str) -> None:
    found = verdict("sql-injection", door(way))
    assert (found.outcome == "fail") is (way == "joined"), found.message


@pytest.mark.parametrize("way", ["tells", "hides", "always"])
def test_the_error_of_a_database_in_a_page_that_succeeds(way: str) -> None:
    """A page that speaks of such errors all day tells of none."""
    app = Flask("search")
    told = "<p>Chapter 3: sqlite3.OperationalError</p>" if way == "always" else ""

    @app.get("/search")
    def search() -> Any:
        asked = request.args.get("q", "")
        try:
            sqlite3.connect(":memory:").execute(
                f"select 1 where 'a' like '%{asked}%'" if way != "always" else "select 1"
            )
        except sqlite3.Error as error:
            return f"<p>Error: {escape(str(error))}</p>" if way == "tells" else "<p>Nothing found</p>"
        return f"{told}<p>Found</p>"

    app.add_url_rule("/", "start", lambda: '<form action="/search"><input name="q"></form>')
    target, courier = reached(app)
    target.notes[ERRORS] = lambda: tuple(courier.errors)
    run_probe(RULES["sql-injection"], target, courier)
    found = run_probe(RULES["unhandled-error-leaks-details"], target, courier).verdict
    assert (found.outcome == "fail") is (way == "tells"), found.message
