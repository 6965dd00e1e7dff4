"""What teaching applications with pages have: statements of the caller's own, log-ins that believe any password, lists that are pages, refusals in words."""

import itertools
import sqlite3
from typing import Any

import pytest
from flask import Flask, abort, jsonify, redirect, request, session
from tests.rules.from_outside import RULES, reached, verdict
from tests.rules.test_two_given_people import Two, body

from stopper.core.app import App, Reader, Route
from stopper.core.exchange import Request
from stopper.core.probe import Identity, Skipped
from stopper.core.secret import Secret
from stopper.scan.engine import run_probe
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.deeds_by_get import deed_in
from stopper.scan.wire.wsgi import WsgiTransport

WIRE: frozenset[Reader] = frozenset({"wire"})


@pytest.mark.parametrize("runs", [True, False])
def test_a_statement_that_is_the_callers_own(runs: bool) -> None:
    app = Flask("console")
    app.add_url_rule("/", "start", lambda: '<form action="/sql"><input name="query"></form>')

    @app.get("/sql")
    def console() -> Any:
        try:
            asked = request.args.get("query", "SELECT 1") if runs else "SELECT 1"
            return jsonify(rows=sqlite3.connect(":memory:").execute(asked).fetchall())
        except sqlite3.Error as error:
            return jsonify(error=f"sqlite3.OperationalError: {error}"), 500

    assert (verdict("sql-injection", app).outcome == "fail") is runs


@pytest.mark.parametrize("believes", [True, False])
def test_a_log_in_that_looks_at_no_password(believes: bool) -> None:
    app, people = Flask("believing"), dict[str, str]()

    @app.post("/register")
    def register() -> Any:
        people[request.get_json()["username"]] = request.get_json()["password"]
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> Any:
        said = request.get_json(silent=True) or {}
        known = people.get(said.get("username", ""))
        if known is None or (not believes and said.get("password") != known):
            return jsonify(error="wrong name or password"), 401
        return jsonify(token=f"token-of-{said['username']}-9f81b7d2e6a4405f")

    routes = [Route(path, ("POST",), fields=("username", "password")) for path in ("/login", "/register")]
    courier = Courier(WsgiTransport(app), mode="active", max_requests=500)
    target = prepare(App(routes=tuple(routes), readers=WIRE), courier, (), "active", "standard").target
    found = run_probe(RULES["default-account-enabled"], target, courier).verdict
    assert (found.outcome == "fail") is believes, found.message


@pytest.mark.parametrize("asks", [True, False])
def test_things_whose_list_is_a_page(asks: bool) -> None:
    """Deleted by an id that only the answer to their making said, and listed for whoever's number the query says."""
    two, numbers, notes = Two("board"), itertools.count(1), dict[int, tuple[int, str]]()

    @two.app.post("/notes/create")
    def create() -> Any:
        number, me = next(numbers), two.caller()
        notes[number] = (me, request.get_json()["title"])
        return jsonify(note={"id": number, "title": notes[number][1], "user_id": me})

    @two.app.get("/notes/")
    def listed() -> Any:
        me = two.caller()
        whose = me if asks else int(request.args.get("user_id", me))
        return "".join(f"<li>{title}</li>" for owner, title in notes.values() if owner == whose)

    @two.app.delete("/notes/delete/<int:note_id>")
    def drop(note_id: int) -> Any:
        owner, _ = notes.get(note_id) or abort(404)
        if two.caller() != owner and asks:
            abort(403)
        del notes[note_id]
        return jsonify(ok=True)

    named = {"name": "user_id", "in": "query", "schema": {"type": "string"}}
    found = two.judged(
        **{
            "/notes/create": {"post": body(title="string")},
            "/notes/": {"get": {"responses": {}, "parameters": [named]}},
            "/notes/delete/{note_id}": {"delete": {"responses": {}}},
        }
    )
    told = {str(ref) for ref in found.routes}
    assert told == (set() if asks else {"DELETE /notes/delete/{note_id}", "GET /notes/"}), found.message


@pytest.mark.parametrize(("page", "told"), [("<h1>Access denied.</h1>", False), ("<h1>All orders</h1>", True)])
def test_a_page_that_refuses_in_words(page: str, told: bool) -> None:
    app = Flask("refusing")
    app.secret_key = "k3c-9f81b7d2e6a4405f8c21"
    app.add_url_rule("/login", "login", lambda: "<p>Log in</p>")
    app.add_url_rule("/admin", "admin", lambda: page if request.headers.get("X-Who") else redirect("/login"))
    courier = Courier(WsgiTransport(app), mode="active", max_requests=500)
    people = tuple(Identity(name, (("X-Who", Secret(f"key-of-{name}")),)) for name in ("ann", "ben"))
    routes = tuple(Route(path, ("GET",), readers=WIRE) for path in ("/admin", "/login"))
    target = prepare(App(routes=routes, readers=WIRE), courier, people, "active", "standard").target
    found = run_probe(RULES["low-role-reaches-admin"], target, courier).verdict
    assert (found.outcome == "fail") is told, found.message


@pytest.mark.parametrize("open_to_all", [True, False])
def test_a_page_of_people_with_more_links_for_who_is_known(open_to_all: bool) -> None:
    app = Flask("directory")
    app.secret_key = "k3c-9f81b7d2e6a4405f8c21"
    account = '<form method="post"><input name="email"><input type="password" name="password"></form>'
    people = dict[str, str]()

    @app.route("/register", methods=["GET", "POST"])
    def register() -> Any:
        if request.method == "POST":
            people[request.form["email"]] = request.form["password"]
        return account if request.method == "GET" else redirect("/login")

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        said = request.form.get("email", "")
        if not said or people.get(said) != request.form.get("password"):
            return account, 401 if said else 200
        session["me"] = said
        return redirect("/")

    @app.get("/")
    def start() -> Any:
        return '<a href="/overview">All</a><a href="/logout">Out</a>' if "me" in session else redirect("/login")

    @app.get("/overview")
    def overview() -> Any:
        if "me" not in session and not open_to_all:
            return redirect("/login")
        links = '<nav><a href="/">Home</a><ul><li>Mine</li></ul></nav>' if "me" in session else ""
        return links + "".join(f"<p>{one}</p>" for one in people)

    target, courier = reached(app)
    found = run_probe(RULES["route-without-authentication"], target, courier).verdict
    assert (found.outcome == "fail") is open_to_all, found.message


def test_nobody_of_the_scan_becomes_an_administrator_by_a_link() -> None:
    courier = Courier(WsgiTransport(Flask("adminify")), mode="active", max_requests=50)
    given = Identity("ann", (("X-Who", Secret("key-of-ann")),))
    with pytest.raises(Skipped, match="another role"):
        courier.carry(given.on(Request("GET", "/adminify_me_plz")))


def test_words_that_make_somebody_an_administrator() -> None:
    assert all(map(deed_in, ("/adminify_me_plz", "/make_me_admin", "/user/elevate")))
    assert not any(map(deed_in, ("/admin", "/admin/users")))
