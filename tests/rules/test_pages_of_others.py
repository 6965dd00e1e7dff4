"""Pages behind a log-in: what one person stored by a form is found by another under the same address, or taken away by its form."""

import itertools
from typing import Any

import pytest
from flask import Flask, abort, redirect, request, session

from stopper.core.app import App, Reader, Route
from stopper.core.finding import Verdict
from stopper.core.probe import Identity
from stopper.core.probing.ids_in_paths import templated
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.engine import run_probe
from stopper.scan.surface.page_routes import with_forms_of
from stopper.scan.target import prepare
from stopper.scan.trial import try_rule
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.form_doors import FormDoors
from stopper.scan.wire.wsgi import WsgiTransport

WIRE: frozenset[Reader] = frozenset({"wire"})
SPEC: frozenset[Reader] = frozenset({"spec"})
RULE = next(rule for rule in load() if rule.slug == "cross-user-object-access")


def diary(*, reads: bool, deletes: bool, public: bool = False) -> Flask:
    """Pages with a form. *reads* and *deletes* say whether the page of one note, and its form, ask whose it is; all see all in a *public* one."""
    app, people, notes, numbers = Flask("diary"), dict[str, str](), dict[int, tuple[str, str]](), itertools.count(1)
    app.secret_key = "k3c-9f81b7d2e6a4405f8c21"
    account = '<form method="post"><input name="username"><input type="password" name="password"></form>'

    @app.route("/register", methods=["GET", "POST"])
    def register() -> Any:
        if request.method == "GET":
            return account
        people[request.form["username"]] = request.form["password"]
        return redirect("/login")

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.method == "GET":
            return account
        if people.get(request.form["username"]) != request.form["password"]:
            return account, 401
        session["name"] = request.form["username"]
        return redirect("/")

    @app.get("/")
    def home() -> Any:
        if "name" not in session:
            return redirect("/login")
        mine = {number: text for number, (whose, text) in notes.items() if public or whose == session["name"]}
        shown = "".join(
            f'<li>{text} <a href="/note/{number}">more</a><form method="post" action="/note/{number}/delete"></form></li>'
            for number, text in mine.items()
        )
        return f'<form method="post" action="/notes"><textarea name="text"></textarea></form><ul>{shown}</ul>'

    @app.post("/notes")
    def add() -> Any:
        if "name" in session and request.form.get("text"):
            notes[next(numbers)] = (session["name"], request.form["text"])
        return redirect("/" if "name" in session else "/login")

    @app.get("/note/<int:number>")
    def note(number: int) -> Any:
        whose, text = notes.get(number, ("", ""))
        if "name" not in session or not whose or (reads and whose != session["name"]):
            return "<p>There is none</p>", 404
        return f"<p>{text}</p>"

    @app.post("/note/<int:number>/delete")
    def delete(number: int) -> Any:
        if "name" in session and (not deletes or notes.get(number, ("",))[0] == session["name"]):
            notes.pop(number, None)
        return redirect("/" if "name" in session else "/login")

    return app


