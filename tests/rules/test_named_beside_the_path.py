"""Whose data is meant, and with what a thing is made, stands beside the path: in headers, in a query, in members that name a thing."""

import json
from typing import Any

import pytest
from flask import abort, jsonify, request
from tests.rules.test_two_given_people import Notes, Two, body

from stopper.core.exchange import Response
from stopper.core.probing.accounts.login import token_in

READS: dict[str, Any] = {"get": {"responses": {}}}
ACCESS = "cross-user-object-access"


def routes(verdict: Any) -> list[tuple[str, str]]:
    return [(ref.method, ref.path) for ref in verdict.routes]


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize(("header", "team"), [("X-Account-Id", False), ("X-Org-Id", True)])
def test_a_header_says_whose_data_is_shown_beside_a_good_credential(header: str, team: bool, asks: bool) -> None:
    two = Two("headers")
    for number, org in ((1, "north"), (2, "south")):
        two.people[number]["org_id"] = org
    cars = [{"plate": "A 1", "of": "north", "who": "1"}, {"plate": "B 2", "of": "south", "who": "2"}]

    @two.app.get("/profile")
    def profile() -> Any:
        own = two.people[two.caller()]
        mine = str(own["org_id"] if team else own["id"])
        said = mine if asks else request.headers.get(header, mine)
        return jsonify(cars=[one for one in cars if said == one["of" if team else "who"]])

    found = two.judged(ACCESS)
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or routes(found) == [("GET", "/profile")]


@pytest.mark.parametrize(
    ("more", "weighs"), [({"email": "@a.example"}, None), ({"motto": "!"}, "medium"), (None, "none")]
)
@pytest.mark.parametrize("named", [True, False])
def test_the_page_about_oneself_shows_somebody_else_by_a_number(
    more: dict[str, str] | None, weighs: str | None, named: bool
) -> None:
    """What says nothing personal may be for all, and weighs less."""
    two = Two("profiles")

    @two.app.get("/account")
    def account() -> Any:
        me = two.caller()
        one = two.people.get(request.args.get("id", me, type=int) if more is not None else me) or abort(404)
        return jsonify(nick=one["name"], **{key: f"{one['name']}{end}" for key, end in (more or {}).items()})

    asks = {"get": {"responses": {}, "parameters": [{"name": "id", "in": "query"}] if named else []}}
    found = two.judged(ACCESS, **{"/account": asks, "/me": READS})
    assert (found.outcome == "fail") is (weighs != "none"), found.message
    assert weighs == "none" or (routes(found), found.severity) == ([("GET", "/account")], weighs)


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("member", ["note_note", "note"])
def test_a_thing_is_named_by_the_kind_of_its_id_or_by_its_noun_alone(member: str, asks: bool) -> None:
    notes, copies = Notes(asks=True), list[dict[str, Any]]()

    @notes.app.route("/copies", methods=["GET", "POST"])
    def copy() -> Any:
        me = notes.caller()
        if request.method == "GET":
            return jsonify([one for one in copies if one["user_id"] == me])
        one = notes.notes.get(request.get_json().get(member)) or abort(400)
        if asks and one["user_id"] != me:
            abort(404)
        copies.append({"id": len(copies), "user_id": me, "title": request.get_json()["title"]})
        return jsonify(copies[-1]), 201

    paths: dict[str, Any] = {"/notes": {**READS, "post": body(text="string")}, "/notes/{note}": READS, "/me": READS}
    paths |= {"/copies": {**READS, "post": body(**{member: "integer"}, title="string")}}
    found = notes.judged(ACCESS, **paths)
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or routes(found) == [("POST", "/copies")]


@pytest.mark.parametrize("asks", [False, True])
def test_a_list_for_sellers_shows_a_customer_what_others_ordered(asks: bool) -> None:
    notes = Notes(asks=False)

    @notes.app.get("/seller/notes")
    def of_all() -> Any:
        return jsonify([one for one in notes.notes.values() if notes.caller() and not asks])

    paths: dict[str, Any] = {"/notes": {**READS, "post": body(text="string")}, "/notes/{note}": READS, "/me": READS}
    found = notes.judged(ACCESS, **paths, **{"/seller/notes": READS})
    assert (("GET", "/seller/notes") in routes(found)) is not asks, found.message


