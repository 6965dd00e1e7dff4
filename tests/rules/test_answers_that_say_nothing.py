"""An answer that did not come in time, or of a server that is away, tells nothing about an account or a statement."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.rules.test_log_ins_are_spared import PEOPLE, api, scanned

from stopper.core.exchange import Request, Response
from stopper.scan.wire.http import HttpTransport


@pytest.mark.parametrize("status", [0, 503])
@pytest.mark.parametrize("telling", [False, True])
def test_no_answer_for_a_known_person_is_no_difference(
    monkeypatch: pytest.MonkeyPatch, status: int, telling: bool
) -> None:
    sent = HttpTransport.send

    def send(self: HttpTransport, request: Request, *args: Any, **named: Any) -> Response:
        response = sent(self, request, *args, **named)
        known = any(mail.encode() in request.body for mail in PEOPLE)
        return (
            Response(status, error=None if status else "no whole answer in time")
            if known and response.status == 401
            else response
        )

    monkeypatch.setattr(HttpTransport, "send", send)
    assert scanned(api([], telling=telling), "user-enumeration")["user-enumeration"] == "open"


@pytest.mark.parametrize(("telling", "outcome"), [(False, "pass"), (True, "fail")])
def test_answers_that_come_are_compared(telling: bool, outcome: str) -> None:
    assert scanned(api([], telling=telling), "user-enumeration")["user-enumeration"] == outcome


@pytest.mark.parametrize("sound", [False, True])
@pytest.mark.parametrize("by", ["word", "number"])
def test_a_server_that_is_away_for_a_moment_obeys_no_statement(tmp_path: Path, by: str, sound: bool) -> None:
    """Each thing is refused by 500 or goes unanswered the first time that it is asked; an honest look-up is what it is."""
    file = tmp_path / "things.sqlite"
    with sqlite3.connect(file) as made:
        made.execute("CREATE TABLE things (id INTEGER, name TEXT)")
        made.executemany("INSERT INTO things VALUES (?, ?)", [(1, "one"), (2, "two")])
    app, tired = Flask("tired"), set[str]()

    @app.get("/things")
    def things() -> Any:
        name = request.args.get("name", "")
        if sound:
            if by == "number" and not re.match(r"\d", name):
                return jsonify(error="a number, please"), 500
            if ("AND 1=2" in name or name.endswith("9'")) and name not in tired:
                tired.add(name)
                return jsonify(error="busy"), 503 if by == "number" else 500
            return jsonify(things=["one"])
        what = f"name = '{name}'" if by == "word" else f"id = {name}"
        with sqlite3.connect(file) as database:
            return jsonify(things=[row[0] for row in database.execute(f"SELECT name FROM things WHERE {what}")])

    @app.get("/openapi.json")
    def document() -> Any:
        given = [{"name": "name", "in": "query", "schema": {"type": "string"}}]
        return jsonify(openapi="3.0.0", info={}, paths={"/things": {"get": {"parameters": given}}})

    assert scanned(app, "sql-injection")["sql-injection"] == ("pass" if sound else "fail")
