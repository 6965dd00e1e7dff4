"""What one person made is reached by another: below its id, by an action, by a number in the query or the body; and what is common property."""

import itertools
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, abort, jsonify, request

from stopper.core.finding import Verdict
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULE = next(rule for rule in load() if rule.slug == "cross-user-object-access")


class Cards:
    """An API that keeps cards of people. ``asks`` says whether a route asks whose a card is; ``public`` whether all see all."""

    def __init__(self, *, asks: bool = False, public: bool = False, owner: bool = True) -> None:
        self.app, self.asks, self.public, self.owner = Flask("cards"), asks, public, owner
        self.people: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.cards: dict[int, dict[str, Any]] = {}
        numbers = itertools.count(1)

        @self.app.post("/register")
        def register() -> Any:
            sent = request.get_json()
            self.people[sent["username"]] = sent["password"]
            return jsonify(ok=True), 201

        @self.app.post("/login")
        def login() -> Any:
            sent = request.get_json()
            if self.people.get(sent["username"]) != sent["password"]:
                return jsonify(error="no"), 401
            token = secrets.token_urlsafe(24)
            self.tokens[token] = sent["username"]
            return jsonify(token=token, user_id=self.number(sent["username"]))

        @self.app.post("/cards/create")
        def create() -> Any:
            if not self.caller():
                return jsonify(error="no"), 401
            sent = request.get_json()
            number = next(numbers)
            whose = sent.get("user_id", self.number(self.caller())) if self.takes_owner else self.number(self.caller())
            self.cards[number] = {"id": number, "label": str(sent.get("label")), "frozen": False, "user_id": whose}
            return jsonify(ok=True), 201

        @self.app.get("/cards")
        def listed() -> Any:
            if not self.caller():
                return jsonify(error="no"), 401
            mine = self.number(self.caller())
            return jsonify(cards=[self.shown(one) for one in self.cards.values() if public or one["user_id"] == mine])

    takes_owner = False

    def caller(self) -> str:
        return self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), "")

    def number(self, name: str) -> int:
        return 7000 + list(self.people).index(name)

    def shown(self, card: dict[str, Any]) -> dict[str, Any]:
        return card if self.owner else {name: value for name, value in card.items() if name != "user_id"}

    def add(self, path: str, method: str, does: Callable[[dict[str, Any]], Any]) -> "Cards":
        def view(card_id: int) -> Any:
            if not self.caller():
                return jsonify(error="no"), 401
            card = self.cards.get(card_id)
            if card is None or (self.asks and card["user_id"] != self.number(self.caller())):
                return jsonify(error="not found"), 404
            return jsonify(does(card))

        self.app.add_url_rule(path, f"{method} {path}", view, methods=[method])
        return self

    def described(self, path: str, operation: dict[str, Any]) -> "Cards":
        document = {"openapi": "3.0.3", "info": {"title": "cards", "version": "1"}, "paths": {path: operation}}
        self.app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
        return self

    def judged(self) -> Verdict:
        return try_rule(RULE, self.app)


QUERY = {"get": {"responses": {}, "parameters": [{"name": "user_id", "in": "query", "schema": {"type": "integer"}}]}}
LABEL: dict[str, Any] = {
    "post": {
        "responses": {},
        "requestBody": {
            "content": {"application/json": {"schema": {"type": "object", "properties": {"label": {"type": "string"}}}}}
        },
    }
}
BODY = {"type": "object", "properties": {"label": {"type": "string"}, "user_id": {"type": "integer"}}}


def freeze(card: dict[str, Any]) -> Any:
    card["frozen"] = not card["frozen"]
    return {"ok": True}


def rename(card: dict[str, Any]) -> Any:
    card["label"] = str(request.get_json()["label"])
    return {"ok": True}


WAYS: list[tuple[str, str, Callable[[dict[str, Any]], Any]]] = [
    ("/cards/<int:card_id>/toggle-freeze", "POST", freeze),
    ("/cards/freeze/<int:card_id>", "PATCH", freeze),
    ("/cards/<int:card_id>", "PUT", rename),
    ("/cards/<int:card_id>/secret", "GET", lambda card: {"pin": f"pin of {card['label']}"}),
]


@pytest.mark.parametrize(("path", "method", "does"), WAYS)
def test_a_route_that_asks_nobody_whose_it_is_is_told(path: str, method: str, does: Callable[..., Any]) -> None:
    found = Cards().add(path, method, does).judged()
    assert found.outcome == "fail", found.message
    assert [(ref.method, ref.path.count("{")) for ref in found.routes] == [(method, 1)]


