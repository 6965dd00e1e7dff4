"""What two people who were given show of an API that registers nobody, and that nothing of theirs is another afterwards."""

from typing import Any

import pytest
from flask import Flask, abort, jsonify, request
from tests.rules.toy_people import ToyPeople

from stopper.core.app import App, Route
from stopper.core.finding import Verdict
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.engine import run_probe
from stopper.scan.target import prepare
from stopper.scan.trial import try_rule
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

GIVEN = [Identity(name, (("X-API-Key", Secret(f"key-of-{name}")),)) for name in ("ann", "ben")]


class Two:
    """An API that ann (1) and ben (2) open with their keys, and that tells each who it is."""

    def __init__(self, app: str, **more: Any) -> None:
        self.app = Flask(app)
        self.people = {n: {"id": n, "name": name, **more} for n, name in ((1, "ann"), (2, "ben"))}
        self.app.add_url_rule("/me", "me", lambda: jsonify(self.people[self.caller()]))

    def caller(self) -> int:
        """The number of who asks; a request of anybody else ends here."""
        return {"key-of-ann": 1, "key-of-ben": 2}.get(request.headers.get("X-API-Key", "")) or abort(401)

    def judged(self, slug: str = "cross-user-object-access", **paths: Any) -> Verdict:
        """What a rule says of the app, which serves a document of these *paths* if there are any."""
        document = {"openapi": "3.0.3", "info": {"title": self.app.name, "version": "1"}, "paths": paths}
        if paths:
            self.app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
        return try_rule(next(rule for rule in load() if rule.slug == slug), self.app, identities=GIVEN)


def body(**properties: str) -> dict[str, Any]:
    """An operation of a document whose body has members of these types."""
    schema = {"type": "object", "properties": {name: {"type": kind} for name, kind in properties.items()}}
    return {"responses": {}, "requestBody": {"content": {"application/json": {"schema": schema}}}}


@pytest.mark.parametrize("path", ["/account", "/people/<int:user_id>"])
@pytest.mark.parametrize("member", ["role", "credit_limit", "plan", ""])
def test_who_was_given_writes_what_nobody_sets_for_himself(path: str, member: str) -> None:
    """Where it is a text, a number or a grade that the account is shown to have, at the own account and below the own id."""
    two = Two("accounts", role="user", credit_limit=500, plan="free", city="Bern")

    @two.app.route(path, methods=["GET", "PUT"])
    def account(user_id: int = 0) -> Any:
        me = two.caller()
        if user_id not in (0, me):
            abort(403)
        sent = request.get_json() if request.method == "PUT" else {}
        two.people[me].update({name: value for name, value in sent.items() if name in ("city", member)})
        return jsonify(user=two.people[me])

    before = {number: dict(one) for number, one in two.people.items()}
    found = two.judged("mass-assignment")
    assert (found.outcome == "fail") is bool(member), found.message
    assert member in found.message
    assert two.people == before


@pytest.mark.parametrize("members", [("product_id", "quantity", "price"), ("product_id", "quantity")])
@pytest.mark.parametrize("believes", [False, True])
def test_what_a_thing_costs_is_not_for_the_caller_to_say(believes: bool, members: tuple[str, ...]) -> None:
    """Whether or not a document speaks of the price; the carts of both end as the shop has counted them."""
    two, carts = Two("shop"), dict[int, list[dict[str, Any]]]()
    prices = {1: 24.5, 2: 8.0}
    two.app.add_url_rule("/products", "products", lambda: jsonify([{"id": n, "price": p} for n, p in prices.items()]))

    @two.app.route("/cart", methods=["GET", "POST"])
    def cart() -> Any:
        mine = carts.setdefault(two.caller(), [])
        if request.method == "POST":
            sent = request.get_json()
            price = prices.get(sent.get("product_id")) or abort(400)
            mine.append({"product_id": sent["product_id"], "price": sent.get("price", price) if believes else price})
        return jsonify(items=mine)

    paths = {"/cart": {"get": {"responses": {}}, "post": body(**dict.fromkeys(members, "number"))}}
    found = two.judged("mass-assignment", **paths, **{"/products": {"get": {"responses": {}}}})
    assert (found.outcome == "fail") is believes, found.message


