"""What small teaching applications hide: a shell that shows nothing, a log-in that hands out nothing, a statement whose errors nobody sees, and who comes in by one."""

import html
import pickle
import shlex
import sqlite3
import subprocess
import urllib.request
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, abort, jsonify, redirect, request, session
from tests.rules.from_outside import RULES, reached, verdict

from stopper.core.app import Route
from stopper.core.exchange import Response
from stopper.core.finding import Verdict
from stopper.core.probe import Identity, Target
from stopper.core.probing.accounts.login import is_log_in_form, log_in
from stopper.core.probing.ids_in_paths import templated
from stopper.core.probing.told_missing import missing_in
from stopper.core.secret import Secret
from stopper.scan.engine import run_probe
from stopper.scan.surface.crawl import crawled
from stopper.scan.surface.rest_of_words import rest_of
from stopper.scan.surface.usual_things import beside_versions
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

PAGE = '<form method="post"><input name="username"><input name="password" type="password"></form>'


def test_a_start_page_that_takes_a_form_ends_no_probe() -> None:
    """What lies at the start belongs to no noun."""
    app = Flask("board")

    @app.route("/", methods=["GET", "POST"])
    def start() -> str:
        return f'<form method="post"><input name="text"></form><a href="/?q=1">{len(request.form)}</a>'

    for slug in ("cross-user-object-access", "route-without-authentication", "mass-assignment"):
        assert "stopped" not in verdict(slug, app).message


@pytest.mark.parametrize("quotes", [False, True])
def test_a_shell_that_shows_nothing_is_heard_where_the_route_names_it(quotes: bool) -> None:
    app = Flask("tool")
    app.add_url_rule("/", "start", lambda: '<a href="/cmd?input=ls">run</a>')

    @app.get("/cmd")
    def run() -> Any:
        said = request.args.get("input", "")
        subprocess.run(f"true {shlex.quote(said) if quotes else said}", shell=True, check=False, capture_output=True)
        return jsonify(done=True)

    assert (verdict("code-injection", app).outcome == "fail") is not quotes


@pytest.mark.parametrize("quotes", [False, True])
def test_the_name_of_an_upload_may_be_a_command(quotes: bool) -> None:
    app = Flask("unpacking")

    @app.route("/upload", methods=["GET", "POST"])
    def upload() -> str:
        if request.method == "POST":
            name = request.files["file"].filename or ""
            subprocess.run(
                f"true {shlex.quote(name) if quotes else name}", shell=True, check=False, capture_output=True
            )
        return '<form method="post" enctype="multipart/form-data"><input type="file" name="file"></form>'

    app.add_url_rule("/", "start", lambda: '<a href="/upload">unpack</a>')
    assert (verdict("code-injection", app).outcome == "fail") is not quotes


@pytest.mark.parametrize("known", ["admin", "zz-9f1c"])
def test_a_default_account_is_known_by_where_the_log_in_leads(known: str) -> None:
    """No session is handed out; a wrong password is shown the page again."""
    app = Flask("panel")

    @app.route("/", methods=["GET", "POST"])
    def start() -> Any:
        if request.method == "GET":
            return PAGE
        right = (request.form["username"], request.form["password"]) == ("admin", known)
        return redirect("/panel") if right else "Invalid credentials"

    app.add_url_rule("/panel", "panel", lambda: "<h1>panel</h1>")
    assert (verdict("default-account-enabled", app).outcome == "fail") is (known == "admin")


def test_a_log_in_that_leads_everybody_to_the_same_page_has_no_default_account() -> None:
    app = Flask("welcome")
    app.add_url_rule(
        "/", "start", lambda: PAGE if request.method == "GET" else redirect("/next"), methods=["GET", "POST"]
    )
    app.add_url_rule("/next", "next", lambda: "<h1>Thank you</h1>")
    assert verdict("default-account-enabled", app).outcome != "fail"


def test_a_document_may_say_that_the_log_in_is_the_start() -> None:
    schema = {"type": "object", "properties": {"username": {"type": "string"}, "password": {"type": "string"}}}
    for path, says in (("/", True), ("/drivers", False)):
        route = Route(path, ("POST",), request_schema=schema, takes_form=True, readers=frozenset({"spec"}))
        assert is_log_in_form(route) is says


def test_every_route_that_fetches_is_told() -> None:
    app = Flask("fetching")
    app.add_url_rule("/", "start", lambda: '<a href="/fetch?url=x">a</a><a href="/proxy?url=x">b</a>')

    def fetch() -> Any:
        try:
            with urllib.request.urlopen(request.args["url"], timeout=2) as got:
                return jsonify(length=len(got.read()))
        except (OSError, ValueError):
            return jsonify(error="could not"), 400

    app.add_url_rule("/fetch", "fetch", fetch)
    app.add_url_rule("/proxy", "proxy", fetch)
    found = verdict("server-side-request-forgery", app)
    assert {ref.path for ref in found.routes} == {"/fetch", "/proxy"}