@pytest.mark.parametrize("asks", [False, True])
def test_what_is_listed_below_another_thing_is_made_in_the_name_of_another(asks: bool) -> None:
    two, reviews = Two("reviews"), list[dict[str, Any]]()
    two.app.add_url_rule("/books/<int:book>/reviews", "all", lambda book: jsonify(reviews if two.caller() else []))

    @two.app.post("/reviews")
    def review() -> Any:
        me, sent = two.caller(), request.get_json()
        reviews.append({"account_id": me if asks else sent.get("account_id", me), "text": sent["text"]})
        return jsonify(reviews[-1]), 201

    found = two.judged(
        ACCESS, **{"/me": READS, "/reviews": {"post": body(text="string")}, "/books/{book}/reviews": READS}
    )
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or routes(found) == [("POST", "/reviews")]


@pytest.mark.parametrize("asks", [False, True])
def test_somebody_below_another_company_is_given_the_role_that_he_has(asks: bool) -> None:
    two = Two("members", role="driver")
    for number, org in ((1, "north"), (2, "south")):
        two.people[number]["org_id"] = org

    @two.app.put("/orgs/<org>/members/<int:user_id>/role")
    def role(org: str, user_id: int) -> Any:
        me, one = two.people[two.caller()], two.people.get(user_id) or abort(404)
        if one["org_id"] != org or (asks and me["org_id"] != org):
            abort(404)
        one["role"] = request.get_json()["role"]
        return jsonify(one)

    path = "/orgs/{org}/members/{user_id}/role"
    found = two.judged(ACCESS, **{"/me": READS, path: {"put": body(role="string")}})
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or routes(found) == [("PUT", path)]
    assert {one["role"] for one in two.people.values()} == {"driver"}


@pytest.mark.parametrize("asks", [False, True])
def test_who_buys_says_what_it_costs(asks: bool) -> None:
    """It is read back in the cart, where no path reads one line of it alone."""
    two, lines = Two("cart"), list[dict[str, Any]]()

    @two.app.get("/cart")
    def cart() -> Any:
        return jsonify(items=lines if two.caller() else [])

    @two.app.post("/cart/items")
    def add() -> Any:
        sent = request.get_json() if two.caller() else {}
        lines.append({"id": 7 + len(lines), "what": sent["what"], "price": 40 if asks else sent.get("price", 40)})
        return jsonify(lines[-1]), 201

    found = two.judged("mass-assignment", **{"/cart": READS, "/cart/items": {"post": body(what="string")}})
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or "price" in found.message


@pytest.mark.parametrize(("more", "told"), [({"balance": 5}, True), ({"currency": "PLN"}, False)])
def test_a_look_up_by_an_iban_gives_nothing_away_that_was_not_said(more: dict[str, Any], told: bool) -> None:
    two = Two("ibans")
    for number in (1, 2):
        two.people[number]["iban"] = f"PL6110901014000007121981287{number}"
    known = {one["iban"]: {"id": n, "iban": one["iban"], **more} for n, one in two.people.items()}
    two.app.add_url_rule("/accounts/iban/<iban>", "one", lambda iban: jsonify(known.get(iban) if two.caller() else {}))
    found = two.judged(ACCESS, **{"/me": READS, "/accounts/iban/{iban}": READS})
    assert (found.outcome == "fail") is told, found.message


def test_who_was_given_keeps_the_name_at_a_path_that_tells_no_fields() -> None:
    """Usual names are not tried there; what the account shows of itself is, and the right is put back."""
    two = Two("updates", is_admin=False)

    @two.app.post("/users/update")
    def update() -> Any:
        sent = {name: value for name, value in request.get_json().items() if name in ("name", "is_admin", "email")}
        two.people[two.caller()].update(sent)
        return jsonify(ok=bool(sent)), 200 if sent else 400

    before = {number: dict(one) for number, one in two.people.items()}
    found = two.judged("mass-assignment")
    assert "is_admin" in found.message, found.message
    assert two.people == before


@pytest.mark.parametrize(("said", "token"), [("Ym9i", "Ym9i"), ("null", None), ("abc", None)])
def test_a_token_may_be_no_more_than_a_name_in_base64(said: str, token: str | None) -> None:
    answer = Response(200, (("Content-Type", "application/json"),), json.dumps({"token": said}).encode(), 0.0)
    assert token_in(answer) == token


