"""What real lessons taught: a tag in a query, a name with a condition, a path that is cleaned once, a session that says a role, a page that says one."""

import base64
import re
import sqlite3
from typing import Any

import jwt
import pytest
from flask import Flask, abort, jsonify, redirect, request, session
from tests.rules.from_outside import reached

from stopper.core.app import App, Route
from stopper.core.finding import Verdict
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

KNOWN: list[dict[str, Any]] = [
    {"path": "/goods", "methods": ("GET",), "fields": ("search",)},
    {"path": "/cover", "methods": ("GET",), "fields": ("path",)},
    {"path": "/api/signup", "methods": ("POST",), "fields": ("email", "password", "name")},
]
"""What a document would tell of these applications."""
RULES = {rule.slug: rule for rule in load()}


def judged(slug: str, app: Flask, *people: Identity) -> Verdict:
    paths = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule) for rule in app.url_map.iter_rules()}
    source = App(
        routes=tuple(Route(**one, readers=frozenset({"spec"})) for one in KNOWN if one["path"] in paths),
        readers=frozenset({"spec"}),
    )
    return try_rule(RULES[slug], app, source=source, identities=people, depth="standard")


def shop(*, escaped: bool) -> Flask:
    """A search whose query breaks at a quote, and whose page repeats the word."""
    app = Flask("shop")

    @app.get("/goods")
    def goods() -> Any:
        word = request.args.get("search", "")
        if word.count("'") % 2:
            return "<h1>Error</h1>", 500
        shown = word.replace("<", "&lt;") if escaped else word
        return f"<h1>Results for {shown}</h1>"

    return app


@pytest.mark.parametrize(("escaped", "outcome"), [(False, "fail"), (True, "pass")])
def test_a_tag_without_a_quote_is_shown_where_a_quote_breaks_a_query(escaped: bool, outcome: str) -> None:
    assert judged("markup-unescaped", shop(escaped=escaped)).outcome == outcome


def desk(*, bound: bool) -> Flask:
    """A log-in that looks the person up by the name alone, hides errors, and checks the password afterwards."""
    app = Flask("desk")
    app.secret_key = "desk-key-that-nobody-guesses-2026"
    db = sqlite3.connect(":memory:", check_same_thread=False)
    db.execute("CREATE TABLE people (name TEXT, password TEXT)")
    db.execute("INSERT INTO people VALUES ('alice', 'alices-password')")

    @app.post("/login")
    def log_in() -> Any:
        said = request.get_json()
        name = str(said.get("username"))
        try:
            query = (
                ("SELECT * FROM people WHERE name = ?", (name,))
                if bound
                else (f"SELECT * FROM people WHERE name = '{name}'",)
            )
            row = db.execute(*query).fetchone()
        except sqlite3.Error:
            row = None
        if row is None or row[1] != said.get("password"):
            return jsonify(error="Wrong name or password"), 401
        session["name"] = row[0]
        return jsonify(ok=True)

    @app.get("/me")
    def me() -> Any:
        return jsonify(name=session["name"]) if "name" in session else (jsonify(error="log in"), 401)

    return app


def somebody(app: Flask, name: str, password: str, **more: str) -> Identity:
    client = app.test_client()
    answer = client.post("/login", json={"username": name, "password": password, **more})
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    return Identity(name, (("Cookie", Secret(cookie)),), subject=name, password=Secret(password))


@pytest.mark.parametrize(("bound", "outcome"), [(False, "fail"), (True, "pass")])
def test_the_own_name_with_a_condition_behind_it_logs_in(bound: bool, outcome: str) -> None:
    app = desk(bound=bound)
    assert judged("sql-injection", app, somebody(app, "alice", "alices-password")).outcome == outcome


def pictures(*, once: bool) -> Flask:
    """A view that takes ``../`` out of the name of a picture, and gives it in base64."""
    app = Flask("pictures")

    @app.get("/cover")
    def cover() -> Any:
        name = request.args.get("path", "").replace("../", "")
        while not once and "../" in name:
            name = name.replace("../", "")
        if "proc/version" in name and re.fullmatch(r"(\.\./)+proc/version", name):
            return "data:image/png;base64," + base64.b64encode(b"Linux version 6.1.0 (a@b) #1 SMP").decode()
        return "no such picture", 404

    return app


