"""Injection where a column is named, where a shell works a sum out without a separator, and on the page for what is not there."""

import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, jsonify, redirect, render_template_string, request
from markupsafe import escape

from stopper.core.app import App, Route
from stopper.core.finding import Verdict
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULES = {rule.slug: rule for rule in load()}


def verdict(slug: str, app: Flask, *routes: Route) -> Verdict:
    return try_rule(RULES[slug], app, source=App(routes=routes, readers=frozenset({"spec"})), depth="standard")


def places(told: Verdict) -> set[str]:
    return {str(ref) for ref in told.routes}


SORTED = Route("/items", ("GET",), optional=("sort",), readers=frozenset({"spec"}))


def items(column: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(":memory:")) as store:
        store.execute("create table item(id integer, name text)")
        store.executemany("insert into item values(?, ?)", [(1, "tea"), (2, "coffee")])
        return [
            {"id": number, "name": name}
            for number, name in store.execute(f"select id, name from item order by {column}")
        ]


def test_a_query_in_place_of_a_column_is_run() -> None:
    app = Flask("sorted")
    app.add_url_rule("/items", "items", lambda: jsonify(items(request.args.get("sort", "id"))))
    assert verdict("sql-injection", app, SORTED).outcome == "fail"


@pytest.mark.parametrize("name", ["sort", "limit"])
def test_a_column_or_a_number_whose_error_is_shown(name: str) -> None:
    app = Flask("sorted")

    @app.get("/items")
    def listed() -> Any:
        ordered = f"{request.args.get('sort', 'id')} limit {request.args.get('limit', '5')}"
        try:
            return jsonify(items(ordered))
        except sqlite3.Error as error:
            return jsonify(error=f"db: {error}"), 400

    assert verdict("sql-injection", app, replace(SORTED, optional=(name,))).outcome == "fail"


@pytest.mark.parametrize("breaks", [True, False])
def test_a_column_of_a_list_of_its_own_is_none(breaks: bool) -> None:
    app = Flask("sorted")

    @app.get("/items")
    def sorted_items() -> Any:
        wanted = request.args.get("sort", "id")
        if wanted not in ("id", "name"):
            return (jsonify(error="broken"), 500) if breaks else jsonify(items("id"))
        return jsonify(items(wanted))

    assert verdict("sql-injection", app, SORTED).outcome != "fail"


def test_a_sum_that_a_shell_works_out_without_a_separator_is_its_own_proof() -> None:
    app = Flask("shell")

    @app.get("/track/<number>")
    def track(number: str) -> Any:
        told = subprocess.run(f"echo parcel {number}", shell=True, capture_output=True, text=True, timeout=4)
        return jsonify(status=told.stdout)

    assert verdict("code-injection", app).outcome == "fail"


def missing(show: str) -> Flask:
    """An application whose route takes numbers, and whose page for what is not there shows the path."""
    app = Flask("missing")
    app.add_url_rule("/things/<int:number>", "thing", lambda number: f"<p>Thing {number}</p>")

    def nothing(_: Exception) -> Any:
        if show == "run":
            return render_template_string(f"<p>Nothing at {request.path}</p>"), 404
        return f"<p>Nothing at {request.path if show == 'raw' else escape(request.path)}</p>", 404

    app.register_error_handler(404, nothing)
    return app


def test_the_page_for_what_is_not_there_is_no_route_with_a_number() -> None:
    assert places(verdict("code-injection", missing("run"))) == {"GET /{path}"}
    assert places(verdict("markup-unescaped", missing("raw"))) == {"GET /{path}"}
    assert verdict("markup-unescaped", missing("escaped")).outcome != "fail"


def test_a_route_whose_own_404_shows_what_it_was_asked_for_is_told() -> None:
    app = Flask("own")
    app.add_url_rule("/users/<name>", "user", lambda name: (f"<p>Nobody is called {name}</p>", 404))
    assert places(verdict("markup-unescaped", app)) == {"GET /users/{name}"}


@pytest.mark.parametrize("shell", [True, False])
def test_a_command_whose_end_alone_is_shown(shell: bool) -> None:
    app = Flask("blind")

    @app.get("/run")
    def run() -> Any:
        said = request.args.get("cmd", "true")
        done = subprocess.run(said if shell else ["/bin/echo", said], shell=shell, capture_output=True, timeout=4)
        return jsonify(ran=said, code=done.returncode)

    route = Route("/run", ("GET",), optional=("cmd",), readers=frozenset({"spec"}))
    assert (verdict("code-injection", app, route).outcome == "fail") is shell


@pytest.mark.parametrize("runs", [True, False])
def test_an_expression_that_knows_no_function_is_run_all_the_same(runs: bool) -> None:
    app = Flask("rules")

    @app.get("/sample")
    def sample() -> Any:
        said = request.args.get("expression", "1")
        try:
            value = eval(said, {"__builtins__": {}}) if runs else sum(map(int, said.split("+")))
        except Exception:
            return jsonify(error="no expression"), 422
        return jsonify(value=value)

    route = Route("/sample", ("GET",), optional=("expression",), readers=frozenset({"spec"}))
    assert (verdict("code-injection", app, route).outcome == "fail") is runs


def test_a_text_that_another_writes_over_at_once_is_written_once_more() -> None:
    """One place for one text: the first that is stored there is gone before its page is read."""
    app, kept, written = Flask("slot"), {"bio": "nothing"}, list[str]()

    @app.route("/bio", methods=["GET", "POST"])
    def bio() -> Any:
        if request.method == "GET":
            return f"<p>{kept['bio']}</p>"
        written.append(request.form["bio"])
        kept["bio"] = written[-1] if written.count(written[-1]) > 1 else "another's"
        return redirect("/bio")

    form = Route("/bio", ("POST",), fields=("bio",), takes_form=True, readers=frozenset({"spec"}))
    told = verdict("markup-unescaped", app, form, Route("/bio", ("GET",), readers=frozenset({"spec"})))
    assert places(told) == {"POST /bio"}
