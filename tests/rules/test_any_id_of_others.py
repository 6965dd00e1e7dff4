"""An id that is one person's alone opens what is hers wherever such an id is taken, whatever routes and members are called."""

import itertools
from typing import Any

import pytest
from flask import abort, jsonify, request
from tests.rules.test_two_given_people import GIVEN, Two, body

from stopper.core.app import App, Route
from stopper.core.probing.missing import missing_members
from stopper.core.probing.things.nouns import alike, noun_of, nouns_before, nouns_of_name
from stopper.scan.catalogue import load
from stopper.scan.engine import run_probe
from stopper.scan.target import prepare
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

READS: dict[str, Any] = {"get": {"responses": {}}}
ACCESS = "cross-user-object-access"


def routes(verdict: Any) -> list[tuple[str, str]]:
    return [(ref.method, ref.path) for ref in verdict.routes]


def asks_for(name: str) -> dict[str, Any]:
    return {"get": {"responses": {}, "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}}]}}


@pytest.mark.parametrize(
    ("path", "parameter", "noun"),
    [
        ("/lab-results/{ref}/download", "ref", "lab_result"),
        ("/orders/mine/{id}", "id", "order"),
        ("/v2/getOrder/{id}", "id", "order"),
        ("/files/{key}", "key", "file"),
        ("/things/{invoice_no}", "invoice_no", "invoice"),
    ],
)
def test_of_what_an_id_is_one(path: str, parameter: str, noun: str) -> None:
    assert noun in nouns_before(path, parameter)


def test_nouns_are_alike_by_their_end_and_by_their_beginning() -> None:
    assert alike(noun_of("/api/lab-results"), nouns_of_name("resultId"))
    assert alike(noun_of("/accounts"), frozenset({"acc"}))
    assert not alike(noun_of("/orders"), nouns_of_name("orchestra_id"))
    assert not nouns_of_name("id")


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("where", ["path", "query", "told by a refusal", "below", "everybody's"])
def test_what_only_her_answers_name_is_read_under_its_id(where: str, asks: bool) -> None:
    """What a list shows to both is nobody's alone."""
    two = Two("labs")
    labs = {f"L-{number}": {"ref": f"L-{number}", "of": number, "value": f"{number}.5"} for number in (1, 2)}

    @two.app.get("/labs")
    def mine() -> Any:
        me = two.caller()
        return jsonify(results=[one for one in labs.values() if where == "everybody's" or one["of"] == me])

    def one(ref: str | None) -> Any:
        me, found = two.caller(), labs.get(ref or "")
        if found is None or (asks and found["of"] != me):
            return jsonify(error="no such lab"), 404
        return f"REPORT {found['ref']}: {found['value']}"

    two.app.add_url_rule("/labs/<ref>/download", "path", one)
    two.app.add_url_rule("/reports/lab/<ref>", "below", one)
    two.app.add_url_rule("/export", "query", lambda: one(request.args.get("lab")))
    two.app.add_url_rule("/receipt", "told", lambda: one(request.args.get("labId")))
    paths = {
        "query": {"/export": asks_for("lab")},
        "told by a refusal": {"/receipt": READS},
        "below": {"/reports/lab/{ref}": READS},
    }
    path = paths.get(where, {"/labs/{ref}/download": READS})
    found = two.judged(ACCESS, **{"/labs": READS, "/me": READS, **path})
    wrong = not asks and where != "everybody's"
    assert (found.outcome == "fail") is wrong, found.message
    assert not wrong or ("GET", next(iter(path))) in routes(found)


@pytest.mark.parametrize("asks", [False, True])
def test_a_list_of_ones_own_takes_a_name_by_which_the_api_says_whose_a_thing_is(asks: bool) -> None:
    two = Two("clinic")

    @two.app.get("/visits")
    def visits() -> Any:
        return jsonify([{"id": 70 + two.caller(), "patient_id": two.caller()}])

    @two.app.get("/vitals")
    def vitals() -> Any:
        me = two.caller()
        who = me if asks else request.args.get("patient_id", me, type=int)
        return jsonify([{"code": f"V{who}", "pulse": 60 + who}])

    found = two.judged(ACCESS, **{"/me": READS, "/visits": READS, "/vitals": READS})
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or routes(found) == [("GET", "/vitals")]


@pytest.mark.parametrize("asks", [False, True])
def test_what_is_made_below_one_thing_is_changed_elsewhere(asks: bool) -> None:
    """A list below her thing that he may see is no leave to change what he may not open."""
    two, numbers = Two("boards"), itertools.count(10)
    boards = {number: {"id": number, "of": number} for number in (1, 2)}
    cards: dict[int, dict[str, Any]] = {}
    two.app.add_url_rule(
        "/boards", "boards", lambda: jsonify([one for one in boards.values() if one["of"] == two.caller()])
    )

    @two.app.route("/boards/<int:board>/cards", methods=["GET", "POST"])
    def below(board: int) -> Any:
        me = two.caller()
        if board not in boards or (boards[board]["of"] != me and (asks or request.method == "POST")):
            abort(404)
        if request.method == "GET":
            return jsonify([one for one in cards.values() if one["board"] == board])
        number = next(numbers)
        cards[number] = {"id": number, "board": board, "title": request.get_json()["title"]}
        return jsonify(cards[number]), 201

    @two.app.route("/cards/<int:card>", methods=["GET", "PATCH"])
    @two.app.post("/cards/<int:card>/move", endpoint="move")
    def one(card: int) -> Any:
        me = two.caller()
        found = cards.get(card) or abort(404)
        if boards[found["board"]]["of"] != me and (asks or request.method == "GET"):
            abort(404)
        found.update(
            {"moved": True}
            if request.path.endswith("move")
            else request.get_json()
            if request.method == "PATCH"
            else {}
        )
        return jsonify(found)

    paths: dict[str, Any] = {
        "/me": READS,
        "/boards": READS,
        "/boards/{board}/cards": {**READS, "post": body(title="string")},
    }
    paths |= {
        "/cards/{card}": {**READS, "patch": body(title="string")},
        "/cards/{card}/move": {"post": {"responses": {}}},
    }
    found = two.judged(ACCESS, **paths)
    told = {("PATCH", "/cards/{card}"), ("POST", "/cards/{card}/move")}
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or told <= set(routes(found)), found.message


@pytest.mark.parametrize("asks", [False, True])
def test_procedures_that_are_posted_take_the_ids_of_others(asks: bool) -> None:
    two, numbers = Two("procedures"), itertools.count(10)
    kept: dict[int, dict[str, Any]] = {}

    @two.app.post("/api/addParcel")
    def add() -> Any:
        me, number = two.caller(), next(numbers)
        kept[number] = {"parcelId": number, "ownerId": me, "label": request.get_json()["label"]}
        return jsonify(parcel=kept[number])

    two.app.add_url_rule(
        "/api/listParcels",
        "list",
        lambda: jsonify(parcels=[one for one in kept.values() if one["ownerId"] == two.caller()]),
        methods=["POST"],
    )

    @two.app.post("/api/getParcel")
    @two.app.post("/api/updateParcel", endpoint="update")
    def one() -> Any:
        me, sent = two.caller(), request.get_json()
        found = kept.get(sent["parcelId"]) or abort(404)
        if asks and found["ownerId"] != me:
            abort(404)
        found.update({"label": sent["label"]} if request.path.endswith("updateParcel") else {})
        return jsonify(parcel=found)

    paths = {
        "/me": READS,
        "/api/addParcel": {"post": body(label="string")},
        "/api/listParcels": {"post": {"responses": {}}},
    }
    paths |= {
        "/api/getParcel": {"post": body(parcelId="integer")},
        "/api/updateParcel": {"post": body(parcelId="integer", label="string")},
    }
    found = two.judged(ACCESS, **paths)
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or {("POST", "/api/getParcel"), ("POST", "/api/updateParcel")} <= set(routes(found)), found.message


@pytest.mark.parametrize("asks", [False, True])
def test_without_a_document_what_lists_and_ids_name_is_asked_for_below_them(asks: bool) -> None:
    """An entry of a list of which no route is known, and ``patient_id``, of which ``/api/patients`` may have one."""
    two = Two("clinic")
    for path in ("/api/labs", "/api/visits"):
        two.app.add_url_rule(path, path, lambda: jsonify([{"id": 70 + two.caller(), "patient_id": two.caller()}]))

    @two.app.get("/api/labs/<int:lab>/download")
    def download(lab: int) -> Any:
        me = two.caller()
        return f"LAB {lab}" if lab in (71, 72) and (not asks or lab - 70 == me) else abort(404)

    @two.app.get("/api/patients/<int:patient>")
    def patient(patient: int) -> Any:
        me, one = two.caller(), two.people.get(patient) or abort(404)
        return jsonify(one | {"email": f"{patient}@example.com"}) if not asks or patient == me else abort(403)

    routes_known = tuple(
        Route(path, ("GET",), readers=frozenset({"wire"})) for path in ("/me", "/api/labs", "/api/visits")
    )
    ready = prepare(
        App("clinic", routes=routes_known), Courier(WsgiTransport(two.app), mode="active"), GIVEN, "active", "standard"
    )
    found = run_probe(
        next(one for one in load() if one.slug == ACCESS), ready.target, Courier(WsgiTransport(two.app), mode="active")
    ).verdict
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or {("GET", "/api/labs/{id}/download"), ("GET", "/api/patients/{id}")} <= set(routes(found))


class Garage(Two):
    """Cars of companies, by a number of their own and in the order of the alphabet; who asks is told the company."""

    def __init__(self, *, asks: bool) -> None:
        super().__init__("garage")
        self.asks = asks
        for number, company in ((1, "north"), (2, "south")):
            self.people[number]["company"] = company
        self.cars = {
            f"VIN{number}": {"company": one["company"], "note": f"blue{number}pine", "vin": f"VIN{number}"}
            for number, one in self.people.items()
        }

    def of(self) -> str:
        return str(self.people[self.caller()]["company"])

    def may(self, company: object) -> bool:
        return not self.asks or company == self.of()


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("way", ["company of the query", "company of the path", "search", "sent back"])
def test_companies_and_numbers_of_their_own_are_known_by_what_answers_say(way: str, asks: bool) -> None:
    garage = Garage(asks=asks)
    before = {number: dict(one) for number, one in garage.cars.items()}

    @garage.app.get("/cars")
    def cars() -> Any:
        said = request.args.get("company", garage.of()) if way == "company of the query" else garage.of()
        return jsonify(cars=[one for one in garage.cars.values() if one["company"] == said and garage.may(said)])

    @garage.app.get("/companies/<name>")
    def company(name: str) -> Any:
        garage.caller()
        return jsonify(name=name, iban=f"CH{name}") if name in ("north", "south") and garage.may(name) else abort(404)

    @garage.app.post("/search")
    def search() -> Any:
        garage.caller()
        said = request.get_json().get("text", "")
        return jsonify(
            hits=[one for one in garage.cars.values() if said and said in one["note"] and garage.may(one["company"])]
        )

    @garage.app.route("/cars/<vin>", methods=["GET", "PATCH"])
    def car(vin: str) -> Any:
        garage.caller()
        one = garage.cars.get(vin) or abort(404)
        if not (garage.may(one["company"]) if request.method == "PATCH" else one["company"] == garage.of()):
            abort(404)
        one.update(request.get_json() if request.method == "PATCH" else {})
        return jsonify(one)

    more = {
        "company of the path": ("GET", "/companies/{name}", "get", {"responses": {}}),
        "search": ("POST", "/search", "post", body(text="string")),
    }
    method, path, key, operation = more.get(way, ("GET", "/cars", "get", {"responses": {}}))
    paths: dict[str, Any] = {"/me": READS, "/cars": READS, path: {key: operation}}
    if way == "sent back":
        method, path = "PATCH", "/cars/{vin}"
        paths[path] = {**READS, "patch": body(note="string")}
    for rule in [
        one
        for one in garage.app.url_map.iter_rules()
        if one.rule != "/me" and one.rule.replace("<", "{").replace(">", "}") not in paths
    ]:
        garage.app.view_functions[rule.endpoint] = lambda **_: abort(404)
    found = garage.judged(ACCESS, **paths)
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or (method, path) in routes(found), found.message
    assert garage.cars == before


@pytest.mark.parametrize("asks", [False, True])
def test_who_may_not_open_a_thing_makes_himself_one_of_its_people(asks: bool) -> None:
    two, clubs = Two("clubs"), dict[int, dict[str, Any]]()

    @two.app.route("/clubs", methods=["GET", "POST"])
    def all_of_mine() -> Any:
        me = two.caller()
        if request.method == "GET":
            return jsonify([one for one in clubs.values() if me in one["people"]])
        clubs[30 + len(clubs)] = {"id": 30 + len(clubs), "people": [me], "topic": request.get_json()["topic"]}
        return jsonify(clubs[29 + len(clubs)]), 201

    @two.app.get("/clubs/<int:club>")
    def one(club: int) -> Any:
        me, found = two.caller(), clubs.get(club) or abort(404)
        return jsonify(found) if me in found["people"] else abort(403)

    @two.app.post("/clubs/<int:club>/join")
    def join(club: int) -> Any:
        me, found = two.caller(), clubs.get(club) or abort(404)
        if asks:
            abort(403)
        found["people"].append(me)
        return jsonify(ok=True)

    paths: dict[str, Any] = {"/me": READS, "/clubs": {**READS, "post": body(topic="string")}, "/clubs/{club}": READS}
    found = two.judged(ACCESS, **paths, **{"/clubs/{club}/join": {"post": {"responses": {}}}})
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or (routes(found), found.severity) == ([("POST", "/clubs/{club}/join")], "medium")


@pytest.mark.parametrize("asks", [False, True])
def test_what_all_see_is_taken_away_by_another_and_made_in_the_name_of_another(asks: bool) -> None:
    """Whose it is says a member that is called after those who write there, in the number that each is told of himself."""
    two, reviews = Two("reviews"), dict[int, dict[str, Any]]()
    for number, one in list(two.people.items()):
        two.people[number] = {"guestId": number, "nick": one["name"]}

    @two.app.route("/reviews", methods=["GET", "POST"])
    def all_reviews() -> Any:
        me = two.caller()
        if request.method == "GET":
            return jsonify(items=list(reviews.values()))
        sent, number = request.get_json(), 20 + len(reviews)
        reviews[number] = {"reviewId": number, "guestId": me if asks else sent.get("guestId", me), "text": sent["text"]}
        return jsonify(reviews[number]), 201

    @two.app.delete("/reviews/<int:reviewId>")
    def drop(reviewId: int) -> Any:
        me, one = two.caller(), reviews.get(reviewId) or abort(404)
        return jsonify(reviews.pop(reviewId)) if not asks or one["guestId"] == me else abort(403)

    paths: dict[str, Any] = {"/me": READS, "/reviews": {**READS, "post": body(text="string")}}
    found = two.judged(ACCESS, **paths, **{"/reviews/{reviewId}": {"delete": {"responses": {}}}})
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or {("POST", "/reviews"), ("DELETE", "/reviews/{reviewId}")} <= set(routes(found)), found.message


@pytest.mark.parametrize("asks", [False, True])
def test_ids_of_several_things_and_what_a_refusal_wants(asks: bool) -> None:
    two, files = (
        Two("files"),
        {
            f"file-{number}-f00d": {"id": f"file-{number}-f00d", "of": number, "text": f"tax {number}"}
            for number in (1, 2)
        },
    )
    two.app.add_url_rule(
        "/files", "files", lambda: jsonify([{"id": one["id"]} for one in files.values() if one["of"] == two.caller()])
    )

    @two.app.post("/batch/download")
    def batch() -> Any:
        me = two.caller()
        if "ids" not in (sent := request.get_json()):
            return jsonify(detail="'ids' is a required property"), 400
        return jsonify([files[one] for one in sent["ids"] if one in files and (not asks or files[one]["of"] == me)])

    found = two.judged(ACCESS, **{"/me": READS, "/files": READS, "/batch/download": {"post": body(ids="array")}})
    assert (found.outcome == "fail") is not asks, found.message
    assert missing_members("{'error': 'content is required, missing: title'}", {}) == ["content", "title"]
    assert missing_members('{"message": {"url": ["URL is required when it is online"]}}', {}) == ["url"]


@pytest.mark.parametrize("role", ["student", "teacher"])
def test_a_folder_of_a_role_lets_in_who_is_told_of_another_role(role: str) -> None:
    two = Two("grades", role=role)
    two.app.add_url_rule("/teacher/grades", "grades", lambda: jsonify([{"id": 1, "points": 3}] if two.caller() else []))
    found = two.judged("low-role-reaches-admin", **{"/me": READS, "/teacher/grades": READS})
    assert (found.outcome == "fail") is (role == "student"), found.message
