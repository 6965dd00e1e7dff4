"""What small products of others showed that two people do to each other: lists under the own id, filters, roles, lists of all accounts, changes of
passwords at a path that says nothing, and sums as texts; with what looks alike and is safe."""

import itertools
import secrets
from typing import Any

import pytest
from flask import Flask, abort, jsonify, request
from tests.rules.test_two_given_people import Two, body
from tests.rules.toy_people import ToyPeople

from stopper.core.finding import Verdict
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULES = {rule.slug: rule for rule in load()}
READS: dict[str, Any] = {"responses": {}}


def numbered(name: str, **operation: Any) -> dict[str, Any]:
    """An operation with a number of that name in its path."""
    return {
        **READS,
        **operation,
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "integer"}}],
    }


def told(verdict: Verdict) -> set[str]:
    return {str(ref) for ref in verdict.routes} if verdict.outcome == "fail" else set()


@pytest.mark.parametrize("asks", [False, True])
def test_what_only_the_list_under_the_own_id_shows_is_deleted_by_its_id(asks: bool) -> None:
    """A booking is made of a boat, is listed below its guest alone, and holds no text."""
    two, numbers = Two("boats"), itertools.count(31)
    kept: dict[int, dict[str, Any]] = {4: {"id": 4, "boat_id": 1, "guest": 2, "nights": 3}}

    @two.app.post("/boats/<int:boat_id>/bookings")
    def book(boat_id: int) -> Any:
        number = next(numbers)
        kept[number] = {"id": number, "boat_id": boat_id, "guest": two.caller(), "nights": request.get_json()["nights"]}
        return jsonify(kept[number])

    @two.app.get("/users/<int:user_id>/bookings")
    def mine(user_id: int) -> Any:
        if two.caller() != user_id:
            abort(403)
        return jsonify([one for one in kept.values() if one["guest"] == user_id])

    @two.app.delete("/bookings/<int:booking_id>")
    def end(booking_id: int) -> Any:
        me, one = two.caller(), kept.get(booking_id) or abort(404)
        if asks and one["guest"] != me:
            abort(403)
        return jsonify(kept.pop(booking_id))

    found = two.judged(
        **{
            "/boats/{boat_id}/bookings": {
                "post": {**body(nights="integer"), **numbered("boat_id")} | body(nights="integer")
            },
            "/users/{user_id}/bookings": {"get": numbered("user_id")},
            "/bookings/{booking_id}": {"delete": numbered("booking_id")},
            "/me": {"get": READS},
        }
    )
    assert told(found) == (set() if asks else {"DELETE /bookings/{booking_id}"}), found.message
    assert 4 in kept


@pytest.mark.parametrize("last", ["orders", "reviews"])
def test_what_nobody_publishes_is_shown_below_an_id_to_nobody(last: str) -> None:
    """What somebody orders is nobody's business, and what somebody reviews is everybody's."""
    two = Two("shop")
    rows = {1: [{"what": "a lamp", "sum": 12}], 2: [{"what": "a chair", "sum": 40}]}
    two.app.add_url_rule(f"/users/<int:user_id>/{last}", "rows", lambda user_id: jsonify(rows.get(user_id, [])))
    found = two.judged(**{f"/users/{{user_id}}/{last}": {"get": numbered("user_id")}, "/me": {"get": READS}})
    assert bool(told(found)) is (last == "orders"), found.message