class Deeds(Notes):
    """More that is done to a note, and to what only a list shows."""

    def withdraw(self, note: int) -> Any:
        one = self.found(note)
        one["status"] = "withdrawn"
        return jsonify(ok=True)

    def search(self) -> Any:
        one = self.found(request.get_json().get("note", 0))
        return jsonify(items=[one["text"]])

    def breaks(self, note: int) -> Any:
        """A guard that fails for want of a credential, and a body of which one member is read."""
        if "X-API-Key" not in request.headers:
            return jsonify(message="Internal Server Error"), 500
        one = self.found(note)
        one["text"] = request.get_json().get("text", one["text"])
        return jsonify(one)


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize(
    ("deed", "method", "path", "told"),
    [
        ("withdraw", "POST", "/notes/{note}/withdraw", {"responses": {}}),
        ("search", "POST", "/search", body(note="integer", q="string")),
        ("breaks", "PATCH", "/notes/{note}", body(text="string")),
    ],
)
def test_more_that_another_may_do_to_a_note(deed: str, method: str, path: str, told: Any, asks: bool) -> None:
    notes = Deeds(asks=asks)
    notes.app.add_url_rule(path.replace("{note}", "<int:note>"), deed, getattr(notes, deed), methods=[method])
    paths: dict[str, Any] = {"/notes": {**READS, "post": body(text="string")}, "/notes/{note}": {**READS}, "/me": READS}
    paths.setdefault(path, {})[method.lower()] = told
    found = notes.judged(ACCESS, **paths)
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or routes(found) == [(method, path)]


@pytest.mark.parametrize("asks", [False, True])
def test_what_only_a_list_shows_is_deleted_where_a_document_names_a_reading_that_is_none(asks: bool) -> None:
    two, marks = Two("marks"), dict[int, dict[str, Any]]()

    @two.app.route("/marks", methods=["GET", "POST"])
    def listed() -> Any:
        me = two.caller()
        if request.method == "GET":
            return jsonify([one for one in marks.values() if one["user_id"] == me])
        marks[5 + len(marks)] = {"id": 5 + len(marks), "user_id": me, "page": request.get_json()["page"]}
        return jsonify(id=4 + len(marks)), 201

    @two.app.delete("/marks/<int:mark>")
    def drop(mark: int) -> Any:
        if two.caller() == marks.get(mark, {}).get("user_id") or not asks:
            marks.pop(mark, None)
        return "", 204

    paths: dict[str, Any] = {"/marks": {**READS, "post": body(page="string")}, "/me": READS}
    found = two.judged(ACCESS, **paths, **{"/marks/{mark}": {**READS, "delete": {"responses": {}}}})
    assert (found.outcome == "fail") is not asks, found.message


@pytest.mark.parametrize("member", ["plan", "colour"])
def test_the_grade_of_a_project_is_nothing_that_its_owner_sets(member: str) -> None:
    two, project = Two("projects"), {"id": 7, "name": "one", "plan": "free", "colour": "basic"}

    @two.app.route("/projects/<int:number>", methods=["GET", "PATCH"])
    def one(number: int) -> Any:
        sent = request.get_json() if request.method == "PATCH" and two.caller() else {}
        project.update({name: value for name, value in sent.items() if name in ("name", member)})
        return jsonify(project)

    two.app.add_url_rule("/projects", "all", lambda: jsonify([project] if two.caller() else []))
    paths: dict[str, Any] = {"/projects": READS, "/projects/{number}": {**READS, "patch": body(name="string")}}
    assert (two.judged("mass-assignment", **paths).outcome == "fail") is (member == "plan")
    assert project["plan"] == "free"