@pytest.mark.parametrize("knows", [False, True])
def test_a_list_may_be_sorted_by_a_query_whose_errors_nobody_sees(knows: bool) -> None:
    app = Flask("customers")
    app.add_url_rule("/", "start", lambda: '<a href="/customers?sort=name">customers</a>')

    @app.get("/customers")
    def customers() -> Any:
        rows = sqlite3.connect(":memory:")
        rows.executescript("create table c(name text, city text); insert into c values ('a', 'b'), ('c', 'd')")
        by = request.args.get("sort", "name")
        if knows and by not in ("name", "city"):
            by = "name"
        try:
            return jsonify(rows.execute(f"select * from c order by {by}").fetchall())
        except sqlite3.Error:
            return jsonify([])

    assert (verdict("sql-injection", app).outcome == "fail") is not knows


@pytest.mark.parametrize("asks", [False, True])
def test_somebody_comes_in_by_a_statement_where_nobody_registers(asks: bool) -> None:
    """``asks`` puts the name beside the statement, where it is a name and nothing else."""
    app = Flask("shop")
    users = sqlite3.connect(":memory:", check_same_thread=False)
    users.executescript("create table u(name text, password text); insert into u values ('zoe', 'k3-9f1c7a')")

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.method == "GET":
            return PAGE
        name, password = request.form["username"], request.form["password"]
        text = "select name from u where password = ? and name = " + ("?" if asks else f"'{name}'")
        if not users.execute(text, (password, name) if asks else (password,)).fetchone() and (
            asks or not users.execute(f"select name from u where name = '{name}'").fetchone()
        ):
            return "Invalid credentials"
        answer = redirect("/list")
        answer.set_cookie("who", "k3-9f1c7a")
        return answer

    @app.get("/list")
    def listed() -> Any:
        return jsonify([1]) if request.cookies.get("who") == "k3-9f1c7a" else redirect("/login")

    app.add_url_rule("/", "start", lambda: redirect("/list"))
    target, courier = reached(app)
    assert [one.name for one in target.identities] == ([] if asks else ["default"])
    assert bool(courier.given.names) is not asks  # nothing is done as them that a given person would not want


def test_a_page_that_a_view_makes_for_want_of_a_thing_is_a_route() -> None:
    app = Flask("posts")
    app.add_url_rule("/", "start", lambda: "<h1>posts</h1>")

    @app.get("/post/<int:number>")
    def post(number: int) -> Any:
        abort(404, f"A post with id {number} does not exist")

    found = crawled(Courier(WsgiTransport(app), mode="active"), "", "canary").routes
    assert "/post/{id}" in {route.path for route in found}


def test_numbers_in_groups_are_ids_and_versions_are_none() -> None:
    assert templated("/people/111.111.111-11")[0] == "/people/{id}"
    assert templated("/on/2024-01-31")[0] == "/on/{id}"
    for path in ("/api/v1.0/users", "/docs/1.0.2", "/en-us/2.10"):
        assert templated(path)[0] == path


def test_the_versions_beside_one_are_asked_for_what_it_has() -> None:
    asked = beside_versions(["/api/v2/widgets", "/health"])
    assert {"/api/v1/widgets", "/api/v3/widgets", "/api/v3/login"} <= set(asked)
    assert not beside_versions(["/vault/items"])


def test_a_later_version_is_found_behind_the_one_that_is_known() -> None:
    app = Flask("versions")
    app.add_url_rule("/", "start", lambda: jsonify(see="/api/v1/widgets"))
    for number in (1, 2, 3):
        app.add_url_rule(f"/api/v{number}/widgets", f"v{number}", lambda: jsonify([]))
    found = crawled(Courier(WsgiTransport(app), mode="active"), "", "canary").routes
    assert {f"/api/v{number}/widgets" for number in (1, 2, 3)} <= {route.path for route in found}


def test_the_last_names_are_joined_as_the_application_joins_its_own() -> None:
    assert "/run_command" in rest_of(["/get_thing"])
    assert "/run-command" not in rest_of(["/get_thing"])
    assert {"/run_command", "/run-command"} <= set(rest_of(["/thing"]))
    below = rest_of(["/api/v1/users", "/api/v1/orders"])
    assert "/api/v1/run_command" in below
    assert "/run_command" not in below