@pytest.mark.parametrize(("once", "outcome"), [(True, "fail"), (False, "pass")])
def test_a_path_that_is_cleaned_once_still_leads_upwards(once: bool, outcome: str) -> None:
    assert judged("sensitive-file-served", pictures(once=once)).outcome == outcome


def office(*, role: str, kept_out: bool) -> Flask:
    """Pages of administrators; the session of Flask says the role in plain words."""
    app = Flask("office")
    app.secret_key = "office-key-that-nobody-guesses-2026"

    @app.post("/login")
    def log_in() -> Any:
        session.update(name="user1", role=role)
        return redirect("/desk")

    @app.get("/admin")
    def admin() -> Any:
        if "name" not in session or (kept_out and session["role"] != "admin"):
            return jsonify(error="not for you"), 403
        return jsonify(people=[{"name": "ann", "role": "admin"}, {"name": "user1", "role": role}])

    return app


@pytest.mark.parametrize(
    ("role", "kept_out", "outcome"), [("customer", False, "fail"), ("customer", True, "pass"), ("admin", False, "pass")]
)
def test_a_session_that_says_an_ordinary_role_tells_who_should_stay_outside(
    role: str, kept_out: bool, outcome: str
) -> None:
    app = office(role=role, kept_out=kept_out)
    found = judged("low-role-reaches-admin", app, somebody(app, "user1", "user1-password")).outcome
    assert (found == "fail") == (outcome == "fail")


def club(*, picked: bool) -> Flask:
    """Who signs up is what the body says; only a page shows the role."""
    app = Flask("club")
    app.secret_key = "club-key-that-nobody-guesses-2026"
    people: dict[str, dict[str, Any]] = {}

    @app.post("/api/signup")
    def sign_up() -> Any:
        said = request.get_json()
        if not {"email", "password", "name"} <= set(said) or set(said) - {"email", "password", "name", "is_admin"}:
            return "a column that is not there", 500
        people[said["email"]] = {**said, **({"is_admin": False} if picked else {})}
        return jsonify(message="welcome"), 201

    @app.post("/login")
    def log_in() -> Any:
        said = request.get_json(silent=True) or request.form
        one = people.get(said.get("email", ""))
        if one is None or one["password"] != said.get("password"):
            return jsonify(error="Wrong e-mail or password"), 401
        session["email"] = one["email"]
        return jsonify(ok=True)

    @app.get("/dashboard")
    def dashboard() -> Any:
        one = people.get(session.get("email", ""))
        if one is None:
            return redirect("/login")
        return f"<h1>{one['email']}</h1><p>Role: {'Admin' if one.get('is_admin') else 'User'}</p>"

    return app


@pytest.mark.parametrize(("picked", "fails"), [(False, True), (True, False)])
def test_a_page_that_says_admin_shows_that_a_registration_wrote_it(picked: bool, fails: bool) -> None:
    assert (judged("mass-assignment", club(picked=picked)).outcome == "fail") == fails


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("Secret key: super-secret-9", "fail"),
        ("Secret key: configured", "pass"),
        ("The secret key is hidden here", "pass"),
    ],
)
def test_a_secret_that_a_page_for_settings_says_in_words_is_told(said: str, outcome: str) -> None:
    app = Flask("settings")

    @app.get("/config")
    def config() -> str:
        return said

    assert judged("diagnostics-route-exposes-config", app).outcome == outcome


