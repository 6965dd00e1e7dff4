"""A shell breaks of one quote and not of two, as a statement does: it breaks of the other quote too."""

import sqlite3
import subprocess
from typing import Any

import pytest
from flask import Flask, request
from tests.rules.from_outside import verdict


@pytest.mark.parametrize("way", ["shell", "statement"])
def test_a_quote_that_breaks_a_shell_is_no_statement(way: str) -> None:
    app = Flask("encode")

    @app.post("/encode")
    def encode() -> Any:
        text = request.form["text"]
        try:
            if way == "shell":
                return subprocess.check_output(f"echo {text}|base64", shell=True, stderr=subprocess.DEVNULL)
            return str(sqlite3.connect(":memory:").execute(f"select 1 where 'a' = '{text}'").fetchall())
        except (subprocess.CalledProcessError, sqlite3.Error):
            return "it failed", 500

    app.add_url_rule("/", "start", lambda: '<form method="post" action="/encode"><input name="text"></form>')
    found = verdict("sql-injection", app)
    assert (found.outcome == "fail") is (way == "statement"), found.message
