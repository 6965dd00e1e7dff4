"""What refusals say of values is kept, so that a thing can be made whose members are no texts."""

import json
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.app import App, Route
from stopper.core.exchange import Response
from stopper.core.probing.told_values import values_told
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.surface.missing_fields import learn_fields
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ({"errors": {"stock": ["Not a valid integer."]}}, 1),
        ({"detail": [{"loc": ["body", "stock"], "msg": "Input should be a valid number"}]}, 1),
        ({"error": "stock must be a positive number"}, 1),
        ({"errors": {"stock": ["Must be one of: few, many, none."]}}, "few"),
        ({"message": {"stock": "stock must be a boolean"}}, False),
        ({"errors": {"stock": ["Not a valid datetime."]}}, "2030-01-01T10:00:00"),
        ({"errors": {"json": {"stock": ["Not a valid list."]}}}, []),
        ({"errors": {"stock": ["Longer than maximum length 6."]}}, "canary"),
        ({"error": "no such thing"}, None),
        ({"errors": {"price": ["Not a valid number."]}}, None),
    ],
)
def test_a_refusal_says_what_a_value_is(answer: object, value: object) -> None:
    told = values_told({"stock": "text canary"}, Response(400, (), json.dumps(answer).encode()), "canary")
    assert told.get("stock") == value


def test_a_thing_is_made_as_refusals_tell() -> None:
    app, made = Flask("shop"), list[Any]()

    @app.post("/products")
    def create() -> Any:
        sent = request.get_json()
        wrong = {name: ["Missing data for required field."] for name in ("name", "stock", "kind") if name not in sent}
        if not wrong and type(sent["stock"]) is not int:
            wrong["stock"] = ["Not a valid integer."]
        if not wrong and sent["kind"] not in ("book", "toy"):
            wrong["kind"] = ["Must be one of: book, toy."]
        if wrong:
            return jsonify(errors=wrong), 400
        made.append(sent)
        return jsonify(id=len(made)), 201

    honest = HonestRequests(canary="canary")
    route = Route("/products", ("POST",), readers=frozenset({"wire"}))
    learn_fields(App(routes=(route,)), Courier(WsgiTransport(app), mode="active"), honest, ())
    assert made == [{"name": "text canary", "stock": 1, "kind": "book"}] == [honest.body(route)]