def lesson(*, verified: bool) -> Flask:
    """Anybody registers; the one closed route is an administrator's and says 401 to everybody else."""
    app = Flask("lesson")
    people: dict[str, str] = {}

    @app.post("/register")
    def register() -> Any:
        people[request.get_json()["username"]] = request.get_json()["password"]
        return jsonify(message="registered"), 201

    @app.post("/login")
    def log_in() -> Any:
        said = request.get_json()
        if people.get(said.get("username")) != said.get("password"):
            return jsonify(error="Wrong name or password"), 401
        return jsonify(token=jwt.encode({"name": said["username"], "is_admin": False}, "k" * 40))

    @app.get("/users")
    def users() -> Any:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, "k" * 40, algorithms=["HS256"], options={"verify_signature": verified})
        except jwt.PyJWTError:
            return jsonify(error="token is invalid"), 401
        return jsonify(users=sorted(people)) if claims["is_admin"] else (jsonify(error="Insufficient permissions"), 401)

    return app


@pytest.mark.parametrize(("verified", "outcome"), [(False, "fail"), (True, "open")])
def test_a_refusal_for_want_of_a_right_knows_who_asks(verified: bool, outcome: str) -> None:
    assert judged("jwt-broken-signature-accepted", lesson(verified=verified)).outcome == outcome


@pytest.mark.parametrize(("shown", "outcome"), [("name", "pass"), ("key", "fail")])
def test_what_somebody_is_called_is_no_credential_though_a_cookie_says_it(shown: str, outcome: str) -> None:
    app = Flask("greeting")
    jar = {"name": "alice-of-the-desk@example.org", "key": "k3y-8f7d6c5b4a39281706f5"}

    @app.get("/desk")
    def desk() -> str:
        return f"<h1>Hello {request.cookies.get(shown, 'stranger')}</h1>"

    cookie = Secret("; ".join(f"{name}={value}" for name, value in jar.items()))
    person = Identity("alice", (("Cookie", cookie),), subject=jar["name"])
    assert judged("credential-exposed-in-browser", app, person).outcome == outcome


def club_with_a_code(*, shown: bool) -> Flask:
    """A registration by pages, which is confirmed by a code that a header of the next page shows, or that a mail holds."""
    app = Flask("codes")
    app.secret_key = "codes-key-that-nobody-guesses-2026"
    waiting: dict[str, Any] = {}
    people: dict[str, str] = {}
    fields = "<form method=post><input name=email><input name=password type=password></form>"

    @app.route("/register", methods=["GET", "POST"])
    def register() -> Any:
        if request.method == "GET":
            return fields
        waiting[request.form["email"]] = (request.form["password"], "483920")
        session["waits"] = request.form["email"]
        return redirect("/verify-otp")

    @app.route("/verify-otp", methods=["GET", "POST"])
    def verify() -> Any:
        if request.method == "GET":
            headers = {"X-OTP-Code": waiting[session["waits"]][1]} if shown else {}
            return "<form method=post><input name=otp></form>", 200, headers
        password, code = waiting[session["waits"]]
        if request.form["otp"] != code:
            return "<form method=post>Invalid OTP<input name=otp></form>"
        people[session.pop("waits")] = password
        return redirect("/login")

    @app.route("/login", methods=["GET", "POST"])
    def log_in() -> Any:
        if request.method == "GET" or people.get(request.form["email"]) != request.form["password"]:
            return fields
        session["email"] = request.form["email"]
        return redirect("/desk")

    @app.get("/desk")
    def desk() -> Any:
        return f"<h1>Desk of {session['email']}</h1>" if "email" in session else redirect("/login")

    return app


@pytest.mark.parametrize("shown", [True, False])
def test_a_code_that_a_header_of_the_next_page_shows_lets_somebody_in(shown: bool) -> None:
    people = reached(club_with_a_code(shown=shown))[0].identities
    assert any(str(one.issued_by) == "POST /login" for one in people) == shown


@pytest.mark.parametrize("own_words", [True, False])
def test_a_view_that_says_in_a_few_words_that_nobody_has_that_id_is_there(own_words: bool) -> None:
    app = Flask("cards")

    @app.get("/profile")
    def profile() -> Any:
        if request.args.get("id") == "1":
            return "<h1>Ann</h1><p>ann@example.org</p>"
        return "User not found" if own_words else abort(404), 404

    found = [route for route in reached(app)[0].app.routes if route.path == "/profile"]
    assert [one.optional for one in found] == ([("id",)] if own_words else [])