@pytest.mark.parametrize("door", [False, True])
def test_names_are_tried_last_with_what_the_probes_will_leave(door: bool) -> None:
    """A log-in asks much later on, and so does what lies behind it."""
    app = Flask("small")
    app.add_url_rule("/", "start", lambda: "<h1>tools</h1>" + '<a href="/login">in</a>' * door)
    app.add_url_rule("/unserialize", "hidden", lambda: "ok", methods=["POST"])
    if door:
        app.add_url_rule("/login", "login", lambda: PAGE, methods=["GET", "POST"])
    courier = Courier(WsgiTransport(app), mode="active")
    found = {route.path for route in crawled(courier, "", "canary").routes}
    assert "/unserialize" in found or door
    assert courier.sent <= (520 if door else 570)


def test_a_log_in_that_took_the_account_and_gave_nothing_is_left_alone() -> None:
    app, people, asked = Flask("silent"), dict[str, str](), list[str]()

    @app.post("/register")
    def register() -> Any:
        said = request.get_json()
        people[said["username"]] = said["password"]
        return jsonify(message="registered"), 201

    @app.post("/login")
    def login() -> Any:
        said: dict[str, Any] = request.get_json(silent=True) or {}
        asked.append(str(said.get("username")))
        known = said.get("password") and people.get(str(said.get("username"))) == said["password"]
        return jsonify(message="welcome") if known else (jsonify(error="wrong name or password"), 401)

    app.add_url_rule("/", "start", lambda: jsonify(routes=["POST /register", "POST /login"]))
    target, _ = reached(app)
    assert not target.identities
    assert len(asked) < 50


@pytest.mark.parametrize("counts", [False, True])
def test_a_number_in_a_path_is_a_query_though_no_thing_has_it(counts: bool) -> None:
    app = Flask("numbers")
    app.add_url_rule("/", "start", lambda: '<a href="/post/7">seven</a>')

    @app.get("/post/<number>")
    def post(number: str) -> Any:
        rows = sqlite3.connect(":memory:")
        rows.execute("create table p(id integer)")
        if not rows.execute(f"select * from p where id = {int(number) if counts else number}").fetchone():
            abort(404, f"A post with id {number} does not exist")
        return "post"

    assert (verdict("sql-injection", app).outcome == "fail") is not counts


@pytest.mark.parametrize("loads", [True, False])
def test_an_object_may_be_sent_as_it_is_packed(loads: bool) -> None:
    app = Flask("unpickling")
    app.add_url_rule("/", "start", lambda: '<a href="/pickle?data=x">load</a>')

    @app.get("/pickle")
    def load() -> Any:
        said = request.args.get("data", "")
        try:
            return str(pickle.loads(said.encode()) if loads else len(said))
        except Exception:
            return "no object", 400

    assert (verdict("code-injection", app).outcome == "fail") is loads


def test_a_registration_that_breaks_for_want_of_a_member_is_sent_what_some_want() -> None:
    app, people = Flask("invest"), dict[str, str]()

    @app.post("/user/register")
    def register() -> Any:
        said = request.get_json()
        people[said["login"]] = said["password"] + said["name"] + said["role"]
        return "registered", 201

    @app.post("/user/login")
    def login() -> Any:
        said = request.get_json()
        known = people.get(said["login"], "").startswith(said["password"])
        return jsonify(token=f"t0-{said['login']}-9f81b7d2e6a4405f") if known else ("wrong password", 401)

    target, _ = reached(app)
    assert len(target.identities) == 2


def test_what_has_to_be_provided_is_missing() -> None:
    said = Response(
        400,
        (("Content-Type", "application/json"),),
        b'{"error": "username, password and level parameters have to be provided"}',
    )
    assert missing_in(said) == ("username", "password", "level")


def site_with_people(name: str, start: str) -> Flask:
    """Pages at which people register and log in, from where they are sent to *start*; its cookie comes from other sites too."""
    app, people = Flask(name), dict[str, str]()
    app.secret_key = "k3-9f1c7a-of-this-test"
    app.config["SESSION_COOKIE_SAMESITE"] = "None"

    @app.route("/register", methods=["GET", "POST"])
    def register() -> Any:
        if request.method == "POST":
            people[request.form["username"]] = request.form["password"]
            return redirect("/login")
        return PAGE

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        name = request.form.get("username", "")
        if request.method == "GET" or people.get(name) != request.form.get("password"):
            return PAGE
        session["name"] = name
        return redirect(start)

    return app


