"""A change below a thing's id answers with the whole thing: what nobody should set is written beside what was asked for, or is not."""

import itertools
from typing import Any

import pytest
from flask import jsonify, request
from tests.rules.toy_people import ToyPeople

from stopper.core.finding import Verdict
from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule


class Cards(ToyPeople):
    """Cards of people, each with a limit that its owner changes at ``/cards/{number}/update-limit``, where more may be *kept*."""

    def __init__(self, method: str, keeps: str) -> None:
        super().__init__("cards")
        self.method, self.keeps, self.cards, self.funded = method, keeps, dict[int, dict[str, Any]](), 0
        numbers = itertools.count(1)

        @self.app.post("/cards")
        def new_card() -> Any:
            sent, number = request.get_json(), next(numbers)
            card = {"id": number, "owner": self.caller(), "label": sent["label"], "daily": 100.0, "is_frozen": False}
            self.cards[number] = {**card, "current_balance": sent.get("current_balance", 0.0)}
            return jsonify(self.cards[number]), 201

        @self.app.get("/cards")
        def cards() -> Any:
            return jsonify([one for one in self.cards.values() if one["owner"] == self.caller()])

        self.app.add_url_rule("/cards/<int:number>/update-limit", "limit", self.limit, methods=[method])

        @self.app.post("/cards/<int:number>/fund")
        def fund(number: int) -> Any:
            if self.cards.get(number, {}).get("owner") != self.caller():
                return jsonify(error="no"), 404
            self.cards[number]["current_balance"] += float(request.get_json()["amount"])
            self.funded += 1
            return jsonify(self.cards[number])

    def limit(self, number: int) -> Any:
        sent, card = request.get_json(), self.cards.get(number, {})
        if card.get("owner") != self.caller() or "daily" not in sent:
            return jsonify(error="no"), 404
        if self.keeps == "refuses" and set(sent) != {"daily"}:
            return jsonify(error="unknown member"), 400
        card.update(sent if self.keeps == "all" else {"daily": sent["daily"]})
        card["current_balance"] += 1 if self.keeps in ("counts", "refuses") else 0
        return jsonify({**card, **sent} if self.keeps == "echo" else card)

    def verdict(self, **made: str) -> Verdict:
        rule = find("mass-assignment")
        number = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
        below = {"parameters": [number], self.method.lower(): taking(daily="number")}
        paths: dict[str, Any] = {
            "/cards": {"get": {"responses": {}}, "post": taking(label="string", **made)},
            "/cards/{number}/fund": {"parameters": [number], "post": taking(amount="number")},
            "/cards/{number}/update-limit": below,
        }
        document: dict[str, Any] = {"openapi": "3.0.3", "info": {"title": "cards", "version": "1"}, "paths": paths}
        self.app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
        assert rule is not None
        return try_rule(rule, self.app)


def taking(**types: str) -> dict[str, Any]:
    schema = {"type": "object", "required": list(types), "properties": {one: {"type": types[one]} for one in types}}
    return {"responses": {}, "requestBody": {"content": {"application/json": {"schema": schema}}}}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_what_nobody_should_set_is_written_beside_a_limit(method: str) -> None:
    bank = Cards(method, "all")
    found = bank.verdict()
    assert (found.outcome, [str(ref) for ref in found.routes]) == ("fail", [f"{method} /cards/{{number}}/update-limit"])
    assert "current_balance" in found.message


@pytest.mark.parametrize("keeps", ["its own", "echo", "counts", "refuses"])
def test_a_change_that_keeps_to_its_members_is_none(keeps: str) -> None:
    """It writes its own member alone; says back what it was sent and keeps nothing of it; a number grows by itself; strangers are refused."""
    assert Cards("POST", keeps).verdict().outcome != "fail"


def test_what_a_caller_says_of_a_new_card_is_free_to_be_said_later() -> None:
    assert Cards("POST", "all").verdict(current_balance="number").outcome != "fail"


def test_no_money_is_moved_to_a_card_of_the_scan() -> None:
    bank = Cards("POST", "its own")
    bank.verdict()
    assert bank.funded == 0