@pytest.mark.parametrize("asks", [False, True])
def test_a_filter_is_asked_for_one_word_alone(asks: bool) -> None:
    """What else a filter takes must be true of a thing too: a state, or a text that nothing holds."""
    people, tasks, numbers = ToyPeople("tasks"), list[dict[str, Any]](), itertools.count(1)

    @people.app.route("/tasks", methods=["GET", "POST"])
    def mine() -> Any:
        me = people.caller()
        if request.method == "POST":
            sent = request.get_json()
            tasks.append({"id": next(numbers), "title": sent["title"], "note": sent["note"], "state": "OPEN", "of": me})
            return jsonify(tasks[-1]), 201
        return jsonify([one for one in tasks if one["of"] == me])

    @people.app.get("/task/<int:number>")
    def one(number: int) -> Any:
        me = people.caller()
        return jsonify(next((each for each in tasks if each["id"] == number and each["of"] == me), None) or abort(404))

    @people.app.post("/tasks/filter")
    def found_by() -> Any:
        me, sent = people.caller(), request.get_json()
        rows = [one for one in tasks if all(str(value) in str(one[name]) for name, value in sent.items())]
        return jsonify(tasks=[one for one in rows if not asks or one["of"] == me])

    found = people.judged(
        **{
            "/tasks": {"get": READS, "post": body(title="string", note="string")},
            "/task/{number}": {"get": numbered("number")},
            "/tasks/filter": {"post": body(title="string", note="string", state="string")},
        }
    )
    assert told(found) == (set() if asks else {"POST /tasks/filter"}), found.message


@pytest.mark.parametrize("price", ["10.00", 10.0])
@pytest.mark.parametrize("asks", [False, True])
def test_a_sum_that_is_written_as_a_text_is_learnt_from_what_is_listed(price: object, asks: bool) -> None:
    """A refusal that names no form says nothing; the things that are there do, and a change keeps the form."""
    people, numbers = ToyPeople("shelf"), itertools.count(2)
    things: dict[int, dict[str, Any]] = {1: {"id": 1, "name": "a chair", "price": price, "of": ""}}

    def priced(sent: dict[str, Any]) -> dict[str, Any]:
        try:
            float(sent["price"])
        except (KeyError, TypeError, ValueError):
            abort(400)
        return {"name": str(sent["name"]), "price": sent["price"]}

    @people.app.route("/things", methods=["GET", "POST"])
    def every() -> Any:
        if request.method == "POST":
            me, number = people.caller(), next(numbers)
            things[number] = {"id": number, **priced(request.get_json()), "of": me}
            return jsonify(id=number), 201
        return jsonify([{name: one[name] for name in ("id", "name", "price")} for one in things.values()])

    @people.app.route("/things/<int:number>", methods=["GET", "PUT", "DELETE"])
    def one(number: int) -> Any:
        thing = things.get(number) or abort(404)
        if request.method != "GET":
            me = people.caller()
            if asks and thing["of"] != me:
                abort(403)
            if request.method == "DELETE":
                things.pop(number)
            else:
                thing.update(priced(request.get_json()))
        return jsonify({name: thing[name] for name in ("id", "name", "price")})

    people.app.add_url_rule("/me", "me", lambda: jsonify(username=people.caller()))
    sent = body(name="string", price="string")
    found = people.judged(
        **{
            "/things": {"get": READS, "post": sent},
            "/things/{number}": {
                "get": numbered("number"),
                "put": {**numbered("number"), **sent},
                "delete": numbered("number"),
            },
            "/me": {"get": READS},
        }
    )
    assert told(found) == (set() if asks else {"PUT /things/{number}", "DELETE /things/{number}"}), found.message
    assert things[1]["name"] == "a chair"


@pytest.mark.parametrize("domain", ["desk.example", ""])
def test_an_address_that_is_made_of_the_own_name_is_the_own_one(domain: str) -> None:
    """Everybody gets ``name@desk.example`` there, and is shown that; beside it the address of whoever came first is another's."""
    desk, first = ToyPeople("desk"), "eve@elsewhere.example"

    def me() -> Any:
        name = desk.caller()
        return jsonify(username=name, email=f"{name}@{domain}" if domain else first, role="user")

    desk.app.add_url_rule("/me", "me", me)
    desk.tokens.update({f"token-of-{name}": name for name in ("ann", "ben")})
    given = [Identity(name, (("Authorization", Secret(f"Bearer token-of-{name}")),)) for name in ("ann", "ben")]
    found = try_rule(RULES["personal-data-in-response"], desk.app, identities=tuple(given))
    assert told(found) == (set() if domain else {"GET /me"}), found.message


