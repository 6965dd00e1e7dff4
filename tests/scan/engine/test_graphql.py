"""Doors that speak GraphQL describe themselves: what a scan asks there, and what it makes of it."""

import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.rules.from_outside import reached, verdict

from stopper.core.app import App, Route
from stopper.core.graphql_query import alone
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


def kind(name: str, *, needed: bool = False, listed: bool = False, of: str = "SCALAR") -> dict[str, Any]:
    plain: dict[str, Any] = {"kind": of, "name": name}
    inner = {"kind": "LIST", "name": None, "ofType": plain} if listed else plain
    return {"kind": "NON_NULL", "name": None, "ofType": inner} if needed else inner


def given(name: str, type_: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "type": type_, "defaultValue": None}


SCHEMA: dict[str, Any] = {
    "queryType": {"name": "Query"},
    "types": [
        {
            "kind": "OBJECT",
            "name": "Query",
            "fields": [
                {"name": "posts", "args": [given("filter", kind("String"))], "type": kind("Post", listed=True, of="OBJECT")},
                {"name": "users", "args": [], "type": kind("User", listed=True, of="OBJECT")},
                {"name": "post", "args": [given("id", kind("Int", needed=True))], "type": kind("Post", of="OBJECT")},
                {"name": "found", "args": [given("by", kind("Wanted", needed=True, of="INPUT_OBJECT"))], "type": kind("Post", of="OBJECT")},
            ],
        },
        {"kind": "OBJECT", "name": "Post", "fields": [{"name": "title", "args": [], "type": kind("String", needed=True)}]},
        {
            "kind": "OBJECT",
            "name": "User",
            "fields": [{"name": one, "args": [], "type": kind("String")} for one in ("name", "password_hash")]
            + [{"name": "posts", "args": [], "type": kind("Post", listed=True, of="OBJECT")}],
        },
    ],
}  # fmt: skip


def blog(safe: bool, described: bool = True) -> tuple[Flask, list[str]]:
    """A door that answers one query of any form; its posts are looked for by what the variable says."""
    app, asked = Flask("blog"), list[str]()

    def posts(wanted: str) -> list[dict[str, str]]:
        with closing(sqlite3.connect(":memory:")) as store:
            store.execute("create table post(title text)")
            store.executemany("insert into post values(?)", [("hello",), ("again",)])
            if safe:
                rows = store.execute("select title from post where title = ?", (wanted,)).fetchall()
            else:
                rows = store.execute(f"select title from post where title = '{wanted}'").fetchall()
        return [{"title": title} for (title,) in rows]

    @app.route("/graphql", methods=["GET", "POST"])
    def door() -> Any:
        body: Any = request.args if request.method == "GET" else request.get_json(silent=True) or {}
        text = body.get("query") or ""
        asked.append(text)
        if "__schema" in text:
            return jsonify(data={"__schema": SCHEMA}) if described else (jsonify(errors=[{"message": "no"}]), 400)
        if not re.match(r"(query(\(.*?\))?\s*)?\{", text):
            return jsonify(errors=[{"message": "Syntax Error"}]), 400
        data: dict[str, Any] = {}
        if "posts(" in text:
            try:
                data["posts"] = posts(str((body.get("variables") or {}).get("posts_filter", "")))
            except sqlite3.Error:
                return jsonify(data=None, errors=[{"message": "broken"}]), 500
        if "users" in text:
            data["users"] = [{"name": "ann", "password_hash": None if safe else "$2b$12$" + "a" * 53}]
        return jsonify(data=data)

    return app, asked


def test_one_query_asks_for_all_that_needs_texts_and_numbers_alone() -> None:
    app, _ = blog(safe=True)
    doors = [one for one in reached(app)[0].app.routes if one.path == "/graphql"]
    assert [one.methods for one in doors] == [("GET",), ("POST",)]
    schema: dict[str, Any] = dict(doors[1].request_schema or {})
    assert schema["properties"]["query"]["example"] == (
        "query($posts_filter: String) { posts(filter: $posts_filter) { title } }"
    )
    assert list(schema["properties"]["variables"]["properties"]) == ["posts_filter"]


@pytest.mark.parametrize(("safe", "outcome"), [(False, "fail"), (True, "pass")])
def test_variables_are_inputs_and_answers_are_looked_at(safe: bool, outcome: str) -> None:
    app, asked = blog(safe)
    assert verdict("sql-injection", app).outcome == outcome
    assert verdict("sensitive-field-in-response", app).outcome == outcome
    assert not any("mutation" in one for one in asked)


def test_a_door_that_does_not_describe_itself_stays_as_it_is() -> None:
    app, _ = blog(safe=True, described=False)
    door = [one for one in reached(app)[0].app.routes if one.path == "/graphql"]
    assert all(one.request_schema is None for one in door)


def test_nothing_is_sent_by_post_where_only_reading_is_allowed() -> None:
    app, _ = blog(safe=True, described=False)
    courier = Courier(WsgiTransport(app), mode="passive", max_requests=900)
    model = App(routes=(Route("/graphql", ("GET", "POST"), readers=frozenset({"wire"})),), readers=frozenset({"wire"}))
    prepare(model, courier, (), "passive", "standard")
    assert not any(method == "POST" for method, _ in courier.asked)


def test_a_text_is_varied_in_a_query_of_its_field_alone() -> None:
    query = "query($notes_filter: String, $check_user: String!, $check_word: String) { notes(filter: $notes_filter) { id text } check(user: $check_user, word: $check_word) load }"
    body = {"query": query, "variables": {"notes_filter": "", "check_user": "ann", "check_word": "tea"}}
    assert alone(body, "notes_filter") == {
        "query": "query($notes_filter: String) { notes(filter: $notes_filter) { id text } }",
        "variables": {"notes_filter": ""},
    }
    assert alone(body, "check_word") == {
        "query": "query($check_user: String!, $check_word: String) { check(user: $check_user, word: $check_word) }",
        "variables": {"check_user": "ann", "check_word": "tea"},
    }
    assert alone(body, "other") == body
