"""A thing that is refused at first is made as the refusals tell, or in the forms that such values usually have; then it is tried by somebody else."""

import itertools
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from flask import abort, jsonify, request
from tests.rules.test_two_given_people import Two, body
from tests.rules.test_what_small_products_hide import READS, by_id, told
from tests.rules.toy_people import ToyPeople

from stopper.core.app import App, Route, SecurityScheme, Spec
from stopper.core.probing.page_forms import chosen, forms_of
from stopper.core.secret import Secret
from stopper.scan.people.credential import Held, forms
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.surface.page_routes import with_pages_of

Sent = dict[str, Any]
MAILS: set[str] = set()


def counted(sent: Sent) -> str:
    return "" if int(sent["days"]) and int(sent["price"]) else "none"


def in_days(sent: Sent) -> str:
    datetime.strptime(sent["departure_date"], "%Y-%m-%d")  # noqa: DTZ007
    return "" if date.fromisoformat(sent["date_birth"]) else "none"


def told_by_the_database(sent: Sent) -> str:
    return "" if sent.get("country") else "NOT NULL constraint failed: trips.country"


def of_another_name(sent: Sent) -> str:
    return "Trip() got an unexpected keyword argument 'colour'" if "colour" in sent else ""


def new_alone(sent: Sent) -> str:
    return "no such trip" if sent.get("trip_id") else ""


def once(sent: Sent) -> str:
    taken = sent["email"] in MAILS
    MAILS.add(sent["email"])
    return "there already" if taken else ""


def listed(sent: Sent) -> str:
    return "" if isinstance(sent["tags"], list) else "no"


def quoted(sent: Sent) -> str:
    float(sent["length_in_km"])
    return ""


CASES: list[tuple[Callable[[Sent], str], int, dict[str, str]]] = [
    (counted, 500, {"days": "string", "price": "string"}),
    (in_days, 500, {"departure_date": "string", "date_birth": "string"}),
    (told_by_the_database, 400, {}),
    (of_another_name, 400, {"colour": "string"}),
    (new_alone, 500, {"trip_id": "string"}),
    (once, 409, {"email": "string"}),
    (listed, 422, {"tags": "string"}),
    (quoted, 500, {"length_in_km": "string"}),
]


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize(("wants", "status", "members"), CASES, ids=lambda one: getattr(one, "__name__", ""))
def test_what_is_refused_is_made_in_the_end(
    wants: Callable[[Sent], str], status: int, members: dict[str, str], asks: bool
) -> None:
    two, trips, numbers = Two("trips"), dict[int, Sent](), itertools.count(1)
    MAILS.clear()

    @two.app.route("/trips", methods=["GET", "POST"])
    def all_trips() -> Any:
        me = two.caller()
        if request.method == "GET":
            return jsonify([one for one in trips.values() if one["by"] == me])
        sent = request.get_json()
        try:
            refusal = wants(sent)
        except (KeyError, TypeError, ValueError) as error:
            refusal = str(error) if wants is quoted else "failed"
        if refusal:
            return jsonify(error=refusal), status
        number = next(numbers)
        trips[number] = {"id_trip": number, "title": sent.get("title"), "by": me}
        return jsonify(trips[number]), 201

    @two.app.route("/trips/<int:id>", methods=["GET", "DELETE"])
    def one(id: int) -> Any:
        me = two.caller()
        if id not in trips or (asks and trips[id]["by"] != me):
            abort(404)
        return jsonify(trips.pop(id) if request.method == "DELETE" else trips[id])

    paths: dict[str, Any] = {
        "/trips": {**READS, "post": body(title="string", **members)},
        "/trips/{id}": by_id("get", "delete"),
    }
    found = two.judged(**paths)
    assert told(found) == (set() if asks else {"GET /trips/{id}", "DELETE /trips/{id}"}), found.message


@pytest.mark.parametrize("asks", [False, True])
def test_routes_that_say_what_they_do_behind_a_word_for_all(asks: bool) -> None:
    """``/grades/add-new``, ``/grades/get-all``, ``/grades/update/{grade_id}``: what is read by a course's id is no grade."""
    two, grades, numbers = Two("grades"), dict[int, Sent](), itertools.count(1)

    @two.app.post("/grades/add-new")
    def add() -> Any:
        me, number = two.caller(), next(numbers)
        grades[number] = {"id": number, "course_id": 0, "subject": request.get_json()["subject"], "student": me}
        return jsonify(grades[number]), 201

    @two.app.get("/grades/get-all")
    def every() -> Any:
        return jsonify(list(grades.values())) if two.caller() else abort(401)

    @two.app.get("/grades/of-course/<int:course_id>")
    def of_course(course_id: int) -> Any:
        return jsonify([one for one in grades.values() if two.caller() and one["course_id"] == course_id])

    @two.app.put("/grades/update/<int:grade_id>")
    def change(grade_id: int) -> Any:
        me = two.caller()
        if grade_id not in grades or (asks and grades[grade_id]["student"] != me):
            abort(404)
        grades[grade_id]["subject"] = request.get_json()["subject"]
        return jsonify(grades[grade_id])

    def under(name: str, method: str, **members: str) -> dict[str, Any]:
        operation = by_id(method, **members)[method]
        operation["parameters"][0]["name"] = name
        return {method: operation}

    paths: dict[str, Any] = {
        "/grades/add-new": {"post": body(subject="string")},
        "/grades/get-all": READS,
        "/grades/of-course/{course_id}": under("course_id", "get"),
        "/grades/update/{grade_id}": under("grade_id", "put", subject="string"),
    }
    found = two.judged(**paths)
    assert told(found) == (set() if asks else {"PUT /grades/update/{grade_id}"}), found.message