@pytest.mark.parametrize("writes", [("name", "city"), ("name", "city", "role")])
def test_a_strange_column_spoils_the_statement(writes: tuple[str, ...]) -> None:
    """A statement of all that was sent fails by what is no column; the role that the account is shown to have is tried alone."""
    two = Two("columns", role="user", city="Bern")

    @two.app.route("/profile", methods=["GET", "PUT"])
    def profile() -> Any:
        me = two.people[two.caller()]
        sent = request.get_json() if request.method == "PUT" else {}
        if not set(sent) <= set(me):
            return jsonify(error="there is no such column"), 500
        me.update({name: value for name, value in sent.items() if name in writes})
        return jsonify(profile=me)

    found = two.judged("mass-assignment")
    assert (found.outcome == "fail") is ("role" in writes), found.message
    assert {one["role"] for one in two.people.values()} == {"user"}


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize(
    ("path", "said", "told"),
    [
        ("/organizations/{id}/secrets", {"webhook_secret": "whsec-5d1f"}, True),
        ("/people/{id}/settings", {"theme": "dark"}, True),
        ("/people/{id}", {"bio": "Rows and rows"}, False),
        ("/people/{id}", {"home_address": "1 Main Street"}, True),
    ],
)
def test_what_stands_under_the_own_id_or_that_of_the_company(
    path: str, said: dict[str, str], told: bool, asks: bool
) -> None:
    """An answer says who asked for it too, and what somebody shows to all is a profile."""
    two = Two("own ids", organization_id=0)
    two.people[1]["organization_id"], two.people[2]["organization_id"] = 1, 2

    def read(number: int) -> Any:
        me = two.caller()
        if asks and number != me:
            abort(403)
        name = (two.people.get(number) or abort(404))["name"]
        return jsonify(
            {"id": number, "name": name, **{key: f"{text} {name}" for key, text in said.items()}, "accessed_by": me}
        )

    two.app.add_url_rule(path.replace("{id}", "<int:number>"), "read", read)
    reads: dict[str, Any] = {"get": {"responses": {}}}
    found = two.judged("cross-user-object-access", **{"/me": reads, path: reads})
    assert (found.outcome == "fail") is (told and not asks), found.message


@pytest.mark.parametrize(
    ("member", "tenants", "weighs"),
    [("user_id", ("", ""), "medium"), ("user_id", ("north", "south"), None), ("entered_by", ("", ""), "none")],
)
def test_orders_of_everybody_weigh_less_where_nobody_knows_that_two_are_strangers(
    member: str, tenants: tuple[str, str], weighs: str | None
) -> None:
    two = Two("orders")
    for number, tenant in zip((1, 2), tenants, strict=True):
        two.people[number].update({"tenant": tenant} if tenant else {})
    orders = {5 + number: {"id": 5 + number, member: number, "amount": 10 * number} for number in (1, 2)}
    two.app.add_url_rule("/orders", "all", lambda: jsonify(list(orders.values()) if two.caller() else []))
    two.app.add_url_rule(
        "/orders/<int:order>", "one", lambda order: jsonify(orders.get(order) if two.caller() else {}) or abort(404)
    )
    found = two.judged()
    assert (found.outcome == "fail") is (weighs != "none"), found.message
    assert weighs == "none" or (found.severity, len(found.routes)) == (weighs, 2)