@pytest.mark.parametrize(("path", "method", "does"), WAYS)
def test_a_route_that_asks_whose_it_is_is_not(path: str, method: str, does: Callable[..., Any]) -> None:
    assert Cards(asks=True).add(path, method, does).judged().outcome == "pass"


@pytest.mark.parametrize("asks", [True, False])
def test_what_the_scan_is_shown_to_have_made_is_deleted_by_another_and_nothing_else(asks: bool) -> None:
    """The answer to the creation names no id: it is the new entry of the list with the random text."""
    cards = Cards(asks=asks)
    cards.cards[3000] = {"id": 3000, "label": "somebody's", "frozen": False, "user_id": 1}
    cards.add("/cards/<int:card_id>", "DELETE", lambda card: cards.cards.pop(card["id"]) and {"ok": True})
    found = cards.described("/cards/create", LABEL).judged()
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [(ref.method, ref.path) for ref in found.routes] == [("DELETE", "/cards/{card_id}")]
    assert 3000 in cards.cards


def test_a_part_of_what_one_made_is_deleted_by_another() -> None:
    cards = Cards().add("/cards/<int:card_id>/label", "DELETE", lambda card: card.update(label="") or {"ok": True})
    found = cards.described("/cards/create", LABEL).judged()
    assert [(ref.method, ref.path) for ref in found.routes] == [("DELETE", "/cards/{card_id}/label")]


@pytest.mark.parametrize(
    "own", ["/cards/delete/<int:number>", "/cards/remove/<int:number>", "/cards/end/<int:card_id>"]
)
def test_what_the_scan_made_is_taken_back_and_what_has_the_same_number_elsewhere_stays(own: str) -> None:
    """``/cards/stickers/1`` lies below ``/cards`` and is no card: the scan's own card 1 says nothing of somebody's sticker 1."""
    cards, stickers = Cards(asks=True), dict.fromkeys(range(1, 10), "somebody's")
    cards.cards[3000] = {"id": 3000, "label": "somebody's", "frozen": False, "user_id": 1}

    def end(**number: int) -> Any:
        (one,) = number.values()
        if not cards.caller() or cards.cards.get(one, {}).get("user_id") != cards.number(cards.caller()):
            return jsonify(error="not found"), 404
        cards.cards.pop(one)
        return jsonify(ok=True)

    def stick(number: int) -> Any:
        return jsonify(ok=stickers.pop(number)) if cards.caller() else (jsonify(error="no"), 401)

    cards.app.add_url_rule("/cards/stickers/<int:number>", "stick", stick, methods=["DELETE"])
    cards.app.add_url_rule(own, "end", end, methods=["DELETE"])
    found = cards.described("/cards/create", LABEL).judged()
    assert len(stickers) == 9
    assert found.outcome != "fail", found.message
    assert list(cards.cards) == [3000]


def test_every_route_of_a_kind_is_told_and_not_the_first_alone() -> None:
    cards = Cards()
    for path, method, does in WAYS:
        cards.add(path, method, does)
    assert len(cards.judged().routes) == len(WAYS)


def test_what_all_see_and_may_change_is_common_property_unless_it_names_its_owner() -> None:
    way = ("/cards/<int:card_id>", "PUT", rename)
    assert Cards(public=True, owner=False).add(*way).judged().outcome != "fail"
    assert Cards(public=True).add(*way).judged().outcome == "fail"


@pytest.mark.parametrize("open_to", ["all", "users", "members"])
@pytest.mark.parametrize("deletes", [True, False])
def test_what_whoever_registers_is_shown_and_may_delete_weighs_less(open_to: str, deletes: bool) -> None:
    """Those to whom things are open that somebody new is not shown are a team, and what nobody but its maker deletes is a wiki."""
    cards = Cards(public=True, owner=False).add("/cards/<int:card_id>", "PUT", rename)

    def end(card_id: int) -> Any:
        card = cards.cards.get(card_id, {"user_id": 0})
        if not cards.caller() or (not deletes and card["user_id"] != cards.number(cards.caller())):
            return jsonify(error="no"), 401 if not cards.caller() else 403
        return jsonify(ok=bool(cards.cards.pop(card_id, None)))

    def one(card_id: int) -> Any:
        if (open_to != "all" and not cards.caller()) or card_id not in cards.cards:
            return jsonify(error="no"), 401 if card_id in cards.cards else 404
        if open_to == "members" and list(cards.people).index(cards.caller()) > 2:
            return jsonify(error="no"), 403
        return jsonify(cards.shown(cards.cards[card_id]))

    cards.app.add_url_rule("/cards/<int:card_id>", "one", one)
    cards.app.add_url_rule("/cards/<int:card_id>", "end", end, methods=["DELETE"])
    cards.app.add_url_rule("/me", "me", lambda: jsonify(username=cards.caller()) if cards.caller() else ("", 401))
    found = cards.described("/cards/create", LABEL).judged()
    told = {ref.method for ref in found.routes} if found.outcome == "fail" else set[str]()
    assert told == ({"PUT", "DELETE"} if deletes and open_to != "members" else set()), found.message
    assert found.severity == ("medium" if told else None)