def shelf(*, asks: bool, books: dict[int, dict[str, Any]] | None = None) -> Flask:
    """Pages that name a thing in a query, in a hidden field, and in a form behind a link; and an account that is named in the same ways."""
    app, numbers = Flask("shelf"), itertools.count(1)
    people: dict[int, dict[str, str]] = {}
    welcomes, books = books is not None, {} if books is None else books
    app.secret_key = "k3c-9f81b7d2e6a4405f8c21"
    account = '<form method="post"><input name="username"><input type="password" name="password"></form>'

    def me() -> int:
        return int(session.get("id", 0))

    @app.route("/register", methods=["GET", "POST"])
    def register() -> Any:
        if request.method == "GET":
            return account
        number = next(numbers)
        people[number] = {**request.form.to_dict(), "email": "none@example.org"}
        if welcomes:
            books[next(numbers)] = {"owner": number, "title": "welcome"}
        return redirect("/login")

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        given = request.form.to_dict()
        found = [number for number, one in people.items() if given.items() <= one.items()] if given else []
        if not found:
            return account, 401 if given else 200
        session["id"] = found[0]
        return redirect("/")

    @app.before_request
    def known() -> Any:
        return None if request.path in ("/login", "/register") or me() in people else redirect("/login")

    @app.get("/")
    def home() -> Any:
        shown = "".join(
            f'<li>{one["title"]} <a href="/book?number={number}">more</a><form method="post" action="/book/away">'
            f'<input type="hidden" name="book" value="{number}"></form></li>'
            for number, one in books.items()
            if one["owner"] == me()
        )
        form = '<form method="post" action="/books"><input name="title"></form>'
        return f'<a href="/settings?user_id={me()}">Settings</a>{form}<ul>{shown}</ul>'

    @app.post("/books")
    def add() -> Any:
        books[next(numbers)] = {"owner": me(), "title": request.form["title"]}
        return redirect("/")

    def book(number: Any) -> dict[str, Any]:
        found = books.get(int(number or 0)) or abort(404)
        return found if not asks or found["owner"] == me() else abort(404)

    @app.get("/book")
    def read() -> Any:
        number, one = request.args.get("number"), book(request.args.get("number"))
        return f'<h1>{one["title"]}</h1><form method="post" action="/book/{number}/name"><input name="title"></form>'

    @app.post("/book/<int:number>/name")
    def name(number: int) -> Any:
        book(number)["title"] = request.form["title"]
        return redirect("/")

    @app.post("/book/away")
    def drop() -> Any:
        book(request.form.get("book"))
        del books[int(request.form["book"])]
        return redirect("/")

    @app.route("/settings", methods=["GET", "POST"])
    def settings() -> Any:
        number = int(request.values.get("user_id", 0))
        if number not in people or (asks and number != me()):
            abort(404)
        if request.method == "POST":
            people[number]["email"] = request.form["email"]
        hidden = f'<input type="hidden" name="user_id" value="{number}">'
        mail = f'<input type="email" name="email" value="{people[number]["email"]}">'
        return f'<p>{people[number]["username"]}</p><form method="post" action="/settings">{hidden}{mail}</form>'

    return app


def judged(app: Flask) -> Verdict:
    """By a scan that knows two pages and finds the rest behind the log-in."""
    courier = Courier(WsgiTransport(app), mode="active", max_requests=2000)
    doors = [
        Route(path, ("GET", "POST"), fields=("username", "password"), takes_form=True, readers=WIRE)
        for path in ("/register", "/login")
    ]
    model = App(routes=(*doors, Route("/", ("GET",), readers=WIRE)), readers=WIRE)
    courier.forms = FormDoors.of(model.routes)
    target = prepare(model, courier, (), "active", "standard").target
    courier.forms = FormDoors.of(target.app.routes)
    return run_probe(RULE, target, courier).verdict


@pytest.mark.parametrize(
    ("reads", "deletes", "told"),
    [
        (False, False, {("GET", "/note/{id}"), ("POST", "/note/{id}/delete")}),
        (True, False, {("POST", "/note/{id}/delete")}),
        (False, True, {("GET", "/note/{id}")}),
    ],
)
def test_a_page_or_a_form_that_asks_nobody_whose_it_is(reads: bool, deletes: bool, told: set[tuple[str, str]]) -> None:
    found = judged(diary(reads=reads, deletes=deletes))
    assert found.outcome == "fail", found.message
    assert {(ref.method, ref.path) for ref in found.routes} == told


def test_pages_that_ask_whose_it_is_and_pages_that_all_see_are_none() -> None:
    assert judged(diary(reads=True, deletes=True)).outcome != "fail"
    assert judged(diary(reads=False, deletes=False, public=True)).outcome != "fail"


def test_things_are_named_in_a_query_in_a_hidden_field_and_in_a_form_behind_a_link() -> None:
    told = {(ref.method, ref.path) for ref in judged(shelf(asks=False)).routes}
    reads, changes = {"/book", "/settings"}, {"/book/{id}/name", "/book/away", "/settings"}
    assert told == {*(("GET", path) for path in reads), *(("POST", path) for path in changes)}
    assert judged(shelf(asks=True)).outcome != "fail"


def test_what_somebody_had_before_the_scan_stays_as_it_was() -> None:
    books: dict[int, dict[str, Any]] = {}
    found = judged(shelf(asks=False, books=books))
    assert ("POST", "/book/{id}/name") in {(ref.method, ref.path) for ref in found.routes}
    had = [one for one in books.values() if one["title"] == "welcome"]
    assert len(had) == len({one["owner"] for one in books.values()}) >= 2


def test_the_form_of_a_page_behind_the_log_in_says_what_a_known_route_reads() -> None:
    known = (Route("/notes", ("GET", "POST"), readers=WIRE), Route("/notes", ("DELETE",), readers=WIRE))
    form = Route("/notes", ("POST",), fields=("text",), takes_form=True, readers=WIRE)
    assert with_forms_of(known, [form]) == (
        Route("/notes", ("GET",), readers=WIRE), Route("/notes", ("DELETE",), readers=WIRE), form,
    )  # fmt: skip
    described = (Route("/notes", ("POST",), fields=("title",), readers=frozenset({"spec"})),)
    assert with_forms_of(described, [form]) == described


