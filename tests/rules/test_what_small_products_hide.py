"""What small products hide from a look at their answers alone: things in lists of one, ids that no answer says, and people of several kinds."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, abort, jsonify, redirect, request, session
from tests.rules.test_two_given_people import GIVEN, Two, body
from tests.rules.toy_people import ToyPeople

from stopper.core.app import Route
from stopper.core.finding import Verdict
from stopper.core.login_names import LOGIN
from stopper.core.probe import Identity
from stopper.core.probing.page_forms import forms_of
from stopper.core.probing.things.below_people import as_below
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.spec.sample import sample
from stopper.scan.surface.honest import effect_for
from stopper.scan.trial import try_rule

READS: dict[str, Any] = {"get": {"responses": {}}}


def told(found: Verdict) -> set[str]:
    return {str(ref) for ref in found.routes}


def by_id(*methods: str, **members: str) -> dict[str, Any]:
    """The operations of a path that takes one id, which is counted."""
    id_ = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    bodies = {"get", "delete"}
    return {
        one: {**(body(**members) if one not in bodies else {"responses": {}}), "parameters": [id_]} for one in methods
    }


@pytest.mark.parametrize("asks", [False, True])
def test_one_thing_in_a_list_of_one_says_whose_it_is(asks: bool) -> None:
    """``{"recipe": [{…}]}``: all see the recipes of all, and each is its maker's."""
    two, recipes, numbers = Two("recipes"), dict[int, dict[str, Any]](), itertools.count(1)

    @two.app.route("/recipes", methods=["GET", "POST"])
    def recipes_of_all() -> Any:
        me = two.caller()
        if request.method == "GET":
            return jsonify(recipe=list(recipes.values()))
        number = next(numbers)
        recipes[number] = {"id": number, "title": request.get_json()["title"], "created_by": me}
        return jsonify(message="created")

    @two.app.route("/recipes/<int:id>", methods=["GET", "PUT", "DELETE"])
    def one(id: int) -> Any:
        me = two.caller()
        if request.method == "GET":
            return jsonify(recipe=[recipes[id]] if id in recipes else [])
        if id not in recipes or (asks and recipes[id]["created_by"] != me):
            abort(404)
        if request.method == "DELETE":
            del recipes[id]
        else:
            recipes[id]["title"] = request.get_json()["title"]
        return jsonify(message="done")

    paths: dict[str, Any] = {
        "/recipes": {**READS, "post": body(title="string")},
        "/recipes/{id}": by_id("get", "put", "delete", title="string"),
    }
    found = two.judged(**paths)
    assert told(found) == (set() if asks else {"PUT /recipes/{id}", "DELETE /recipes/{id}"}), found.message


@pytest.mark.parametrize("asks", [False, True])
def test_things_whose_ids_no_answer_says_are_counted(asks: bool) -> None:
    """The list names none of its jobs by an id, and the answer to what makes one is a sentence."""
    two, jobs, numbers = Two("jobs"), dict[int, dict[str, Any]](), itertools.count(1)

    @two.app.post("/job/")
    def job() -> Any:
        jobs[next(numbers)] = {"title": request.get_json()["title"], "user_id": two.caller()}
        return jsonify(message="Your job has been posted!"), 201

    two.app.add_url_rule("/get_job/", "listed", lambda: (two.caller(), jsonify(list(jobs.values())))[1])

    @two.app.get("/single_job/<int:id>")
    def single(id: int) -> Any:
        two.caller()
        return jsonify(single_job=jobs.get(id) or abort(404))

    @two.app.delete("/delete_job/<int:id>")
    def delete(id: int) -> Any:
        me, found = two.caller(), jobs.get(id) or abort(404)
        if asks and found["user_id"] != me:
            abort(403)
        del jobs[id]
        return jsonify(message="deleted")

    paths: dict[str, Any] = {
        "/job/": {"post": body(title="string")},
        "/get_job/": READS,
        "/single_job/{id}": by_id("get"),
        "/delete_job/{id}": by_id("delete"),
    }
    found = two.judged(**paths)
    assert told(found) == (set() if asks else {"DELETE /delete_job/{id}"}), found.message