@pytest.mark.parametrize("asks", [False, True])
def test_a_form_may_send_on_twice_before_it_shows_what_was_written(asks: bool) -> None:
    app, notes = site_with_people("wall", "/posts"), list[str]()

    @app.route("/posts", methods=["GET", "POST"])
    def posts() -> Any:
        if "name" not in session:
            return redirect("/login")
        if request.method == "POST":
            if asks and request.headers.get("Origin") not in (None, request.host_url.rstrip("/")):
                abort(403)
            notes.append(request.form["text"])
            return redirect("/start")
        return '<form method="post"><input name="text"></form>' + "".join(map(html.escape, notes))

    app.add_url_rule("/start", "start", lambda: redirect("/posts"))
    app.add_url_rule("/", "home", lambda: redirect("/posts") if "name" in session else redirect("/login"))
    app.add_url_rule("/in", "in", lambda: '<a href="/register">join</a>')
    assert (verdict("csrf-protection-missing", app).outcome == "fail") is not asks


def test_people_of_one_kind_come_in_beside_where_they_were_registered() -> None:
    """A bank has its people and its merchants; a log-in that took JSON is sent no form and no Basic."""
    app, kinds, asked = Flask("bank"), dict[str, dict[str, str]](), list[tuple[str, str]]()

    def door(kind: str) -> None:
        people = kinds.setdefault(kind, {})

        def register() -> Any:
            said: dict[str, Any] = request.get_json()
            people[said["username"]] = said["password"]
            return jsonify(ok=True), 201

        def login() -> Any:
            asked.append((kind, request.headers.get("Authorization", "")[:5] or request.mimetype))
            said: dict[str, Any] = request.get_json(silent=True) or {}
            if people.get(str(said.get("username"))) != said.get("password") or not people:
                return jsonify(error="wrong name or password"), 401
            return jsonify(token=f"t0-{said['username']}-9f81b7d2e6a4405f")

        app.add_url_rule(f"{kind}/register", f"r{kind}", register, methods=["POST"])
        app.add_url_rule(f"{kind}/login", f"l{kind}", login, methods=["POST"])

    door("/people")
    door("/merchants")
    members = "(JSON: username, password)"
    app.add_url_rule("/", "start", lambda: f"POST /people/register {members}\nPOST /people/login {members}\nPOST /merchants/register {members}\nPOST /merchants/login {members}", )  # fmt: skip
    app.after_request(_as_text)
    target, courier = reached(app)
    came = target.identities[0].issued_by
    assert came is not None
    kind = came.path.rpartition("/")[0]
    other = "/merchants" if kind == "/people" else "/people"
    asked.clear()
    person = Identity("eve", (), subject="eve-9f1c", password=Secret("K3-9f1c7a-x"))
    kinds[other]["eve-9f1c"] = "K3-9f1c7a-x"

    def steps(_: Target) -> Any:
        found = yield from log_in(target, person, f"{other}/register")
        assert found is not None
        return Verdict("pass", found[0].path)

    rule = replace(RULES["mass-assignment"], probe=steps)
    assert run_probe(rule, target, courier).verdict.message == f"{other}/login"
    assert asked == [(other, "application/json")]


def _as_text(response: Any) -> Any:
    response.mimetype = "text/plain" if request.path == "/" else response.mimetype
    return response


@pytest.mark.parametrize("keeps", [False, True])
def test_a_form_that_only_asks_weighs_less_than_one_that_writes(keeps: bool) -> None:
    """Both answer with the page on which they stand; only one of them shows later what it was sent."""
    app, kept = site_with_people("expenses", "/"), list[str]()

    @app.route("/monthly", methods=["GET", "POST"])
    def monthly() -> Any:
        if "name" not in session:
            return redirect("/login")
        said = request.form.get("text", "")
        kept.extend([said] if keeps and said else [])
        return f'<form method="post"><input name="text"></form><p>{len(said)} {html.escape(" ".join(kept))}</p>'

    app.add_url_rule("/", "home", lambda: '<a href="/monthly">report</a>' if "name" in session else redirect("/login"))
    found = verdict("csrf-protection-missing", app)
    assert (found.outcome, found.severity) == ("fail", None if keeps else "medium")


def test_a_body_that_may_name_nobody_is_guessed_without_people() -> None:
    """Below ``admin`` no body goes out that names somebody beside a status; a command is found all the same."""
    app = Flask("console")
    app.add_url_rule("/", "start", lambda: jsonify(see="/api/admin"))

    @app.post("/api/admin")
    def run() -> Any:
        said: dict[str, Any] = request.get_json(silent=True) or {}
        if "command" not in said:
            return jsonify(message="nothing to do"), 400
        return jsonify(did=str(said["command"]))

    target, _ = reached(app)
    assert any("command" in route.names for route in target.app.routes if route.path == "/api/admin")