@pytest.mark.parametrize(
    "shown", [("username", "email", "superadmin"), ("username", "email"), ("username", "superadmin")]
)
def test_a_list_of_all_accounts_tells_whoever_registers_more_than_how_to_reach_them(shown: tuple[str, ...]) -> None:
    """The two who were given are strangers to somebody whom the scan registers."""
    app, tokens = Flask("accounts"), dict[str, str]()
    people = {
        f"{name}@example.org": {"username": name, "email": f"{name}@example.org", "superadmin": False, "password": "x"}
        for name in ("eve", "max")
    }

    @app.post("/register")
    def register() -> Any:
        sent = request.get_json()
        people[sent["email"]] = {**sent, "superadmin": False}
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> Any:
        sent, token = request.get_json(), secrets.token_urlsafe(24)
        if people.get(sent["email"], {}).get("password") != sent["password"]:
            abort(401)
        tokens[token] = sent["email"]
        return jsonify(token=token)

    def caller() -> str:
        return tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer ")) or abort(401)

    app.add_url_rule("/me", "me", lambda: jsonify({name: people[caller()][name] for name in shown}))
    app.add_url_rule(
        "/users",
        "users",
        lambda: jsonify([{name: one[name] for name in shown} for one in people.values()] if caller() else []),
    )
    account = {name: {"type": "string"} for name in ("username", "email", "password")}
    content = {
        "content": {"application/json": {"schema": {"type": "object", "required": [*account], "properties": account}}}
    }
    entry = {
        "content": {
            "application/json": {
                "schema": {"type": "object", "properties": {name: account[name] for name in ("email", "password")}}
            }
        }
    }
    paths = {
        "/register": {"post": {**READS, "requestBody": content}},
        "/login": {"post": {**READS, "requestBody": entry}},
        "/users": {"get": READS},
        "/me": {"get": READS},
    }
    app.add_url_rule(
        "/openapi.json", "document", lambda: jsonify(openapi="3.0.3", info={"title": "a", "version": "1"}, paths=paths)
    )
    found = try_rule(RULES["personal-data-in-response"], app)
    assert told(found) == ({"GET /users"} if len(shown) == 3 else set()), found.message


@pytest.mark.parametrize("asks", [False, True])
def test_a_change_that_takes_nothing_but_a_password_is_one_whatever_its_path(asks: bool) -> None:
    people = ToyPeople("passwords")

    @people.app.put("/users")
    def change() -> Any:
        me, sent = people.caller(), request.get_json()
        if asks and sent.get("old_password") != people.passwords[me]:
            abort(403)
        people.passwords[me] = sent["password"] if sent["password"] == sent.get("password2") else abort(400)
        return jsonify(ok=True)

    people.app.add_url_rule("/me", "me", lambda: jsonify(username=people.caller()))
    members = {"password": "string", "password2": "string", **({"old_password": "string"} if asks else {})}
    document = {
        "openapi": "3.0.3",
        "info": {"title": "p", "version": "1"},
        "paths": {"/users": {"put": body(**members)}, "/me": {"get": READS}},
    }
    people.app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    found = try_rule(RULES["password-change-unverified"], people.app)
    assert told(found) == (set() if asks else {"PUT /users"}), found.message


@pytest.mark.parametrize("asks", [False, True])
def test_what_is_done_at_a_page_of_administrators_is_told_where_an_ordinary_person_did_it(asks: bool) -> None:
    """``POST /admin/announce`` makes no thing; the honest request that all probes share tells."""
    two, said = Two("desk"), list[str]()

    @two.app.get("/admin/people")
    def people() -> Any:
        return two.caller() and abort(403)

    @two.app.post("/admin/announce")
    def announce() -> Any:
        me, sent = two.caller(), request.get_json()
        if asks:
            abort(403)
        said.append(f"{me} {sent['text']}")
        return jsonify(told=len(said))

    found = two.judged(
        "low-role-reaches-admin",
        **{"/admin/people": {"get": READS}, "/admin/announce": {"post": body(text="string")}, "/me": {"get": READS}},
    )
    assert told(found) == (set() if asks else {"POST /admin/announce"}), found.message


