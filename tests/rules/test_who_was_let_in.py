"""What tells that somebody was let in or taken, and by whose account a log-in is judged."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, flash, get_flashed_messages, jsonify, redirect, request, session
from tests.rules.from_outside import RULES, reached, verdict

from stopper.core.app import App, Route
from stopper.core.exchange import Response
from stopper.core.probe import Identity
from stopper.core.probing.accounts.login import lets_in
from stopper.core.probing.baseline import bearers
from stopper.core.secret import Secret
from stopper.scan.engine import run_probe
from stopper.scan.target import prepare
from stopper.scan.trial import try_rule
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


def _said(fill: Any) -> Response:
    """The answer of a Flask application that *fill* has written to the session of."""
    app = Flask("said")
    app.secret_key = "a-long-key-of-this-test"

    @app.post("/login")
    def login() -> Any:
        fill()
        return redirect("/")

    answer = app.test_client().post("/login")
    return Response(answer.status_code, tuple(answer.headers.items()), answer.data)


def test_a_message_in_the_session_lets_nobody_in() -> None:
    assert not lets_in(_said(lambda: flash("Invalid credentials")))


def test_a_name_in_the_session_lets_somebody_in() -> None:
    def enter() -> None:
        flash("Welcome")
        session["_user_id"] = "1"

    assert lets_in(_said(enter))


@pytest.mark.parametrize(("cookie", "lets"), [("preferences=gASV1", False), ("theme=dark", False), ("sid=gASV1", True)])
def test_what_somebody_likes_lets_nobody_in(cookie: str, lets: bool) -> None:
    assert lets_in(Response(302, (("Location", "/"), ("Set-Cookie", f"{cookie}; Path=/")))) is lets


@pytest.mark.parametrize("slow", [False, True])
def test_a_log_in_that_says_no_by_a_message_alone_is_judged(slow: bool) -> None:
    """Nobody can register there; a lock is a lock all the same."""
    app, wrong = Flask("flashes"), []
    app.secret_key = "a-long-key-of-this-test"

    @app.get("/")
    def start() -> Any:
        return redirect("/login")

    @app.get("/login")
    def page() -> Any:
        said = "".join(get_flashed_messages())
        form = "<form method=post><input name=username><input name=password type=password></form>"
        return said + form, {"Content-Type": "text/html"}

    @app.post("/login")
    def login() -> Any:
        wrong.append(1)
        if slow and len(wrong) > 5:
            return "slow down", 429
        flash("Invalid credentials")
        return redirect("/")

    told = verdict("login-not-throttled", app)
    assert (told.outcome == "fail") is not slow, told.message


class _Market:
    """Pages that register by a form and answer with the form of the log-in."""

    def __init__(self, strict: bool) -> None:
        self.people: dict[str, str] = {}
        self.strict = strict
        self.app = Flask("market")
        self.app.secret_key = "a-long-key-of-this-test"
        for path in ("/", "/register", "/login"):
            self.app.add_url_rule(path, f"page {path}", lambda p=path: self._page(p), methods=["GET"])
        self.app.add_url_rule("/register", "register", self._register, methods=["POST"])
        self.app.add_url_rule("/login", "login", self._login, methods=["POST"])
        self.app.add_url_rule("/home", "home", lambda: "in" if "who" in session else redirect("/login"))

    def _page(self, path: str) -> Any:
        where = "/login" if path == "/" else path
        again = "<input name=password2 type=password>" if where == "/register" else ""
        links = "<a href=/register>r</a><a href=/login>l</a><a href=/home>h</a>"
        form = (
            f"<form method=post action={where}><input name=username><input name=password type=password>{again}</form>"
        )
        return f"<html><body>{links}{form}</body></html>", {"Content-Type": "text/html"}

    def _register(self) -> Any:
        name, word = request.form.get("username", ""), request.form.get("password", "")
        if not name or name in self.people or word != request.form.get("password2"):
            return "Error: account creation failed"
        if self.strict and (len(word) < 12 or word.isalpha()):
            return "Error: choose a longer password"
        self.people[name] = word
        return self._page("/login")

    def _login(self) -> Any:
        name = request.form.get("username", "")
        if self.people.get(name, "") != request.form.get("password"):
            return "Login failed!"
        session["who"] = name
        return redirect("/home")


@pytest.mark.parametrize("strict", [False, True])
def test_who_is_taken_is_told_by_how_somebody_was_taken_before(strict: bool) -> None:
    """The form of the log-in is the answer to a good registration."""
    told = verdict("weak-password-accepted", _Market(strict).app)
    assert told.outcome == ("pass" if strict else "fail"), told.message


class _Store:
    """A log-in with a default account, whose store forgets everybody once somebody has come in; or with a statement made of the name."""

    def __init__(self, *, forgets: bool = False, by_statement: bool = False) -> None:
        self.people = {"admin": "password"}
        self.came, self.forgets, self.by_statement = 0, forgets, by_statement
        self.app = Flask("store")
        self.app.add_url_rule("/", "start", lambda: jsonify(routes=["/login", "/mine"]))
        self.app.add_url_rule("/mine", "mine", self._mine)
        self.app.add_url_rule("/login", "login", self._login, methods=["POST"])

    def _mine(self) -> Any:
        return (
            jsonify(mine=[]) if request.headers.get("Authorization") == "Bearer 5f1c0d9e8b7a6f5e4d3c" else ("no", 401)
        )

    def _login(self) -> Any:
        said = request.get_json(silent=True) or {}
        name, word = str(said.get("username")), str(said.get("password"))
        if self.by_statement:
            good = "OR 1=1" in name
        else:
            good = not (self.forgets and self.came > 1) and self.people.get(name) == word
            self.came += good
        return jsonify(token="5f1c0d9e8b7a6f5e4d3c") if good else (jsonify(error="no such account"), 401)


def test_the_default_account_by_which_the_scan_came_in_is_told_though_it_is_gone() -> None:
    app = _Store(forgets=True).app
    told = verdict("default-account-enabled", app)
    assert told.outcome == "fail", told.message


def test_an_account_that_is_gone_is_no_lock() -> None:
    told = verdict("login-not-throttled", _Store(forgets=True).app)
    assert told.outcome == "fail", told.message


def test_a_name_that_changes_the_statement_is_nobodys_account() -> None:
    """It comes in whatever the password is; wrong passwords of others are what is counted."""
    told = verdict("login-not-throttled", _Store(by_statement=True).app)
    assert told.outcome == "fail", told.message
    assert verdict("default-account-enabled", _Store(by_statement=True).app).outcome != "fail"


def test_an_account_of_the_scan_that_is_locked_is_a_lock() -> None:
    app, people, wrong = Flask("locks"), {}, {}

    @app.post("/register")
    def register() -> Any:
        said = request.get_json(silent=True) or {}
        people[str(said.get("username"))] = str(said.get("password"))
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> Any:
        said = request.get_json(silent=True) or {}
        name = str(said.get("username"))
        good = people.get(name) == said.get("password") and wrong.get(name, 0) < 5
        wrong[name] = 0 if good else wrong.get(name, 0) + 1
        return jsonify(token=f"5f1c0d9e8b7a6f5e4d3c{name}") if good else (jsonify(error="no"), 401)

    @app.get("/mine")
    def mine() -> Any:
        return jsonify(mine=[]) if request.headers.get("Authorization", "").startswith("Bearer 5f1c") else ("no", 401)

    assert try_rule(RULES["login-not-throttled"], app).outcome == "pass"


@pytest.mark.parametrize(
    ("cookie_opens", "flags", "told"), [(True, "", True), (False, "", False), (True, "; SameSite=Strict", False)]
)
def test_a_cookie_that_is_set_beside_a_token_is_judged_as_well(cookie_opens: bool, flags: str, told: bool) -> None:
    """The scan shows the token; a browser sends the cookie, whoever asks."""
    app, people = Flask("both"), dict[str, str]()

    def who() -> str:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return people.get(shown or (request.cookies.get("token", "") if cookie_opens else ""), "")

    @app.post("/register")
    def register() -> Any:
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> Any:
        said = request.get_json(silent=True) or {}
        if not said.get("username"):
            return jsonify(error="no"), 401
        token = f"5f1c0d9e8b7a6f5e4d3c{len(people)}"
        people[token] = str(said["username"])
        return jsonify(token=token), 200, {"Set-Cookie": f"token={token}; Path=/{flags}"}

    @app.get("/mine")
    def mine() -> Any:
        return jsonify(mine=[who()]) if who() else (jsonify(error="no"), 401)

    @app.post("/toggle")
    def toggle() -> Any:
        return jsonify(done=True) if who() else (jsonify(error="no"), 401)

    assert (try_rule(RULES["csrf-protection-missing"], app).outcome == "fail") is told


def test_who_is_kept_by_a_cookie_shows_the_token_that_was_handed_out_as_well() -> None:
    target, _ = reached(Flask("none"))
    by_cookie = Identity("ann", (("Cookie", Secret("session=abcdefgh12345678")),), token=Secret("ey.not.really"))
    by_token = Identity("bob", (("X-Token", Secret("ey.other.one")),), token=Secret("ey.other.one"))
    ann, bob = bearers(replace(target, identities=(by_cookie, by_token)))
    assert [(name, value.reveal()) for name, value in ann.headers] == [("Authorization", "Bearer ey.not.really")]
    assert bob == by_token


@pytest.mark.parametrize("open_to_all", [True, False])
def test_a_model_that_has_answered_nobody_is_told_though_a_limit_comes_next(open_to_all: bool) -> None:
    app, asked = Flask("model"), []

    @app.post("/api/chat")
    def chat() -> Any:
        said = (request.get_json(silent=True) or {}).get("message")
        if not open_to_all and "Authorization" not in request.headers:
            return jsonify(error="no"), 401
        if not said:
            return jsonify(error="message is required"), 400
        asked.append(said)
        if len(asked) > 2:
            return jsonify(error="slow down"), 429
        return jsonify(response="I help with orders." if "help" in said else "Seven days.")

    courier = Courier(WsgiTransport(app), mode="active", max_requests=200)
    chats = Route("/api/chat", ("POST",), fields=("message",), readers=frozenset({"wire"}))
    target = prepare(App(routes=(chats,), readers=frozenset({"wire"})), courier, (), "active", "standard").target
    told = run_probe(RULES["llm-endpoint-unauthenticated"], target, courier).verdict
    assert (told.outcome == "fail") is open_to_all, told.message


@pytest.mark.parametrize("shown_as_is", [True, False])
def test_who_came_in_is_told_by_where_the_log_in_leads_and_sees_what_was_written(shown_as_is: bool) -> None:
    """The start sends everybody to the log-in, and the page shows to each their own notes, to nobody none."""
    app, people, notes = Flask("led"), dict[str, str](), dict[str, list[str]]()
    app.secret_key = "a-long-key-of-this-test"

    def page(body: str) -> Any:
        return f"<html><body>{body}</body></html>", {"Content-Type": "text/html"}

    form = "<form method=post><input name=username><input name=password type=password></form>"
    app.add_url_rule("/", "start", lambda: redirect("/login"))
    app.add_url_rule("/register", "join", lambda: page(form))
    app.add_url_rule("/login", "door", lambda: page(f"{form}<a href=/register>new</a>"))

    @app.post("/register")
    def register() -> Any:
        people[request.form["username"]] = request.form["password"]
        return redirect("/login")

    @app.post("/login")
    def login() -> Any:
        if people.get(request.form["username"]) != request.form["password"]:
            return page(form)
        session["who"] = request.form["username"]
        return redirect("/board")

    @app.get("/board")
    def board() -> Any:
        own = notes.get(session.get("who", ""), [])
        told = [one if shown_as_is else one.replace("<", "&lt;") for one in own]
        if "who" not in session:
            return redirect("/login")
        return page("".join(told) + "<form method=post action=/notes><input name=text></form><a href=/open>all</a>")

    @app.get("/open")
    def everybody() -> Any:
        return board() if "who" in session else page("nothing yet")

    @app.post("/notes")
    def write() -> Any:
        if "who" not in session:
            return redirect("/login")
        notes.setdefault(session["who"], []).append(request.form.get("text", ""))
        return redirect("/open")

    target, _ = reached(app)
    assert len(target.identities) == 2
    told = verdict("markup-unescaped", app)
    assert (told.outcome == "fail") is shown_as_is, told.message
