"""Pages that lead each person to things of its own, by any kind of name: another opens them, looks behind them, and sends their forms."""

import base64
from typing import Any

import pytest
from flask import Flask, abort, jsonify, redirect, request
from tests.rules.test_pages_of_others import RULE, WIRE

from stopper.core.app import App, Route
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.engine import run_probe
from stopper.scan.target import prepare
from stopper.scan.trial import try_rule
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.form_doors import FormDoors
from stopper.scan.wire.wsgi import WsgiTransport

PEOPLE = [Identity(name, (("Cookie", Secret(f"who={name}")),)) for name in ("ann", "ben")]
HOMES = {"ann": ("21", "Bern 3011"), "ben": ("22", "Thun 3600")}


def school(*, asks: bool) -> Flask:
    """Exports by a number in base64, settings below the own name, a file behind a page, a preview by a form, and marks by a script."""
    app = Flask("school")
    files = {"f9c1ab": ("ann", "sketches of alps"), "d0372e": ("ben", "tables of rivers")}
    orders = {"100001": ("ann", "paper"), "200001": ("ben", "pencils")}

    def me() -> str:
        return request.cookies.get("who", "")

    @app.before_request
    def shut() -> Any:
        return None if me() in HOMES or request.path == "/openapi.json" else redirect("/login")

    def mine(whose: str) -> None:
        if asks and whose != me():
            abort(404)

    @app.get("/")
    def home() -> str:
        number = next(one for one, (whose, _) in orders.items() if whose == me())
        ref = base64.urlsafe_b64encode(number.encode()).decode().rstrip("=")
        links = f'<a href="/export?ref={ref}">Export</a><a href="/people/{me()}/settings">Settings</a><a href="/homework/{HOMES[me()][0]}">x</a>'
        choice = f'<select name="order_no"><option value="{number}">{number}</option></select>'
        form = f'<form method="post" action="/orders/preview">{choice}<button>Show</button></form>'
        return f"<p>Hello {me()}</p>{links}{form}<script>const student_id = {HOMES[me()][0]};</script>"

    @app.get("/export")
    def export() -> Any:
        number = base64.urlsafe_b64decode(request.args.get("ref", "") + "===").decode("utf-8", "replace")
        whose, what = orders.get(number) or abort(404)
        mine(whose)
        return f"number,what\n{number},{what}\n", 200, {"Content-Type": "text/csv"}

    @app.post("/orders/preview")
    def preview() -> str:
        whose, what = orders.get(request.form.get("order_no", "")) or abort(404)
        mine(whose)
        return f"<p>It holds {what}</p>"

    @app.get("/homework/<number>")
    def homework(number: str) -> str:
        whose = next((name for name, (one, _) in HOMES.items() if one == number), None) or abort(404)
        mine(whose)
        named = next(one for one, (owner, _) in files.items() if owner == whose)
        return f'<p>Handed in by {whose}</p><a href="/files/{named}">file</a>'

    @app.get("/files/<name>")
    def file(name: str) -> Any:
        whose, text = files.get(name) or abort(404)
        mine(whose)
        return text, 200, {"Content-Type": "text/plain"}

    @app.route("/people/<name>/settings", methods=["GET", "POST"])
    def settings(name: str) -> Any:
        mine(name)
        home = HOMES.get(name) or abort(404)
        form = f'<form method="post" action="/people/{name}/settings"><input name="home" value="{home[1]}"></form>'
        return form if request.method == "GET" else redirect(request.path)

    @app.get("/api/marks")
    def marks() -> Any:
        whose = next(
            (name for name, (one, _) in HOMES.items() if one == request.args.get("student_id")), None
        ) or abort(404)
        mine(whose)
        return jsonify(marks=[f"five of {whose}"])

    reads = {"get": {"responses": {}}}
    paths: dict[str, Any] = {
        "/": reads,
        "/api/marks": {"get": {"responses": {}, "parameters": [{"name": "student_id", "in": "query"}]}},
    }
    document = {"openapi": "3.0.3", "info": {"title": "school", "version": "1"}, "paths": paths}
    app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    return app


@pytest.mark.parametrize("asks", [False, True])
def test_what_only_ones_own_pages_lead_to(asks: bool) -> None:
    found = try_rule(RULE, school(asks=asks), identities=PEOPLE)
    told = {(ref.method, ref.path) for ref in found.routes}
    reads = {"/export", "/homework/{id}", "/files/{name}", "/people/{name}/settings", "/api/marks"}
    changes = {("POST", "/orders/preview"), ("POST", "/people/{name}/settings")}
    assert told == (set() if asks else {*(("GET", path) for path in reads), *changes}), found.message


def test_people_who_are_shown_to_all_are_none() -> None:
    app = Flask("forum")

    @app.get("/")
    def home() -> str:
        who = request.cookies.get("who", "")
        return (
            f'<a href="/people/{who}">Me</a><a href="/posts/{len(who) + (who == "ann")}">post</a>'
            if who
            else abort(401)
        )

    app.add_url_rule(
        "/people/<name>", "one", lambda name: f"<h1>{name} of {HOMES[name][1]}</h1>" if name in HOMES else abort(404)
    )
    app.add_url_rule("/posts/<int:number>", "post", lambda number: f"<h1>post {number} says number{number}</h1>")
    assert try_rule(RULE, app, identities=PEOPLE).outcome != "fail"