class Notes(Two):
    """Notes that people make and nobody else reads; at one more route whose a note is is asked only where it *asks*."""

    def __init__(self, *, asks: bool) -> None:
        super().__init__("notes")
        self.asks, self.notes = asks, dict[int, dict[str, Any]]()

        @self.app.route("/notes", methods=["GET", "POST"])
        def notes() -> Any:
            me = self.caller()
            if request.method == "GET":
                return jsonify([one for one in self.notes.values() if one["user_id"] == me])
            number = 40 + len(self.notes)
            self.notes[number] = {"id": number, "user_id": me, "text": request.get_json()["text"], "status": "open"}
            return jsonify(id=number), 201

        @self.app.get("/notes/<int:note>")
        def read(note: int) -> Any:
            return jsonify(self.found(note, asks=True))

    def found(self, note: int, *, asks: bool = False) -> dict[str, Any]:
        me, one = self.caller(), self.notes.get(note) or abort(404)
        return one if one["user_id"] == me or not (asks or self.asks) else abort(404)

    def status(self, note: int) -> Any:
        one, said = self.found(note), request.get_json().get("status")
        if said not in ("open", "done"):
            return jsonify(error="status must be open or done"), 400
        one["status"] = said
        return jsonify(ok=True)

    def transfer(self, note: int) -> Any:
        one, to = self.found(note), request.get_json().get("user_id")
        if to not in self.people:
            return jsonify(error="no such user"), 400
        one["user_id"] = to
        return jsonify(ok=True)

    def sweep(self) -> Any:
        gone = [note for note in request.get_json()["ids"] if self.caller() and self.found(note)]
        return jsonify(gone=len([self.notes.pop(note) for note in gone]))

    def files(self) -> Any:
        note = self.found(request.args.get("note", 0, type=int))
        return jsonify(files=[f"{note['id']}.pdf"])


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize(
    ("deed", "method", "path", "told"),
    [
        ("status", "PATCH", "/notes/{note}", body(status="string")),
        ("transfer", "POST", "/notes/{note}/transfer", body(user_id="integer")),
        ("sweep", "POST", "/notes/sweep-delete", body(ids="array")),
        ("files", "GET", "/files", {"responses": {}, "parameters": [{"name": "note", "in": "query"}]}),
    ],
)
def test_deeds_whose_bodies_take_few_words_or_say_to_whom(
    deed: str, method: str, path: str, told: dict[str, Any], asks: bool
) -> None:
    notes = Notes(asks=asks)
    reads: dict[str, Any] = {"get": {"responses": {}}}
    notes.app.add_url_rule(path.replace("{note}", "<int:note>"), deed, getattr(notes, deed), methods=[method])
    paths: dict[str, Any] = {"/me": reads, "/notes": {**reads, "post": body(text="string")}, "/notes/{note}": {**reads}}
    paths.setdefault(path, {})[method.lower()] = told
    found = notes.judged("cross-user-object-access", **paths)
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [(ref.method, ref.path) for ref in found.routes] == [(method, path)]


@pytest.mark.parametrize("asks", [False, True])
def test_settings_of_another_are_changed_to_what_they_say_already(asks: bool) -> None:
    two = Two("settings")
    settings: dict[int, dict[str, Any]] = {1: {"theme": "dark"}, 2: {"theme": "light"}}
    before = {number: dict(one) for number, one in settings.items()}

    @two.app.route("/people/<int:number>/settings", methods=["GET", "PUT"])
    def of(number: int) -> Any:
        me, one = two.caller(), settings.get(number) or abort(404)
        if number != me and (asks or request.method == "GET"):
            abort(403)
        one.update(request.get_json() if request.method == "PUT" else {})
        return jsonify(one)

    found = two.judged()
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [(ref.method, ref.path) for ref in found.routes] == [("PUT", "/people/{number}/settings")]
    assert settings == before


@pytest.mark.parametrize("asks", [False, True])
def test_a_search_finds_what_others_stored(asks: bool) -> None:
    """What is looked for stands in the answer in any case."""
    notes = Notes(asks=True)

    @notes.app.get("/find")
    def find() -> Any:
        me, q = notes.caller(), request.args.get("q", "")
        hits = [one for one in notes.notes.values() if q and q in one["text"] and (not asks or one["user_id"] == me)]
        return jsonify(q=q, hits=hits)

    reads: dict[str, Any] = {"get": {"responses": {}}}
    paths: dict[str, Any] = {"/notes": {**reads, "post": body(text="string")}, "/notes/{note}": reads}
    paths |= {"/me": reads, "/find": {"get": {"responses": {}, "parameters": [{"name": "q", "in": "query"}]}}}
    found = notes.judged("cross-user-object-access", **paths)
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [ref.path for ref in found.routes] == ["/find"]


@pytest.mark.parametrize(("member", "told"), [("credit_limit", True), ("email", False)])
def test_a_list_of_people_that_says_what_nobody_publishes(member: str, told: bool) -> None:
    two = Two("customers")
    rows = [{"id": n, "name": one["name"], member: f"{100 + n}"} for n, one in two.people.items()]
    two.app.add_url_rule("/branch/customers", "all", lambda: jsonify(rows if two.caller() else []))
    found = two.judged()
    assert (found.outcome == "fail") is told, found.message


@pytest.mark.parametrize("asks", [False, True])
def test_what_is_made_below_one_thing_and_read_by_its_own_id(asks: bool) -> None:
    notes, lines = Notes(asks=True), dict[int, dict[str, Any]]()

    @notes.app.post("/notes/<int:note>/lines")
    def add(note: int) -> Any:
        number = 70 + len(lines)
        lines[number] = {"id": number, "note_id": notes.found(note)["id"], "text": request.get_json()["text"]}
        return jsonify(lines[number]), 201

    @notes.app.get("/lines/<int:line>")
    def read_line(line: int) -> Any:
        notes.caller()
        one = lines.get(line) or abort(404)
        return jsonify(one if not asks or notes.found(one["note_id"]) else {})

    reads: dict[str, Any] = {"get": {"responses": {}}}
    paths: dict[str, Any] = {"/notes": {**reads, "post": body(text="string")}, "/notes/{note}": reads, "/me": reads}
    paths |= {"/notes/{note}/lines": {"post": body(text="string")}, "/lines/{line}": reads}
    found = notes.judged("cross-user-object-access", **paths)
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [ref.path for ref in found.routes] == ["/lines/{line}"]


