"""What was there and grows by every POST gets one, and no text that is meant to break something."""

import json
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.exchange import Request
from stopper.core.probe import Skipped
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


def carts() -> tuple[Flask, dict[int, list[Any]], dict[int, str]]:
    """Carts that take whatever is added and fail of texts, tickets that take another text, and notes that are told to be read."""
    app = Flask("carts")
    held: dict[int, list[Any]] = {1: [], 2: []}
    titles = {1: "first"}

    @app.post("/cart")
    def make() -> Any:
        held[max(held) + 1] = []
        return jsonify(id=max(held)), 201

    @app.get("/cart/<int:number>")
    def cart(number: int) -> Any:
        return jsonify(id=number, total=sum(map(int, held[number])))

    @app.post("/cart/<int:number>")
    @app.post("/cart/<int:number>/add")
    def add(number: int) -> Any:
        held[number].append(request.get_json()["thing"])
        return jsonify(request.get_json())

    @app.post("/tickets/<int:number>")
    def rename(number: int) -> Any:
        titles[number] = request.get_json()["title"]
        return jsonify(ok=True)

    @app.get("/tickets/<int:number>")
    def ticket(number: int) -> Any:
        return jsonify(id=number, title=titles[number])

    return app, held, titles


def post(target: str, **members: object) -> Request:
    return Request("POST", target, (("Content-Type", "application/json"),), json.dumps(members).encode(), "write")


@pytest.mark.parametrize("below", ["", "/add"])
def test_a_thing_of_somebodys_that_grows_is_sent_nothing_more(below: str) -> None:
    app, held, _ = carts()
    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(post(f"/cart/1{below}", thing=1))
    for number in (1, 2):
        with pytest.raises(Skipped, match="nothing takes back"):
            courier.carry(post(f"/cart/{number}{below}", thing="' OR 'a'='a"))
    courier.put_back()
    assert held == {1: [1], 2: []}
    assert courier.unlike == {f"POST /cart/1{below}": ["total"]}


def test_a_thing_that_cannot_be_shown_any_more_is_left_alone() -> None:
    app, held, _ = carts()
    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(post("/cart/1", thing="' OR 'a'='a"))
    with pytest.raises(Skipped, match="could not be read any more"):
        courier.carry(post("/cart/1", thing=1))
    assert held[1] == ["' OR 'a'='a"]


def test_the_scans_own_thing_takes_all_that_is_sent() -> None:
    app, held, _ = carts()
    courier = Courier(WsgiTransport(app), mode="active")
    courier.carry(Request("POST", "/cart", effect="write"))
    for thing in (1, "'", "<b>"):
        courier.carry(post("/cart/3", thing=thing))
    assert held[3] == [1, "'", "<b>"]


def test_what_a_post_says_and_can_say_again_goes_on() -> None:
    app, _, titles = carts()
    courier = Courier(WsgiTransport(app), mode="active")
    for title in ("second", "'", "<b>", "fifth"):
        courier.carry(post("/tickets/1", title=title))
    assert titles == {1: "fifth"}
    courier.put_back()
    assert (titles, courier.unlike) == ({1: "first"}, {})
