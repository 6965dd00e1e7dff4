"""What applications that are weak on purpose showed: each with a sister that is not."""

import secrets
import sqlite3
from typing import Any

import pytest
from flask import Flask, jsonify, redirect, request, session
from markupsafe import escape
from tests.scan.engine.test_scan import served

from stopper.core.probe import Identity
from stopper.core.rule import Rule
from stopper.core.secret import Secret
from stopper.scan.catalogue import find
from stopper.scan.options import ProbeOptions
from stopper.scan.run import run_scan
from stopper.scan.trial import try_rule

ANN = Identity("ann", (), subject="ann", password=Secret("Ann-pass-9x!"))


def rule(slug: str) -> Rule:
    found = find(slug)
    assert found is not None
    return found


def wall(checks: bool) -> Flask:
    """Whoever writes is shown the page with all that was written, with 200; a form that is not taken is shown again with what was typed."""
    app = Flask("wall")
    app.secret_key = secrets.token_hex(32)
    said = [f"<li>{number} of those that were there before</li>" for number in range(3)]

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if (request.form.get("username"), request.form.get("password")) == ("ann", "Ann-pass-9x!"):
            session["user"], session["token"] = "ann", secrets.token_hex(16)
            return redirect("/wall")
        return '<form method="post"><input name="username"><input type="password" name="password"></form>'

    @app.route("/wall", methods=["GET", "POST"])
    def shown() -> Any:
        if "user" not in session:
            return redirect("/login")
        typed, taken = str(escape(request.form.get("words", ""))), request.form.get("csrf_token") == session["token"]
        if request.method == "POST" and (taken or not checks):
            said.append(f"<li><p>{typed}</p><a href='#{len(said)}'>{len(said)}</a></li>")
            typed = ""
        hidden = f'<input type="hidden" name="csrf_token" value="{session["token"]}">' if checks else ""
        wrong = "<div>The page was open for too long</div>" if typed else ""
        return f"<ul>{''.join(said)}</ul>{wrong}<form method='post'>{hidden}<textarea name='words'>{typed}</textarea></form>"

    return app


@pytest.mark.parametrize("checks", [False, True])
def test_a_page_of_all_that_was_written_is_read_for_what_another_site_wrote(checks: bool) -> None:
    with served(wall(checks)) as url:
        options = ProbeOptions(rules=(rule("csrf-protection-missing"),), mode="active", identities=(ANN,))
        report = run_scan(url, options)
    places = [str(place.route) for one in report.findings for place in one.places]
    assert places == ["POST /wall"] * (not checks)


@pytest.mark.parametrize("escaped", [False, True])
def test_a_page_that_no_quote_reaches_is_asked_for_markup_without_one(escaped: bool) -> None:
    app = Flask("search")

    @app.get("/search")
    def search() -> str:
        words = request.args.get("q", "")
        if "'" in words:
            return "The search failed"
        return f"<h1>Found for {escape(words) if escaped else words}</h1>"

    assert (try_rule(rule("markup-unescaped"), app, depth="standard").outcome == "fail") is not escaped


def notes(bound: bool, folder: str) -> Flask:
    """Notes that are kept by a statement; each has a number of its own in its answer."""
    app = Flask("notes")

    def asked(statement: str, values: tuple[str, ...] = ()) -> Any:
        connection = sqlite3.connect(f"{folder}/notes.db")
        try:
            with connection:
                return connection.execute(statement, values).lastrowid
        finally:
            connection.close()

    asked("CREATE TABLE note (id INTEGER PRIMARY KEY, title TEXT)")

    @app.post("/notes")
    def keep() -> Any:
        title = str(request.get_json()["title"])
        try:
            if bound:
                number = asked("INSERT INTO note (title) VALUES (?)", (title,))
            else:
                number = asked(f"INSERT INTO note (title) VALUES ('{title}')")
        except sqlite3.Error:
            return jsonify(message="not kept"), 500
        return jsonify(id=number, title=title), 201

    return app


@pytest.mark.parametrize("bound", [False, True])
def test_a_statement_that_makes_a_thing_is_told_though_each_has_another_number(bound: bool, tmp_path: Any) -> None:
    with served(notes(bound, str(tmp_path))) as url:
        report = run_scan(url, ProbeOptions(rules=(rule("sql-injection"),), mode="active"))
    places = [str(place.route) for one in report.findings for place in one.places]
    assert places == ["POST /notes"] * (not bound)