@pytest.mark.parametrize("asks", [False, True])
def test_what_wants_another_thing_to_be_there_is_made_with_one_of_ones_own(asks: bool) -> None:
    notes, orders = Notes(asks=True), dict[str, dict[str, Any]]()

    @notes.app.route("/orders", methods=["GET", "POST"])
    def made() -> Any:
        me = notes.caller()
        if request.method == "GET":
            return jsonify([one for one in orders.values() if one["user_id"] == me])
        if not isinstance(sent := request.get_json().get("note_id"), int):
            abort(400)
        number = f"O-{len(orders)}"
        orders[number] = {"order_no": number, "user_id": me, "note": notes.found(sent)["id"], "state": "open"}
        return jsonify(orders[number]), 201

    @notes.app.post("/orders/<order_no>/cancel")
    def cancel(order_no: str) -> Any:
        one = orders.get(order_no) or abort(404)
        if one["user_id"] != notes.caller() and asks:
            abort(404)
        one["state"] = "cancelled"
        return jsonify(ok=True)

    reads: dict[str, Any] = {"get": {"responses": {}}}
    paths: dict[str, Any] = {"/notes": {**reads, "post": body(text="string")}, "/notes/{note}": reads, "/me": reads}
    paths |= {
        "/orders": {**reads, "post": body(note_id="integer")},
        "/orders/{order_no}/cancel": {"post": {"responses": {}}},
    }
    found = notes.judged("cross-user-object-access", **paths)
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [ref.path for ref in found.routes] == ["/orders/{order_no}/cancel"]


def test_who_made_himself_one_of_its_people_proves_nothing_more() -> None:
    """What members may do is asked of a thing of which he is none."""
    notes = Notes(asks=True)

    @notes.app.post("/notes/<int:note>/members")
    def join(note: int) -> Any:
        one = notes.notes.get(note) or abort(404)
        one.setdefault("members", []).append(request.get_json()["user_id"] if notes.caller() else 0)
        return jsonify(ok=True)

    @notes.app.post("/notes/<int:note>/pages")
    def page(note: int) -> Any:
        me, one = notes.caller(), notes.notes.get(note) or abort(404)
        if me not in (one["user_id"], *one.get("members", [])):
            abort(404)
        one["pages"] = [*one.get("pages", []), request.get_json()["text"]]
        return jsonify(ok=True)

    reads: dict[str, Any] = {"get": {"responses": {}}}
    paths: dict[str, Any] = {"/notes": {**reads, "post": body(text="string")}, "/notes/{note}": reads, "/me": reads}
    paths |= {"/notes/{note}/members": {"post": body(user_id="integer")}}
    paths |= {"/notes/{note}/pages": {"post": body(text="string")}}
    found = notes.judged("cross-user-object-access", **paths)
    assert [ref.path for ref in found.routes] == ["/notes/{note}/members"], found.message


@pytest.mark.parametrize("asks", [False, True])
def test_what_is_made_with_a_thing_of_another(asks: bool) -> None:
    notes, alarms = Notes(asks=True), list[dict[str, Any]]()

    @notes.app.route("/alarms", methods=["GET", "POST"])
    def alarm() -> Any:
        me = notes.caller()
        if request.method == "GET":
            return jsonify([one for one in alarms if one["user_id"] == me])
        one = notes.notes.get(request.get_json()["note_id"]) or abort(400)
        if asks and one["user_id"] != me:
            abort(400)
        alarms.append({"id": len(alarms), "user_id": me, "note_id": one["id"], "sound": request.get_json()["sound"]})
        return jsonify(alarms[-1]), 201

    reads: dict[str, Any] = {"get": {"responses": {}}}
    paths: dict[str, Any] = {"/notes": {**reads, "post": body(text="string")}, "/notes/{note}": reads, "/me": reads}
    paths |= {"/alarms": {**reads, "post": body(note_id="integer", sound="string")}}
    found = notes.judged("cross-user-object-access", **paths)
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or (found.severity, [ref.path for ref in found.routes]) == ("medium", ["/alarms"])


