"""What a thing costs and what becomes of it is not for its owner to say, where a document names what is."""

from typing import Any

import pytest
from flask import abort, jsonify, request
from tests.rules.toy_people import ToyPeople

from stopper.core.finding import Verdict
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULE = next(rule for rule in load() if rule.slug == "mass-assignment")


def judged(kept: tuple[str, ...], *, told: tuple[str, ...] = ("item",)) -> Verdict:
    """What the rule says of orders of which the members *kept* are written and the members *told* are in the document."""
    toy, orders = ToyPeople("orders"), list[dict[str, Any]]()

    def said() -> dict[str, Any]:
        sent = request.get_json()
        return {name: sent[name] for name in kept if name in sent}

    def mine(number: int) -> dict[str, Any]:
        one = orders[number - 1] if 0 < number <= len(orders) else abort(404)
        return one if one["owner"] == toy.caller() else abort(404)

    @toy.app.post("/orders")
    def order() -> Any:
        first = {"id": len(orders) + 1, "owner": toy.caller(), "item": request.get_json()["item"]}
        orders.append({**first, "total_price": 12.5, "status": "pending"})
        return jsonify(orders[-1]), 201

    @toy.app.get("/orders/<int:number>")
    def shown(number: int) -> Any:
        return jsonify(mine(number))

    @toy.app.put("/orders/<int:number>")
    def change(number: int) -> Any:
        one = mine(number)
        one.update(said())
        return jsonify(one)

    def body(*names: str) -> dict[str, Any]:
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
        return {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}}

    one = {"parameters": [{"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}]}
    paths = {
        "/register": {"post": body("username", "password")},
        "/login": {"post": body("username", "password")},
        "/orders": {"post": body("item")},
        "/orders/{number}": {**one, "get": {"responses": {}}, "put": body(*told)},
    }
    document = {"openapi": "3.0.3", "info": {"title": "orders", "version": "1"}, "paths": paths}
    toy.app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    return try_rule(RULE, toy.app)


@pytest.mark.parametrize("kept", [("item", "total_price"), ("item", "status")])
def test_what_others_decide_is_told_where_it_is_written(kept: tuple[str, ...]) -> None:
    verdict = judged(kept)
    assert verdict.outcome == "fail", verdict.message
    assert kept[1] in verdict.message


def test_what_a_document_lets_the_caller_say_is_none() -> None:
    assert judged(("item",)).outcome == "pass"
    assert judged(("item", "status"), told=("item", "status")).outcome == "pass"
