"""Names that are guessed at a log-in do not crowd out those of other routes."""

import sqlite3
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, request
from markupsafe import escape
from tests.scan.engine.test_engine import target

from stopper.core.app import App, Route
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.rules.injection.markup_unescaped import RULE
from stopper.rules.injection.sql_injection import RULE as SQL
from stopper.scan.engine import run_probe


def test_many_doors_leave_room_for_the_third_name_of_another_route() -> None:
    app = Flask("doors")
    doors = [f"/{word}/login" for word in ("a", "b", "c", "d", "e", "f")]
    for number, path in enumerate(doors):
        app.add_url_rule(path, f"door{number}", lambda: str(escape("sign in")))

    @app.get("/hello")
    def hello() -> Any:
        return f"<p>{request.args.get('name', '')}</p>"

    plain, courier = target(app, depth="standard")
    known = replace(plain, app=App(routes=tuple(Route(path, ("GET",)) for path in [*doors, "/hello"])))
    verdict = run_probe(RULE, known, courier).verdict
    assert [str(ref) for ref in verdict.routes] == ["GET /hello"], verdict.message


@pytest.mark.parametrize("bound", [False, True])
def test_a_key_that_is_looked_up_by_a_statement_of_its_text_is_told(bound: bool) -> None:
    app = Flask("keys")

    @app.get("/widgets")
    def widgets() -> Any:
        rows = sqlite3.connect(":memory:")
        rows.execute("CREATE TABLE keys (name TEXT)")
        rows.execute("INSERT INTO keys VALUES ('k-4711-good')")
        key = request.headers.get("X-Auth-Token", "")
        found = (
            rows.execute("SELECT * FROM keys WHERE name = ?", (key,)) if bound else rows.execute(f"SELECT * FROM keys WHERE name = '{key}'")
        )  # fmt: skip
        return {"widgets": []} if found.fetchone() else ({"error": "unknown token"}, 401)

    known = (Identity("ann", (("X-Auth-Token", Secret("k-4711-good")),)),)
    plain, courier = target(app, depth="standard")
    said = replace(plain, app=App(routes=(Route("/widgets", ("GET",)),)), identities=known)
    verdict = run_probe(SQL, said, courier).verdict
    assert verdict.outcome == ("pass" if bound else "fail"), verdict.message