@pytest.mark.parametrize(("companies", "weighs"), [((7, 7), "none"), ((None, None), "medium"), ((7, 8), None)])
def test_a_board_that_all_see_and_change(companies: tuple[int | None, int | None], weighs: str | None) -> None:
    """Nobody knows whether two people keep it together, where nothing says that they are of one company or of two."""
    two, cards = Two("board"), dict[int, dict[str, Any]]()
    for number, company in zip((1, 2), companies, strict=True):
        two.people[number].update({"company_id": company} if company is not None else {})

    @two.app.route("/cards", methods=["GET", "POST"])
    def listed() -> Any:
        me = two.caller()
        if request.method == "GET":
            return jsonify(list(cards.values()))
        number = 60 + len(cards)
        cards[number] = {"id": number, "author_id": me, "text": request.get_json()["text"]}
        return jsonify(cards[number]), 201

    @two.app.route("/cards/<int:card>", methods=["GET", "PUT"])
    def one(card: int) -> Any:
        found = cards.get(card) if two.caller() else None
        (found or abort(404)).update({"text": request.get_json()["text"]} if request.method == "PUT" else {})
        return jsonify(found)

    reads: dict[str, Any] = {"get": {"responses": {}}}
    paths: dict[str, Any] = {"/me": reads, "/cards": {**reads, "post": body(text="string")}}
    paths |= {"/cards/{card}": {**reads, "put": body(text="string")}}
    found = two.judged("cross-user-object-access", **paths)
    assert (found.outcome == "fail") is (weighs != "none"), found.message
    assert weighs == "none" or found.severity == weighs


@pytest.mark.parametrize("asks", [False, True])
def test_an_account_that_is_shown_at_the_path_at_which_it_is_changed(asks: bool) -> None:
    people = ToyPeople("readers")
    kept = dict[str, dict[str, Any]]()
    people.joined = lambda name: kept.update({name: {"username": name, "address": "here"}})  # type: ignore[method-assign]
    people.app.add_url_rule("/me", "me", lambda: jsonify(username=people.caller()))

    @people.app.route("/readers/<username>", methods=["GET", "PUT"])
    def reader(username: str) -> Any:
        me, one = people.caller(), kept.get(username) or abort(404)
        if me != username and (asks or request.method == "GET"):
            abort(403)
        one.update({"address": request.get_json()["address"]} if request.method == "PUT" else {})
        return jsonify(one)

    reads: dict[str, Any] = {"get": {"responses": {}}}
    account = body(username="string", password="string")
    paths: dict[str, Any] = {"/me": reads, "/register": {"post": account}, "/login": {"post": account}}
    found = people.judged(**paths, **{"/readers/{username}": {**reads, "put": body(address="string")}})
    assert (found.outcome == "fail") is not asks, found.message


@pytest.mark.parametrize("asks", [False, True])
def test_what_is_made_is_read_below_its_collection_though_nobody_names_that_route(asks: bool) -> None:
    """And what its answer says is done to it."""
    two, visits = Two("visits"), dict[str, dict[str, Any]]()

    @two.app.route("/visits", methods=["GET", "POST"])
    def listed() -> Any:
        me = two.caller()
        if request.method == "GET":
            return jsonify([one for one in visits.values() if one["user_id"] == me])
        number = f"{30 + len(visits)}"
        links = {"cancel": {"href": f"/visits/{number}/cancel", "method": "POST"}}
        visits[number] = {
            "id": number,
            "user_id": me,
            "text": request.get_json()["text"],
            "state": "open",
            "links": links,
        }
        return jsonify(visits[number]), 201

    def of(number: str) -> dict[str, Any]:
        me, one = two.caller(), visits.get(number) or abort(404)
        return one if one["user_id"] == me or not asks else abort(404)

    two.app.add_url_rule("/visits/<number>", "one", lambda number: jsonify(of(number)))
    two.app.add_url_rule(
        "/visits/<number>/cancel", "cancel", lambda number: of(number).update(state="over") or "over", methods=["POST"]
    )
    rule = next(rule for rule in load() if rule.slug == "cross-user-object-access")
    known = App(readers=frozenset({"wire"}), routes=(Route("/visits", ("GET", "POST")), Route("/me", ("GET",))))
    courier = Courier(WsgiTransport(two.app), mode="active", max_requests=300)
    found = run_probe(rule, prepare(known, courier, GIVEN, "active", "standard").target, courier).verdict
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or {ref.path for ref in found.routes} == {"/visits/{id}", "/visits/{id}/cancel"}
