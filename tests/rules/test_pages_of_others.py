"""Pages behind a log-in: what one person stored by a form is found by another under the same address, or taken away by its form."""

import itertools
from typing import Any

import pytest
from flask import Flask, redirect, request, session

from stopper.core.app import App, Reader, Route
from stopper.core.finding import Verdict
from stopper.core.ids_in_paths import templated
from stopper.scan.catalogue import load
from stopper.scan.crawl import with_forms_of
from stopper.scan.engine import run_probe
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.form_doors import FormDoors
from stopper.scan.wire.wsgi import WsgiTransport

WIRE: frozenset[Reader] = frozenset({"wire"})
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


def judged(app: Flask) -> Verdict:
    """By a scan that knows two pages and finds the rest behind the log-in."""
    courier = Courier(WsgiTransport(app), mode="active", max_requests=2000)
    doors = [
        Route(path, ("GET", "POST"), fields=("username", "password"), takes_form=True, readers=WIRE)
        for path in ("/register", "/login")
    ]
    model = App(routes=(*doors, Route("/", ("GET",), readers=WIRE)), readers=WIRE)
    courier.forms = FormDoors.of(model.routes)
    return run_probe(RULE, prepare(model, courier, (), "active", "standard").target, courier).verdict


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