@pytest.mark.parametrize("asks", [False, True])
def test_an_id_that_is_listed_below_something_of_ones_own_is_read_elsewhere(asks: bool) -> None:
    """Neither accounts nor entries can be made; each person lists the own account."""
    two = Two("entries")
    entries = {
        "e-a1": {"id": "e-a1", "account": 101, "text": "rent"},
        "e-b2": {"id": "e-b2", "account": 102, "text": "tea"},
    }

    def mine(account: int) -> None:
        if account != 100 + two.caller():
            abort(404)

    two.app.add_url_rule("/accounts", "accounts", lambda: jsonify([{"id": 100 + two.caller(), "type": "savings"}]))

    @two.app.get("/accounts/<int:account>/entries")
    def listed(account: int) -> Any:
        mine(account)
        return jsonify([one for one in entries.values() if one["account"] == account])

    @two.app.get("/entries/<entry>")
    def read(entry: str) -> Any:
        one, me = entries.get(entry) or abort(404), two.caller()
        if asks and one["account"] != 100 + me:
            abort(404)
        return jsonify(one)

    found = two.judged(
        ACCESS, **{"/me": READS, "/accounts": READS, "/accounts/{account}/entries": READS, "/entries/{entry}": READS}
    )
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or routes(found) == [("GET", "/entries/{entry}")]


@pytest.mark.parametrize(("path", "told"), [("/orders", True), ("/people", False)])
def test_things_are_asked_for_by_the_address_of_another_and_people_may_be(path: str, told: bool) -> None:
    two = Two("addresses", city="Bern")
    for number in (1, 2):
        two.people[number]["email"] = f"p{number}@post.example"

    @two.app.get(path)
    def listed() -> Any:
        mail = request.args.get("email", two.people[two.caller()]["email"])
        return jsonify(
            [{"what": f"thing {n}", "by": one["name"]} for n, one in two.people.items() if one["email"] == mail]
        )

    asks = {"get": {"responses": {}, "parameters": [{"name": "email", "in": "query"}]}}
    found = two.judged(ACCESS, **{"/me": READS, path: asks})
    assert (found.outcome == "fail") is told, found.message


@pytest.mark.parametrize("asks", [False, True])
def test_what_all_see_and_one_has_organized_is_cancelled_by_another(asks: bool) -> None:
    two, events = Two("events"), dict[int, dict[str, Any]]()

    @two.app.route("/events", methods=["GET", "POST"])
    def listed() -> Any:
        me = two.caller()
        if request.method == "GET":
            return jsonify(list(events.values()))
        number = 60 + len(events)
        events[number] = {"id": number, "organizer_id": me, "title": request.get_json()["title"], "state": "open"}
        return jsonify(events[number]), 201

    @two.app.post("/events/<int:event>/cancel")
    def cancel(event: int) -> Any:
        one, me = events.get(event) or abort(404), two.caller()
        if asks and one["organizer_id"] != me:
            abort(403)
        one["state"] = "cancelled"
        return jsonify(ok=True)

    two.app.add_url_rule("/events/<int:event>", "one", lambda event: jsonify(events.get(event) if two.caller() else {}))
    paths: dict[str, Any] = {"/me": READS, "/events": {**READS, "post": body(title="string")}, "/events/{event}": READS}
    found = two.judged(ACCESS, **paths, **{"/events/{event}/cancel": {"post": {"responses": {}}}})
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or (routes(found), found.severity) == ([("POST", "/events/{event}/cancel")], "medium")


@pytest.mark.parametrize("slug", [ACCESS, "mass-assignment"])
def test_what_is_done_to_a_thing_by_a_path_that_makes_none_is_not_done_to_what_was_there(slug: str) -> None:
    two = Two("archive")
    kept = {n: {"id": n, "user_id": n, "text": f"old {n}", "status": "open"} for n in (1, 2)}
    two.app.add_url_rule("/notes", "all", lambda: jsonify([one for one in kept.values() if one["id"] == two.caller()]))
    two.app.add_url_rule("/notes/<int:note>/archive", "old", lambda note: jsonify([kept[note]] if two.caller() else []))

    @two.app.post("/notes/archive")
    def archive() -> Any:
        one = kept.get(request.get_json().get("note_id")) or abort(404)
        one["status"] = "archived" if two.caller() else one["status"]
        return jsonify(one)

    paths: dict[str, Any] = {"/notes": READS, "/me": READS, "/notes/{note}/archive": READS}
    two.judged(slug, **paths, **{"/notes/archive": {"post": body(note_id="integer")}})
    assert [kept[n]["status"] for n in (1, 2)] == ["open", "open"]