@pytest.mark.parametrize(
    ("path", "told"),
    [("/notes/7/delete", "/notes/{id}/delete"), ("/a/1/b/2", "/a/{id}/b/{id2}"), ("/notes/new", "/notes/new")],
)
def test_addresses_are_told_by_their_form(path: str, told: str) -> None:
    assert templated(path)[0] == told


def payslips(*, asks: bool) -> Flask:
    """Pages of what two people had before; nothing is stored there. ``asks`` says whether a page asks whose it is."""
    app, slips = Flask("payslips"), {900: ("ann", "3100"), 901: ("ben", "2900"), 902: ("ann", "3105")}

    @app.before_request
    def shut() -> Any:
        return None if request.cookies.get("who") else redirect("/login")

    @app.get("/payslips")
    def listed() -> Any:
        mine = [number for number, (whose, _) in slips.items() if whose == request.cookies["who"]]
        links = "".join(f'<li><a href="/payslips/{number}">January</a></li>' for number in mine)
        return f"<h1>Hello {request.cookies['who']}</h1><ul>{links}</ul>"

    @app.get("/payslips/<int:number>")
    def slip(number: int) -> Any:
        whose, net = slips.get(number) or abort(404)
        if asks and whose != request.cookies["who"]:
            abort(404)
        return f"<h1>Hello {request.cookies['who']}</h1><p>January, net: {net}</p>"

    return app


@pytest.mark.parametrize("asks", [False, True])
def test_a_page_of_what_was_there_is_opened_by_who_has_others_of_the_kind(asks: bool) -> None:
    people = [Identity(name, (("Cookie", Secret(f"who={name}")),)) for name in ("ann", "ben")]
    verdict = try_rule(RULE, payslips(asks=asks), identities=people)
    assert (verdict.outcome == "fail") is not asks, verdict.message
    assert asks or [(ref.method, templated(ref.path)[0]) for ref in verdict.routes] == [("GET", "/payslips/{id}")]


@pytest.mark.parametrize("asks", [False, True])
def test_a_form_is_sent_with_what_he_himself_may_pick(asks: bool) -> None:
    """The accounts that Alice's form offers are not Bob's: with hers his change is refused, whatever the form belongs to."""
    app, people, spent, numbers = Flask("spendings"), {"ann": 1, "ben": 2}, dict[int, list[Any]](), itertools.count(1)
    given = [Identity(name, (("Cookie", Secret(f"who={name}")),)) for name in people]

    @app.before_request
    def shut() -> Any:
        return None if request.cookies.get("who") in people else redirect("/login")

    def form(where: str, name: str = "") -> str:
        own = 70 + people[request.cookies["who"]]
        return (
            f'<form method="post" action="{where}"><input name="name" value="{name}"><input type="number" name="amount" value="30">'
            f'<select name="account"><option value="{own}">cash</option></select></form>'
        )

    def is_his_account() -> bool:
        return request.form.get("account") == str(70 + people[request.cookies["who"]])

    @app.get("/")
    def home() -> Any:
        return redirect("/expenses")

    @app.route("/expenses", methods=["GET", "POST"])
    def expenses() -> Any:
        me = request.cookies["who"]
        if request.method == "POST" and is_his_account():
            spent[next(numbers)] = [me, request.form["name"]]
            return redirect("/expenses")
        mine = "".join(f'<a href="/expenses/{one}">{name}</a>' for one, (whose, name) in spent.items() if whose == me)
        return form("/expenses") + mine

    @app.route("/expenses/<int:number>", methods=["GET", "POST"])
    def expense(number: int) -> Any:
        if number not in spent or (asks and spent[number][0] != request.cookies["who"]):
            abort(404)
        if request.method == "POST" and is_his_account():
            spent[number][1] = request.form["name"]
            return redirect(f"/expenses/{number}")
        return form(f"/expenses/{number}", spent[number][1])

    spends = Route("/expenses", ("GET", "POST"), readers=SPEC)
    courier = Courier(WsgiTransport(app), mode="active", max_requests=2000)
    courier.forms = FormDoors.of((spends,))
    target = prepare(App(routes=(spends,), readers=SPEC), courier, given, "active", "standard").target
    courier.forms = FormDoors.of(target.app.routes)
    found = run_probe(RULE, target, courier).verdict
    refs = {str(ref) for ref in found.routes}
    assert refs == (set() if asks else {"GET /expenses/{id}", "POST /expenses/{id}"}), found.message