@pytest.mark.parametrize("asks", [True, False])
def test_a_change_that_takes_a_number_alone_says_another_one(asks: bool) -> None:
    """What a document calls a number is made with 1, and sent as 1 it changes nothing."""

    def limit(card: dict[str, Any]) -> Any:
        card["limit"] = float(request.get_json()["card_limit"])
        return {"ok": True}

    cards = Cards(asks=asks).add("/cards/<int:card_id>/update-limit", "POST", limit)
    create = cards.app.view_functions["create"]

    def created() -> Any:
        answer = create()
        for one in cards.cards.values():
            one.setdefault("limit", float(request.get_json()["card_limit"]))
        return answer

    cards.app.view_functions["create"] = created
    numbers = {"label": {"type": "string"}, "card_limit": {"type": "number"}}
    paths = {
        path: {
            "post": {
                "responses": {},
                "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": fields}}}},
            }
        }
        for path, fields in (
            ("/cards/create", numbers),
            ("/cards/{card_id}/update-limit", {"card_limit": {"type": "number"}}),
        )
    }
    document = {"openapi": "3.0.3", "info": {"title": "cards", "version": "1"}, "paths": paths}
    cards.app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    found = cards.judged()
    assert (found.outcome == "fail") is not asks, found.message


def test_what_others_do_about_a_thing_that_all_see_is_none() -> None:
    def like(card: dict[str, Any]) -> Any:
        card["likes"] = card.get("likes", 0) + 1
        return {"ok": True}

    assert Cards(public=True).add("/cards/<int:card_id>/like", "POST", like).judged().outcome != "fail"
    assert Cards(public=True).add("/cards/<int:card_id>/move", "POST", like).judged().outcome != "fail"


@pytest.mark.parametrize(
    ("path", "method"), [("/cards/like/<int:card_id>", "POST"), ("/cards/comments/<int:card_id>", "PUT")]
)
def test_what_others_do_about_a_thing_is_none_wherever_its_number_stands(path: str, method: str) -> None:
    assert Cards().add(path, method, freeze).judged().outcome != "fail"


def test_an_answer_that_is_the_same_under_every_id_shows_nothing_of_anybody() -> None:
    found = Cards().add("/cards/<int:card_id>/history", "GET", lambda card: {"history": []})

    def view(card_id: int) -> Any:
        return (jsonify(history=[]), 200) if found.caller() else (jsonify(error="no"), 401)

    found.app.view_functions["GET /cards/<int:card_id>/history"] = view
    assert found.judged().outcome != "fail"


def test_a_thing_whose_shape_changes_at_each_look_proves_nothing() -> None:
    cards = Cards()
    looks = itertools.count()

    def seen(card: dict[str, Any]) -> Any:
        return {**card, "looked": next(looks)}

    cards.add("/cards/<int:card_id>", "GET", seen).add("/cards/<int:card_id>/ping", "POST", lambda card: {"ok": True})
    assert ("POST", "/cards/{card_id}/ping") not in {(ref.method, ref.path) for ref in cards.judged().routes}


@pytest.mark.parametrize("asks", [True, False])
def test_whose_data_is_wanted_stands_in_the_query(asks: bool) -> None:
    cards = Cards()

    @cards.app.get("/statement")
    def statement() -> Any:
        whose = request.args.get("user_id", type=int)
        if not cards.caller():
            return jsonify(error="no"), 401
        if asks and whose != cards.number(cards.caller()):
            return jsonify(error="no"), 403
        known = [name for name in cards.people if cards.number(name) == whose]
        return (jsonify(statement=f"statement of {known[0]}"), 200) if known else (jsonify(error="not found"), 404)

    found = cards.described("/statement", QUERY).judged()
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [ref.path for ref in found.routes] == ["/statement"]


def test_a_number_in_the_query_that_the_view_does_not_look_at_is_none() -> None:
    cards = Cards()

    @cards.app.get("/statement")
    def statement() -> Any:
        request.args.get("user_id")
        return (jsonify(statement=f"of {cards.caller()}"), 200) if cards.caller() else (jsonify(error="no"), 401)

    assert cards.described("/statement", QUERY).judged().outcome != "fail"


