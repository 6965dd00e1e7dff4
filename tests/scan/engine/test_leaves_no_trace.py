"""What a scan leaves in the database of a target: nothing when it is passive, and what was there before when it is active."""

import secrets
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.test_scan import served

from stopper.core.probe import Identity, Mode
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.options import ProbeOptions
from stopper.scan.run import run_scan

TABLES = """
CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT UNIQUE, password TEXT, role TEXT);
CREATE TABLE tokens (token TEXT, person INTEGER);
CREATE TABLE notes (id INTEGER PRIMARY KEY, person INTEGER, text TEXT);
INSERT INTO people VALUES (1, 'carol@example.com', 'carols-password', 'admin'), (2, 'dave@example.com', 'daves-password', 'user');
INSERT INTO notes VALUES (1, 1, 'of carol'), (2, 2, 'of dave');
"""


def leaky(file: Path) -> Flask:
    """An API with most holes that tempt a scan to write: SQL from the query, open changes, any role, any owner."""
    app = Flask("leaky")
    with sqlite3.connect(file) as made:
        made.executescript(TABLES)

    def query(sql: str, *values: object) -> list[tuple[Any, ...]]:
        with sqlite3.connect(file, timeout=10) as link:
            return link.execute(sql, values).fetchall()

    def caller() -> int | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        found = query("SELECT person FROM tokens WHERE token = ?", token)
        return found[0][0] if found else None

    @app.post("/register")
    def register() -> Any:
        data = request.get_json()
        query(
            "INSERT INTO people (email, password, role) VALUES (?, ?, ?)",
            str(data["email"]), str(data["password"]), str(data.get("role", "user")),
        )  # fmt: skip
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> Any:
        data = request.get_json()
        found = query(
            "SELECT id FROM people WHERE email = ? AND password = ?", str(data["email"]), str(data["password"])
        )
        if not found:
            return jsonify(error="wrong"), 401
        token = secrets.token_urlsafe(24)
        query("INSERT INTO tokens VALUES (?, ?)", token, found[0][0])
        return jsonify(access_token=token)

    @app.get("/notes")
    def notes() -> Any:
        if caller() is None:
            return jsonify(error="log in"), 401
        word = request.args.get("q", "")
        return jsonify(
            [{"id": n, "text": t} for n, t in query(f"SELECT id, text FROM notes WHERE text LIKE '%{word}%'")]
        )

    @app.post("/notes")
    def add() -> Any:
        if (who := caller()) is None:
            return jsonify(error="log in"), 401
        made = query(
            "INSERT INTO notes (person, text) VALUES (?, ?) RETURNING id", who, str(request.get_json()["text"])
        )
        return jsonify(id=made[0][0]), 201

    @app.route("/notes/<int:note>", methods=["GET", "PUT", "DELETE"])
    def one(note: int) -> Any:
        if caller() is None:
            return jsonify(error="log in"), 401
        if request.method == "DELETE":
            query("DELETE FROM notes WHERE id = ?", note)
            return "", 204
        if request.method == "PUT":
            query("UPDATE notes SET text = ? WHERE id = ?", str(request.get_json()["text"]), note)
        found = query("SELECT id, text FROM notes WHERE id = ?", note)
        return jsonify(id=found[0][0], text=found[0][1]) if found else (jsonify(error="none"), 404)

    @app.route("/reset-database", methods=["GET", "POST"])
    def reset() -> Any:
        query("DELETE FROM notes")
        return jsonify(ok=True)

    links = ["/register", "/login", "/notes", "/notes/1", "/notes/2", "/reset-database"]
    app.add_url_rule("/", "home", lambda: jsonify(links=links))
    return app


CAROL = Identity("carol", (), subject="carol@example.com", password=Secret("carols-password"))
DAVE = Identity("dave", (), subject="dave@example.com", password=Secret("daves-password"))


def scan(file: Path, mode: Mode, *people: Identity) -> None:
    app = leaky(file)
    with served(app) as url:
        report = run_scan(url, ProbeOptions(rules=load(), mode=mode, identities=people))
    assert report.coverage.tested > 2
    assert report.requests > 50


def test_a_passive_scan_leaves_every_byte_of_the_database(tmp_path: Path) -> None:
    """With all rules, and with a token that would let it write, which stands in no address either: servers keep those in their logs."""
    file, token = tmp_path / "data.db", secrets.token_urlsafe(24)
    app, asked = leaky(file), list[str]()
    app.before_request(lambda: asked.append(request.url))
    with sqlite3.connect(file) as link:
        link.execute("INSERT INTO tokens VALUES (?, 1)", (token,))
    before, folder = file.read_bytes(), sorted(path.name for path in tmp_path.iterdir())
    given = Identity("carol", (("Authorization", Secret(f"Bearer {token}")),), token=Secret(token))
    with served(app) as url:
        report = run_scan(url, ProbeOptions(rules=load(), mode="passive", identities=(given, DAVE)))
    assert report.coverage.tested > 2
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == folder
    assert asked
    assert not any(token in address for address in asked)


def test_a_default_scan_logs_in_and_writes_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "data.db"
    scan(file, "default", CAROL, DAVE)
    with sqlite3.connect(file) as link:
        assert link.execute("SELECT * FROM people").fetchall() == [
            (1, "carol@example.com", "carols-password", "admin"),
            (2, "dave@example.com", "daves-password", "user"),
        ]
        assert link.execute("SELECT * FROM notes").fetchall() == [(1, 1, "of carol"), (2, 2, "of dave")]


@pytest.mark.parametrize("people", [(), (CAROL, DAVE)])
def test_an_active_scan_takes_back_what_it_made_and_touches_nothing_of_others(
    tmp_path: Path, people: tuple[Identity, ...]
) -> None:
    """It registers people, which this API cannot delete; every note of its own is gone, and nobody else's has changed."""
    file = tmp_path / "data.db"
    scan(file, "active", *people)
    with sqlite3.connect(file) as link:
        assert link.execute("SELECT * FROM notes").fetchall() == [(1, 1, "of carol"), (2, 2, "of dave")]
        assert link.execute("SELECT * FROM people WHERE id < 3").fetchall() == [
            (1, "carol@example.com", "carols-password", "admin"),
            (2, "dave@example.com", "daves-password", "user"),
        ]
