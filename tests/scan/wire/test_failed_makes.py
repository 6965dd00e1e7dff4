"""What was made by a request that an error of the server answered is named where its list shows it, and nothing else there."""

import json
from typing import Any

import pytest
from flask import Flask, abort, jsonify, request

from stopper.core.app import App
from stopper.core.exchange import Request
from stopper.scan.staying import left_behind
from stopper.scan.survey import tidy
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

TEXT = "stp0a1b2c3d4e"


def orders(keeps: bool, listed: bool = True) -> Flask:
    """Orders whose mail cannot be sent, and one that was there."""
    app, kept = Flask("orders"), list[Any]([{"id": 1, "item": "lamp"}])

    @app.post("/orders")
    def order() -> Any:
        if keeps:
            kept.append({"id": len(kept) + 1, **request.get_json()})
        abort(500)

    @app.get("/orders")
    def all_orders() -> Any:
        return jsonify(kept) if listed else abort(403)

    return app


def order(item: str) -> Request:
    return Request(
        "POST", "/orders", (("Content-Type", "application/json"),), json.dumps({"item": item}).encode(), "write"
    )


@pytest.mark.parametrize(
    ("app", "number"), [(orders(keeps=True), "2 things"), (orders(keeps=False), ""), (orders(True, listed=False), "")]
)
def test_what_a_failed_request_has_made_is_named(app: Flask, number: str) -> None:
    courier = Courier(WsgiTransport(app), mode="active")
    for item in (f"{TEXT} a", f"{TEXT} b"):
        courier.carry(order(item))
    tidy(App(), courier)
    told = [f"{one.what}: {one.reason}" for one in left_behind(courier)]
    said = f"POST /orders: the server failed, and {number} with texts of this scan stayed at GET /orders"
    assert told == ([said] if number else [])