@pytest.mark.parametrize("takes_owner", [True, False])
def test_what_is_kept_in_the_name_of_another(takes_owner: bool) -> None:
    cards = Cards()
    cards.takes_owner = takes_owner
    cards.add("/cards/<int:card_id>", "GET", lambda card: card)
    cards.asks = True
    cards.described(
        "/cards/create",
        {"post": {"responses": {}, "requestBody": {"content": {"application/json": {"schema": BODY}}}}},
    )
    found = cards.judged()
    assert (found.outcome == "fail") is takes_owner, found.message
    assert not takes_owner or [ref.path for ref in found.routes] == ["/cards/create"]


@pytest.mark.parametrize("asks", [False, True])
def test_somebody_stores_something_in_what_is_anothers(asks: bool) -> None:
    cards = Cards(asks=asks)
    remarks: dict[int, list[str]] = {}

    def remark(card: dict[str, Any]) -> Any:
        remarks.setdefault(card["id"], []).append(str(request.get_json()["text"]))
        return {"ok": True}

    cards.add("/cards/<int:card_id>", "GET", lambda card: {"id": card["id"], "owner": "hidden"})
    cards.add("/cards/<int:card_id>/remarks", "GET", lambda card: remarks.get(card["id"], []))
    cards.add("/cards/<int:card_id>/remarks", "POST", remark)
    told = {(ref.method, ref.path.rpartition("/")[2]) for ref in cards.judged().routes}
    assert (("POST", "remarks") in told) is not asks


@pytest.mark.parametrize("asks", [False, True])
def test_a_member_of_which_only_the_path_and_the_refusal_speak_is_changed_by_another(asks: bool) -> None:
    cards = Cards(asks=asks)

    def grade(card: dict[str, Any]) -> Any:
        if "grade" not in request.get_json():
            abort(400, "grade is wanted")
        card["grade"] = request.get_json()["grade"]
        return {"ok": True}

    cards.add("/cards/<int:card_id>", "GET", lambda card: {"grade": None, **card})
    cards.add("/cards/<int:card_id>/grade", "POST", grade)
    told = {(ref.method, ref.path.rpartition("/")[2]) for ref in cards.judged().routes}
    assert (("POST", "grade") in told) is not asks


@pytest.mark.parametrize("open_to_make", [False, True])
def test_what_a_known_caller_made_is_changed_by_nobody(open_to_make: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where anybody may make such things, they may be anybody's."""
    cards = Cards(public=True)

    def change(card_id: int) -> Any:
        cards.cards[card_id]["label"] = str(request.get_json()["label"])
        return jsonify(ok=True)

    cards.app.add_url_rule("/cards/<int:card_id>", "change", change, methods=["PUT"])
    if open_to_make:
        known = cards.caller
        monkeypatch.setattr(cards, "caller", lambda: known() or next(iter(cards.people), ""))
    found = cards.judged()
    assert [(ref.method, ref.path) for ref in found.routes] == ([] if open_to_make else [("PUT", "/cards/{card_id}")])


@pytest.mark.parametrize("public", [False, True])
def test_what_is_said_to_a_thing_that_nobody_else_sees_is_read_by_another(public: bool) -> None:
    """To a card that all see others say something; to one that is in no other list they have nothing to say."""
    cards = Cards(public=public)
    cards.add("/cards/<int:card_id>/messages", "GET", lambda card: {"messages": [f"code of {card['label']}"]})
    found = [ref.path.rpartition("/")[2] for ref in cards.judged().routes]
    assert found == ([] if public else ["messages"])


@pytest.mark.parametrize(("hidden", "told"), [("text", False), ("secret", True)])
def test_what_a_list_for_all_leaves_out_is_told_where_it_is_a_secret(hidden: str, told: bool) -> None:
    """A forum lists titles and shows the text to who opens it; what is called a secret is shown to nobody else."""
    cards = Cards(public=True)
    said: dict[int, str] = {}

    def create() -> Any:
        sent, number = request.get_json(), len(cards.cards) + 1
        cards.cards[number] = {"id": number, "label": str(sent["label"]), "user_id": cards.number(cards.caller())}
        said[number] = str(sent[hidden])
        return jsonify(id=number), 201

    cards.app.view_functions["create"] = create
    cards.add("/cards/<int:card_id>", "GET", lambda card: {**card, hidden: said[card["id"]]})
    body = {"type": "object", "properties": {"label": {"type": "string"}, hidden: {"type": "string"}}}
    known = {"post": {"responses": {}, "requestBody": {"content": {"application/json": {"schema": body}}}}}
    assert (cards.described("/cards/create", known).judged().outcome == "fail") is told