@pytest.mark.parametrize(
    ("coding", "password"), [("form", "admin123"), ("json", "admin123"), ("form", ""), ("json", "")]
)
def test_the_coding_in_which_a_log_in_reads_an_account_is_found_by_half_a_body(coding: str, password: str) -> None:
    """Both codings are refused alike, and no page shows a form."""
    app = Flask("desk")
    password = password or secrets.token_hex(16)

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        by_form = coding == "form" or request.method == "GET"
        sent: Any = request.form if by_form else request.get_json(silent=True)
        if sent is None:
            return jsonify(error="the body is no JSON"), 400
        if (sent.get("username"), sent.get("password")) == ("admin", password):
            return jsonify(message="Welcome", role="admin")
        return jsonify(message="Invalid credentials"), 401

    with served(app) as url:
        report = run_scan(url, ProbeOptions(rules=(rule("default-account-enabled"),), mode="active"))
    assert [one.rule.slug for one in report.findings] == ["default-account-enabled"] * (password == "admin123")


@pytest.mark.parametrize("shown", [True, False])
def test_what_a_parser_says_of_a_text_that_is_no_program_is_the_text_of_an_exception(shown: bool) -> None:
    app = Flask("sums")

    @app.get("/sum")
    def worked_out() -> Any:
        try:
            compile(request.args.get("q", "+"), "<string>", "eval")
        except Exception as error:
            return jsonify(error=str(error) if shown else "name your numbers on line 1"), 400
        return jsonify(sum=0)

    probed = try_rule(rule("exception-text-in-response"), app, depth="standard")
    assert (probed.outcome == "fail") is shown


def shop(asks: bool, mails: bool) -> Flask:
    """Orders on pages that say whose they are; whoever registers has none."""
    app = Flask("shop")
    app.secret_key = secrets.token_hex(32)
    people = dict[str, str]()

    @app.route("/register", methods=["GET", "POST"])
    def register() -> Any:
        if request.method == "POST":
            people[request.form["username"]] = request.form["password"]
            return redirect("/login")
        return '<form method="post"><input name="username"><input type="password" name="password"></form>'

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        name, password = request.form.get("username", ""), request.form.get("password", "")
        if name in people and secrets.compare_digest(people[name].encode(), password.encode()):
            session["user"] = name
            return redirect("/orders")
        return '<form method="post"><input name="username"><input type="password" name="password"></form>'

    @app.get("/orders")
    def orders() -> Any:
        if "user" not in session:
            return redirect("/login")
        return '<h1>Your orders</h1>None so far. <a href="/order/1">An example</a> <footer>help@shop.test</footer>'

    @app.get("/order/<int:number>")
    def order(number: int) -> Any:
        if "user" not in session:
            return redirect("/login")
        if asks and number > 1:
            return "<h1>Not found</h1>", 404
        whose = f"person{number}@mail.test" if mails else "somebody"
        return f"<h1>Order {number}</h1>For {whose}: {3 * number} lamps <footer>help@shop.test</footer>"

    return app


@pytest.mark.parametrize(("asks", "mails"), [(False, True), (True, True), (False, False)])
def test_pages_under_numbers_that_name_several_others_are_told_where_the_scan_registered_who_reads(
    asks: bool, mails: bool
) -> None:
    with served(shop(asks, mails)) as url:
        report = run_scan(url, ProbeOptions(rules=(rule("cross-user-object-access"),), mode="active"))
    places = [str(place.route) for one in report.findings for place in one.places]
    assert places == ["GET /order/{id}"] * (mails and not asks)


@pytest.mark.parametrize("way", ["built", "bound", "filtered"])
def test_a_condition_that_is_answered_by_one_word_is_told_and_a_filter_of_signs_is_not(way: str, tmp_path: Any) -> None:
    """Whatever the statement says, the page names what was looked for, and says no more of it than that it is there."""
    app, kept = Flask("there"), f"{tmp_path}/people.db"
    with sqlite3.connect(kept) as connection:
        connection.execute("CREATE TABLE person (name TEXT)")
        connection.execute("INSERT INTO person VALUES ('ann')")

    @app.get("/there")
    def there() -> str:
        name = request.args.get("q", "")
        connection = sqlite3.connect(kept)
        try:
            if way == "built":
                found = connection.execute(f"SELECT * FROM person WHERE name = '{name}'").fetchall()
            else:
                found = connection.execute("SELECT * FROM person WHERE name = ?", (name,)).fetchall()
        except sqlite3.Error:
            found = []
        finally:
            connection.close()
        if way == "filtered" and " OR " in name:
            return f"<p>{escape(name)}: no</p>"
        return f"<p>{escape(name)}: {'there' if found else 'not there'}</p>"

    probed = try_rule(rule("sql-injection"), app, depth="standard")
    assert (probed.outcome == "fail") is (way == "built"), probed.message