@pytest.mark.parametrize("asks", [False, True])
def test_a_store_that_fails_for_want_of_somebody_lets_nobody_make_things(asks: bool) -> None:
    """A view that raises without a session is no store of everybody's: what it made is changed by nobody."""
    two, services, numbers = Two("services"), dict[int, dict[str, Any]](), itertools.count(1)
    two.app.config["PROPAGATE_EXCEPTIONS"] = False

    @two.app.route("/services", methods=["GET", "POST"])
    def all_services() -> Any:
        if request.method == "GET":
            return jsonify(list(services.values()))
        if "X-API-Key" not in request.headers:
            raise ValueError("no session")
        me, sent, number = two.caller(), request.get_json(), next(numbers)
        services[number] = {"id": number, "title": sent["title"], "price": f"{float(sent['price']):.2f}", "user_id": me}
        return jsonify(services[number]), 201

    @two.app.patch("/services/<int:id>")
    def change(id: int) -> Any:
        if asks and services[id]["user_id"] != two.caller():
            abort(403)
        services[id]["title"] = request.get_json()["title"]
        return jsonify(services[id])

    paths: dict[str, Any] = {
        "/services": {**READS, "post": body(title="string", price="string")},
        "/services/{id}": by_id("patch", title="string"),
    }
    found = two.judged(**paths)
    assert told(found) == (set() if asks else {"PATCH /services/{id}"}), found.message


@pytest.mark.parametrize("asks", ["nobody", "who is there", "whose it is"])
def test_what_ones_own_account_tells_of_an_account_of_money(asks: str) -> None:
    """``{"account": {"id": …}}`` under the own id is the only place where the id of her account stands."""
    two = Two("bank")
    accounts = {number: f"7f763e40-c34d-412f-a2e6-d9fe09dee0{number:02}" for number in (1, 2)}

    @two.app.get("/user/data/<int:user_id>")
    def data(user_id: int) -> Any:
        if two.caller() != user_id:
            abort(403)
        return jsonify(account={"id": accounts[user_id], "kind": "giro"}, login=two.people[user_id]["name"])

    @two.app.get("/account/balance/<account_id>")
    def balance(account_id: str) -> Any:
        whose = next((one for one, number in accounts.items() if number == account_id), None)
        if whose is None or (asks != "nobody" and two.caller() != whose and asks == "whose it is"):
            abort(404)
        return f"The balance of {account_id} is {whose * 17}.00"

    paths: dict[str, Any] = {"/me": READS, "/user/data/{user_id}": READS, "/account/balance/{account_id}": READS}
    found = two.judged(**paths)
    assert told(found) == (set() if asks == "whose it is" else {"GET /account/balance/{account_id}"}), found.message