@pytest.mark.parametrize("announces", [True, False])
def test_all_is_asked_honestly_only_where_something_is_done_at_an_administrators_path(announces: bool) -> None:
    """One administrator's page that is read is no reason to ask every other route of a target."""
    two, asked = Two("desk"), list[str]()
    two.app.before_request(lambda: asked.append(f"{request.method} {request.path}"))
    two.app.add_url_rule("/admin/people", "people", lambda: two.caller() and abort(403))
    if announces:
        two.app.add_url_rule("/admin/announce", "announce", lambda: two.caller() and abort(403), methods=["POST"])
    two.app.add_url_rule("/letters", "letters", lambda: jsonify(ok=two.caller()), methods=["POST"])
    paths: dict[str, Any] = {"/admin/people": {"get": READS}, "/letters": {"post": body(text="string")}}
    paths |= {"/admin/announce": {"post": body(text="string")}} if announces else {}
    assert not told(two.judged("low-role-reaches-admin", **paths))
    assert ("POST /letters" in asked) is announces


@pytest.mark.parametrize("case", ["roles", "asks", "of a film", "nothing refused"])
def test_roles_that_an_ordinary_person_makes(case: str) -> None:
    """The person is refused at a page of administrators, and the list of roles names theirs; a film has roles too."""
    two, numbers = Two("staff"), itertools.count(3)
    names = ("Hamlet", "Ophelia") if case == "of a film" else ("Admin", "User")
    roles = {number: {"id": number, "name": name} for number, name in enumerate(names, 1)}

    if case != "nothing refused":
        two.app.add_url_rule("/admin/people", "people", lambda: two.caller() and abort(403))

    @two.app.route("/roles", methods=["GET", "POST"])
    def every() -> Any:
        two.caller()
        if request.method == "POST":
            number = next(numbers)
            roles[number] = {"id": number, "name": request.get_json()["name"] if case != "asks" else abort(403)}
            return jsonify(roles[number]), 201
        return jsonify([*roles.values()])

    paths = {"/roles": {"get": READS, "post": body(name="string")}, "/me": {"get": READS}}
    found = two.judged(
        "low-role-reaches-admin", **paths, **({} if case == "nothing refused" else {"/admin/people": {"get": READS}})
    )
    assert told(found) == ({"POST /roles"} if case == "roles" else set()), found.message


@pytest.mark.parametrize("called", ["ann@shop.example", "stp0a1b2c3d@example.com"])
def test_those_who_were_given_are_people_too_and_whom_a_scan_registers_is_none(called: str) -> None:
    """A list that nobody has to log in for shows the addresses of two people, or of what other probes have left there."""
    app = Flask("open")
    rows = [{"username": f"user{n}", "email": f"{called[:-3]}{n}.example", "first_name": "Ann"} for n in (1, 2)]
    app.add_url_rule("/users", "users", lambda: jsonify(users=rows))
    people = [
        Identity(f"given{n}", (("X-API-Key", Secret(f"key-{n}")),), subject=str(rows[n]["email"])) for n in (0, 1)
    ]
    found = try_rule(RULES["personal-data-in-response"], app, identities=people)
    assert told(found) == ({"GET /users"} if called.startswith("ann") else set()), found.message


def test_examples_in_a_document_are_nobodys_addresses() -> None:
    app = Flask("examples")
    people = [
        {"email": f"{name}@shop.example", "first_name": name, "phone": "555 0100"} for name in ("ann", "ben", "eve")
    ]
    paths = {"/people": {"get": {"example": people}}}
    app.add_url_rule("/described", "document", lambda: jsonify(swagger="2.0", info={"title": "e"}, paths=paths))
    assert try_rule(RULES["personal-data-in-response"], app).outcome != "fail"