@pytest.mark.parametrize("keeps", [False, True])
def test_who_is_new_and_sees_no_account_of_its_own_is_a_stranger_all_the_same(keeps: bool) -> None:
    """Cards name no owner and all may change them; that each may also delete what another made is no wiki."""
    people, cards, numbers = ToyPeople("cards"), dict[int, Sent](), itertools.count(1)
    makers: dict[int, str] = {}

    @people.app.route("/cards", methods=["GET", "POST"])
    def all_cards() -> Any:
        me = people.caller()
        if request.method == "GET":
            return jsonify(list(cards.values()))
        number = next(numbers)
        cards[number], makers[number] = {"id": number, "title": request.get_json()["title"]}, me
        return jsonify(cards[number]), 201

    @people.app.route("/cards/<int:id>", methods=["GET", "PUT", "DELETE"])
    def one(id: int) -> Any:
        me = people.caller()
        if id not in cards or (keeps and request.method == "DELETE" and makers[id] != me):
            abort(404)
        if request.method == "PUT":
            cards[id]["title"] = request.get_json()["title"]
        return jsonify(cards.pop(id) if request.method == "DELETE" else cards[id])

    account = body(username="string", password="string")
    paths: dict[str, Any] = {
        "/register": {"post": account},
        "/login": {"post": account},
        "/cards": {**READS, "post": body(title="string")},
        "/cards/{id}": by_id("get", "put", "delete", title="string"),
    }
    found = people.judged(**paths)
    assert told(found) == (set() if keeps else {"PUT /cards/{id}", "DELETE /cards/{id}"}), found.message
    assert keeps or found.severity == "medium"


@pytest.mark.parametrize(("header", "first"), [("Authorization", "Bearer abc"), ("X-Auth-Token", "abc")])
def test_a_key_in_the_header_of_bearers_is_one(header: str, first: str) -> None:
    """Swagger 2.0 has no other word for a bearer token; a header of another name takes the text alone."""
    spec = Spec("2.0", "", "", schemes={"key": SecurityScheme("key", "apiKey", "header", header)})
    way = next(forms(Held(token=Secret("abc")), App(spec=spec)))
    assert [(name, value.reveal()) for name, value in way] == [(header, first)]


def test_what_a_page_offers_is_picked_where_a_document_calls_it_a_text() -> None:
    schema = {"properties": {name: {"type": "string"} for name in ("note", "status")}}
    described = Route("/new", ("POST",), request_schema=schema, takes_form=True, readers=frozenset({"spec"}))
    picks = {"status": "Pending", "other": "x"}
    form = Route(
        "/new", ("POST",), fields=("note", "status"), examples=picks, takes_form=True, readers=frozenset({"wire"})
    )
    (route,) = with_pages_of((described,), (form,))
    assert HonestRequests(canary="canary").body(route) == {"note": "text canary", "status": "Pending"}


@pytest.mark.parametrize(
    ("options", "picked"),
    [(("Admin", "Manager", "Analyst"), "Manager"), (("student", "admin"), "student"), (("Admin", "Root"), "Admin")],
)
def test_of_roles_that_a_page_offers_an_ordinary_one_is_picked(options: tuple[str, ...], picked: str) -> None:
    offered = "".join(f'<option value="{one}">{one}</option>' for one in options)
    page = f'<form method="post"><select name="role"><option value="">-</option>{offered}</select></form>'
    assert [chosen(form) for form in forms_of(page)] == [{"role": picked}]


@pytest.mark.parametrize("keeps", [False, True])
def test_things_of_numbers_alone_that_whoever_registers_changes(keeps: bool) -> None:
    people, scores, numbers = ToyPeople("scores"), dict[int, Sent](), itertools.count(1)
    makers: dict[int, str] = {}

    @people.app.route("/scores", methods=["GET", "POST"])
    def all_scores() -> Any:
        me = people.caller()
        if request.method == "GET":
            return jsonify(list(scores.values()))
        number = next(numbers)
        scores[number], makers[number] = {"id": number, "points": request.get_json()["points"]}, me
        return jsonify(id=number), 201

    @people.app.route("/scores/<int:id>", methods=["GET", "DELETE"])
    def one(id: int) -> Any:
        me = people.caller()
        if id not in scores or (keeps and request.method == "DELETE" and makers[id] != me):
            abort(404)
        return jsonify(scores.pop(id) if request.method == "DELETE" else scores[id])

    account = body(username="string", password="string")
    paths: dict[str, Any] = {
        "/register": {"post": account},
        "/login": {"post": account},
        "/scores": {**READS, "post": body(points="integer")},
        "/scores/{id}": by_id("get", "delete"),
    }
    found = people.judged(**paths)
    assert told(found) == (set() if keeps else {"DELETE /scores/{id}"}), found.message