@pytest.mark.parametrize(("noun", "is_told"), [("appointment-pet", True), ("toy-pet", False), ("pet-rules", False)])
def test_what_is_nobody_elses_by_every_word_stands_open(
    noun: str, is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That her pet is called after her is no profile."""
    named = [replace(one, subject=one.name) for one in GIVEN]
    monkeypatch.setattr("tests.rules.test_two_given_people.GIVEN", named)
    two = Two("vet")

    @two.app.get("/pets/mine")
    def mine() -> Any:
        me = two.caller()
        return jsonify([{"id": 30 + me, "name": f"{two.people[me]['name']}scat"}])

    @two.app.get(f"/{noun}/<int:id>")
    def one(id: int) -> Any:
        return jsonify(name=f"{two.people[id - 30]['name']}scat", kind="cat") if id - 30 in two.people else abort(404)

    paths: dict[str, Any] = {"/pets/mine": READS, f"/{noun}/{{id}}": by_id("get")}
    found = two.judged(**paths)
    assert told(found) == ({f"GET /{noun}/{{id}}"} if is_told else set()), found.message


@pytest.mark.parametrize("asks", [False, True])
def test_an_id_that_only_the_registration_tells(asks: bool) -> None:
    bank, accounts = ToyPeople("accounts"), dict[str, int]()
    numbers = itertools.count(1)
    bank.joined = lambda name: accounts.update({name: next(numbers)})  # type: ignore[method-assign]
    register = bank.app.view_functions["register"]

    def with_an_account() -> Any:
        register()
        return jsonify(account_id=accounts[request.get_json()["username"]]), 201

    bank.app.view_functions["register"] = with_an_account

    @bank.app.get("/balance/<int:account_id>")
    def balance(account_id: int) -> Any:
        me = bank.caller()
        if account_id not in accounts.values() or (asks and accounts[me] != account_id):
            abort(404)
        return jsonify(balance=0.0)

    account = {"post": body(username="string", password="string")}
    found = bank.judged(**{"/register": account, "/login": account, "/balance/{account_id}": READS})
    assert told(found) == (set() if asks else {"GET /balance/{account_id}"}), found.message


@pytest.mark.parametrize("asks", [False, True])
def test_what_one_has_behind_a_word_that_is_both(asks: bool) -> None:
    """``/owner-pets/{id}`` shows what ``PATCH /pets/{id}`` changes; nothing reads or makes a pet, and none is another afterwards."""
    two = Two("pets")
    pets = {10 + number: {"id": 10 + number, "name": f"cat of {number}", "weight": 4} for number in (1, 2)}
    before = {number: dict(pet) for number, pet in pets.items()}

    @two.app.get("/owner-pets/<int:id>")
    def of_one(id: int) -> Any:
        if asks and two.caller() != id:
            abort(404)
        return jsonify([pets[10 + id]] if 10 + id in pets else abort(404))

    @two.app.patch("/pets/<int:id>")
    def change(id: int) -> Any:
        if id not in pets or (asks and two.caller() != id - 10):
            abort(404)
        pets[id].update(request.get_json())
        return jsonify(pets[id])

    paths: dict[str, Any] = {
        "/me": READS,
        "/owner-pets/{id}": by_id("get"),
        "/pets/{id}": by_id("patch", name="string", weight="integer"),
    }
    found = two.judged(**paths)
    assert told(found) == (set() if asks else {"GET /owner-pets/{id}", "PATCH /pets/{id}"}), found.message
    assert pets == before


@pytest.mark.parametrize("asks", [False, True])
def test_what_a_page_keeps_for_its_scripts(asks: bool) -> None:
    """``data-account="7"``: no link leads there."""
    app, people, accounts, numbers = Flask("pages"), {"ann": 1, "ben": 2}, dict[int, int](), itertools.count(11)
    app.secret_key = "k3c-9f81b7d2e6a4405f8c21"
    given = [Identity(name, (), subject=name, password=Secret(f"{name}-Pass-1")) for name in people]

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.form.get("password") == f"{request.form.get('username')}-Pass-1":
            session["id"] = people[request.form["username"]]
            return redirect("/user")
        return '<form method="post"><input name="username"><input type="password" name="password"></form>'

    @app.get("/user")
    def user() -> Any:
        if "id" not in session:
            return redirect("/login")
        mine = [one for one, whose in accounts.items() if whose == session["id"]]
        return "<h1>Yours</h1>" + "".join(f'<button data-account="{one}">history</button>' for one in mine)

    @app.post("/newAccount")
    def new_account() -> Any:
        accounts[next(numbers)] = session["id"] if "id" in session else abort(401)
        return redirect("/user")

    @app.get("/user/history/<account_id>")
    def history(account_id: str) -> Any:
        whose = accounts.get(int(account_id)) if account_id.isdigit() else None
        if whose is None or (asks and session.get("id") != whose):
            abort(404)
        return f"account {account_id} was opened by {whose}"

    paths = {
        "/login": {**READS, "post": body(username="string", password="string")},
        "/user": READS,
        "/newAccount": {"post": body(type="string")},
        "/user/history/{account_id}": READS,
    }
    document = {"openapi": "3.0.3", "info": {"title": "pages", "version": "1"}, "paths": paths}
    app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    found = try_rule(next(one for one in load() if one.slug == "cross-user-object-access"), app, identities=given)
    assert told(found) == (set() if asks else {"GET /user/history/{account_id}"}), found.message


@pytest.mark.parametrize("believes", [False, True])
def test_what_all_see_says_that_another_has_made_it(believes: bool) -> None:
    """It weighs less: to give something to somebody is what many applications are for."""
    two, made = Two("applications"), list[dict[str, Any]]()

    @two.app.route("/applications", methods=["GET", "POST"])
    def applications() -> Any:
        me = two.caller()
        if request.method == "GET":
            return jsonify(made)
        sent = request.get_json()
        made.append({"letter": sent["letter"], "user_id": sent["user_id"] if believes else me})
        return jsonify(message="applied"), 201

    paths: dict[str, Any] = {"/me": READS, "/applications": {**READS, "post": body(user_id="integer", letter="string")}}
    found = two.judged(**paths)
    assert told(found) == ({"POST /applications"} if believes else set()), found.message
    assert not believes or found.severity == "medium"


@pytest.mark.parametrize(
    "path", ["/ownerlogin", "/doctorlogin", "/auth/login/student", "/login/user", "/company/signin", "/loginUser"]
)
def test_people_of_each_kind_have_a_log_in(path: str) -> None:
    assert LOGIN.search(path)
    assert effect_for(Route(path, ("POST",)), "POST") == "login"


@pytest.mark.parametrize("path", ["/login/history", "/auth/user", "/plugin", "/deleteownerlogin", "/owner_logout"])
def test_what_a_path_says_beside_is_no_log_in(path: str) -> None:
    assert not LOGIN.search(path)


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("/owner-pets/{id}", "/owners/{id}/pets"),
        ("/orders/user/{id}", "/users/{id}/orders"),
        ("/orders/by-customer/{no}", "/customers/{no}/orders"),
        ("/admin/users/{id}", "/admin/users/{id}"),
        ("/user/{id}", "/user/{id}"),
    ],
)
def test_things_stand_below_their_person_however_a_path_says_it(path: str, below: str) -> None:
    assert as_below(path) == below


@pytest.mark.parametrize(
    ("name", "value"), [("price", "10.00"), ("unitPrice", "10.00"), ("due_date", "2026-01-01"), ("title", "text stp")]
)
def test_a_text_that_is_a_sum_or_a_day_by_its_name(name: str, value: str) -> None:
    assert sample({"type": "string"}, "stp", name) == value


def test_a_form_that_a_script_sends_by_htmx() -> None:
    form = forms_of('<form hx-post="/subscriptions/add"><input name="provider"></form><form hx-get="/x"></form>')
    assert [(one.action, [name for name, _, _ in one.fields]) for one in form] == [("/subscriptions/add", ["provider"])]


@pytest.mark.parametrize("shared", [False, True])
def test_which_of_two_routes_at_one_address_answered_is_not_told(shared: bool) -> None:
    """``/courses/1`` is what the student 1 takes; the teachers' route of the same form is not what lets her in."""
    two = Two("school", role="student")

    @two.app.get("/courses/<name>")
    def by_name(name: str) -> Any:
        return jsonify(courses=[name]) if two.caller() and not shared else abort(401)

    if shared:

        @two.app.get("/courses/<int:student_id>")
        def by_student(student_id: int) -> Any:
            return jsonify(courses=["art"]) if two.caller() == student_id else abort(401)

    def taking(name: str, kind: str, words: str) -> dict[str, Any]:
        inputs = [{"name": name, "in": "path", "required": True, "schema": {"type": kind}, "example": 1}]
        return {"get": {"responses": {}, "description": words, "parameters": inputs}}

    paths: dict[str, Any] = {"/courses/{name}": taking("name", "string", "Only the teacher reads the courses.")}
    if shared:
        paths["/courses/{student_id}"] = taking("student_id", "integer", "Reads the own courses.")
    found = two.judged("low-role-reaches-admin", **paths)
    assert told(found) == (set() if shared else {"GET /courses/{name}"}), found.message
