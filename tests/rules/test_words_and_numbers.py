"""What words and numbers tell: refusals with 200, ids that a document calls numbers, quotes whose errors are hidden, people by their number."""

import sqlite3
import subprocess
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.rules.toy_people import ToyPeople
from tests.scan.engine.test_engine import target

from stopper.core.app import App, Route
from stopper.core.exchange import Response
from stopper.rules.account import default_account_enabled
from stopper.rules.injection import code_injection, sql_injection
from stopper.rules.leak import personal_data_in_response
from stopper.scan.engine import run_probe
from stopper.scan.trial import try_rule


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ('{"success": false, "error": "Invalid API token."}', True),
        ('{"message": "Token is missing!"}', True),
        ('{"status": "error", "message": "Please log in"}', True),
        ('{"success": true, "message": "No token needed"}', False),
        ('{"error": "Missing name"}', False),
        ('{"message": "Unauthorized", "notes": ["tea"]}', False),
        ('{"message": "saved"}', False),
    ],
)
def test_a_refusal_in_words_is_one_whatever_its_status(said: str, refused: bool) -> None:
    answer = Response(200, (("Content-Type", "application/json"),), said.encode())
    assert (answer.refused, answer.succeeded) == (refused, not refused)


def _shelf() -> sqlite3.Connection:
    shelf = sqlite3.connect(":memory:")
    shelf.executescript("CREATE TABLE books (id INTEGER, name TEXT); INSERT INTO books VALUES (1, 'tea'), (2, 'ink');")
    return shelf


def _told(app: Flask, route: Route) -> list[str]:
    plain, courier = target(app, depth="standard")
    known = replace(plain, app=App(routes=(route,), readers=route.readers))
    return [str(ref) for ref in run_probe(sql_injection.RULE, known, courier).verdict.routes]


@pytest.mark.parametrize("kept", [True, False])
def test_an_id_that_only_the_document_calls_a_number_is_varied(kept: bool) -> None:
    app = Flask("books")
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.get("/books/<int:book>" if kept else "/books/<book>")
    def book(book: Any) -> Any:
        return jsonify(_shelf().execute(f"SELECT name FROM books WHERE id = {book}").fetchone())

    route = Route("/books/{book}", ("GET",), parameters=(("book", "int"),), readers=frozenset({"spec"}))
    assert _told(app, route) == ([] if kept else ["GET /books/{book}"])


@pytest.mark.parametrize("safe", [True, False])
def test_a_view_that_hides_its_errors_counts_quotes(safe: bool) -> None:
    app = Flask("hidden")

    @app.get("/find")
    def find() -> Any:
        name = request.args.get("name", "")
        try:
            if safe:
                rows = _shelf().execute("SELECT id FROM books WHERE name = ?", (name,)).fetchall()
            else:
                rows = _shelf().execute(f"SELECT id FROM books WHERE name = '{name}' AND id > 5").fetchall()
        except sqlite3.Error:
            return jsonify(message="try again later")
        return jsonify(found=rows)

    route = Route("/find", ("GET",), optional=("name",), readers=frozenset({"spec"}))
    assert _told(app, route) == ([] if safe else ["GET /find"])


@pytest.mark.parametrize(("others", "told"), [(True, True), (False, False)])
def test_whoever_counts_is_shown_one_person_after_the_other(others: bool, told: bool) -> None:
    app = Flask("people")

    @app.get("/person/<int:number>")
    def person(number: int) -> Any:
        if number > 1 and not others:
            return jsonify(error="not found"), 404
        return jsonify(id=number, email=f"mary.{number}@mail.example", balance=5)

    plain, courier = target(app, depth="standard")
    route = Route("/person/{number}", ("GET",), parameters=(("number", "int"),), readers=frozenset({"wire"}))
    known = replace(plain, app=App(routes=(route,), readers=frozenset({"wire"})))
    assert (run_probe(personal_data_in_response.RULE, known, courier).verdict.outcome == "fail") is told


@pytest.mark.parametrize(
    ("author", "told"),
    [
        ({"email": "mary@mail.example", "phone": "+44 20 7946 0018"}, True),
        ({"email": "mary@mail.example", "name": "mary"}, False),
    ],
)
def test_whoever_registers_is_told_how_to_reach_others(author: dict[str, str], told: bool) -> None:
    toy = ToyPeople("feed")

    @toy.app.get("/posts/recent")
    def recent() -> Any:
        toy.caller()
        return jsonify(posts=[{"id": 1, "title": "tea", "author": author}])

    said = {"type": "object", "properties": {name: {"type": "string"} for name in ("username", "password")}}
    door = {"post": {"requestBody": {"content": {"application/json": {"schema": said}}}, "responses": {}}}
    paths = {"/register": door, "/login": door, "/posts/recent": {"get": {"responses": {}}}}
    document = {"openapi": "3.0.3", "info": {"title": "feed", "version": "1"}, "paths": paths}
    toy.app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    assert (try_rule(personal_data_in_response.RULE, toy.app).outcome == "fail") is told


def test_a_door_that_asks_for_a_name_alone_lets_in_whoever_asks() -> None:
    app = Flask("names")

    @app.post("/token")
    def token() -> Any:
        return jsonify(token=f"t-{request.get_json()['user']}-0123456789")

    plain, courier = target(app, depth="standard")
    route = Route("/token", ("POST",), fields=("user",), readers=frozenset({"wire"}))
    known = replace(plain, app=App(routes=(route,), readers=frozenset({"wire"})))
    verdict = run_probe(default_account_enabled.RULE, known, courier).verdict
    assert verdict.message == "POST /token lets in whoever asks, by any name"


@pytest.mark.parametrize("shell", [True, False])
def test_a_command_that_shows_nothing_at_all_waits_as_it_is_told(shell: bool) -> None:
    app = Flask("silent")

    @app.get("/check")
    def check() -> Any:
        host = request.args.get("host", "")
        subprocess.run(f"true {host}" if shell else ["true", host], shell=shell, check=False, stderr=subprocess.DEVNULL)
        return jsonify(started=True)

    route = Route("/check", ("GET",), optional=("host",), readers=frozenset({"spec"}))
    plain, courier = target(app, depth="standard")
    known = replace(plain, app=App(routes=(route,), readers=route.readers))
    assert (run_probe(code_injection.RULE, known, courier).verdict.outcome == "fail") is shell


def test_a_log_in_that_only_reads_a_form_is_broken_by_a_form() -> None:
    app = Flask("forms")
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.post("/login")
    def login() -> Any:
        name = request.form.get("username", "")
        row = _shelf().execute(f"SELECT id FROM books WHERE name = '{name}' AND id > 5").fetchone()
        return jsonify(ok=True) if row else (jsonify(error="no"), 401)

    assert _told(app, Route("/login", ("POST",), readers=frozenset({"wire"}))) == ["POST /login"]