def visits(*, asks: bool) -> Flask:
    """A form says whose a visit will be in a hidden field, and a visit may be called off by a form that takes no text."""
    app, kept = Flask("visits"), dict[int, dict[str, Any]]()
    ids = {name: int(number) for name, (number, _) in HOMES.items()}

    def me() -> int:
        return ids.get(request.cookies.get("who", ""), 0)

    @app.before_request
    def shut() -> Any:
        return None if me() else redirect("/login")

    def one(number: int) -> dict[str, Any]:
        found = kept.get(number) or abort(404)
        return found if not asks or found["patient"] == me() else abort(404)

    @app.route("/visits", methods=["GET", "POST"])
    def listed() -> Any:
        if request.method == "POST":
            said = int(request.form.get("patient_id") or 0)
            kept[900 + len(kept)] = {
                "patient": me() if asks else said,
                "reason": request.form["reason"],
                "state": "booked",
            }
            return redirect("/visits")
        mine = "".join(f'<a href="/visits/{n}">{v["reason"]}</a>' for n, v in kept.items() if v["patient"] == me())
        hidden = f'<input type="hidden" name="patient_id" value="{me()}">'
        return f'{mine}<form method="post" action="/visits">{hidden}<input name="reason"></form>'

    @app.get("/visits/<int:number>")
    def read(number: int) -> str:
        visit = one(number)
        return f'<p>{visit["reason"]}: {visit["state"]}</p><form method="post" action="/visits/{number}/cancel"></form>'

    @app.post("/visits/<int:number>/cancel")
    def cancel(number: int) -> Any:
        one(number)["state"] = "called off"
        return redirect("/visits")

    return app


@pytest.mark.parametrize("asks", [False, True])
def test_a_form_of_deeds_and_one_that_says_whose_it_will_be(asks: bool) -> None:
    courier = Courier(WsgiTransport(visits(asks=asks)), mode="active", max_requests=3000)
    form = Route("/visits", ("POST",), fields=("patient_id", "reason"), takes_form=True, readers=WIRE)
    model = App(routes=(Route("/visits", ("GET",), readers=WIRE), form), readers=WIRE)
    courier.forms = FormDoors.of(model.routes)
    found = run_probe(RULE, prepare(model, courier, PEOPLE, "active", "standard").target, courier).verdict
    told = {(ref.method, ref.path) for ref in found.routes}
    every = {("GET", "/visits/{id}"), ("POST", "/visits/{id}/cancel"), ("POST", "/visits")}
    assert told == (set() if asks else every), found.message


def club(*, asks: bool, edits: bool) -> Flask:
    """The start leads each to the own profile, which shows how somebody is reached, and to the own plan, which a form there changes."""
    app = Flask("club")
    people = {"1": ("ann", "ann@club.example"), "2": ("ben", "ben@club.example")}
    plans = {"31": ["ann", "row on monday"], "32": ["ben", "swim on friday"]}

    def me() -> str:
        return request.cookies.get("who", "")

    def mine(whose: str) -> None:
        if asks and whose != me():
            abort(403)

    @app.before_request
    def shut() -> Any:
        return None if me() in HOMES or request.path == "/openapi.json" else redirect("/login")

    @app.get("/")
    def home() -> Any:
        return redirect(f"/profile/{1 if me() == 'ann' else 2}")

    @app.get("/profile/<number>")
    def profile(number: str) -> str:
        whose, mail = people.get(number) or abort(404)
        mine(whose)
        plan = next(one for one, (owner, _) in plans.items() if owner == whose)
        return f'<h1>{whose}</h1><p>{mail}</p><a href="/plan/{plan}">Plan</a>'

    @app.get("/plan/<number>")
    def plan(number: str) -> str:
        whose, text = plans.get(number) or abort(404)
        mine(whose)
        form = f'<form method="post" action="/plan/{number}/text"><textarea name="text">{text}</textarea></form>'
        return f"<h1>Plan</h1><p>{text}</p>{form if edits else ''}"

    @app.post("/plan/<number>/text")
    def write(number: str) -> Any:
        mine((plans.get(number) or abort(404))[0])
        plans[number][1] = request.form["text"]
        return redirect(f"/plan/{number}")

    return app


@pytest.mark.parametrize("edits", [True, False])
@pytest.mark.parametrize("asks", [True, False])
def test_a_page_that_each_start_leads_to_and_a_thing_that_its_page_changes(asks: bool, edits: bool) -> None:
    courier = Courier(WsgiTransport(club(asks=asks, edits=edits)), mode="active")
    prepared = prepare(App("club", routes=(Route("/", ("GET",), readers=WIRE),)), courier, PEOPLE, "active", "standard")
    verdict = run_probe(RULE, prepared.target, courier).verdict
    told = {(route.method, route.path) for route in verdict.routes} if verdict.outcome == "fail" else set()
    plan = {("GET", "/plan/{id}"), ("POST", "/plan/{id}/text")} if edits else set()
    assert told == (set() if asks else {("GET", "/profile/{id}"), *plan})
