"""A profile that holds what its owner's list alone shows is no profile for all."""

from typing import Any

import pytest
from flask import abort, jsonify, request, session
from tests.rules.test_two_given_people import Two, body
from tests.rules.test_what_small_products_hide import READS, by_id, told
from tests.rules.toy_people import ToyPeople


@pytest.mark.parametrize(("asks", "listed_to_all"), [(False, False), (True, False), (False, True)])
def test_a_profile_with_things_that_no_list_shows_to_others(asks: bool, listed_to_all: bool) -> None:
    two = Two("meals")
    meals = {1: [{"id": 11, "name": "soup"}], 2: [{"id": 12, "name": "rice"}]}

    @two.app.get("/meals")
    def own_meals() -> Any:
        me = two.caller()
        return jsonify([*meals[1], *meals[2]] if listed_to_all else meals[me])

    @two.app.get("/users/<int:id>")
    def profile(id: int) -> Any:
        me = two.caller()
        if id not in meals or (asks and id != me):
            abort(404)
        return jsonify(id=id, username=two.people[id]["name"], meals=meals[id])

    paths: dict[str, Any] = {"/meals": READS, "/me": READS, "/users/{id}": by_id("get")}
    found = two.judged(**paths)
    assert told(found) == ({"GET /users/{id}"} if not asks and not listed_to_all else set()), found.message


def test_a_session_that_says_who_somebody_is_counts_beside_a_route_that_tells_all_the_same() -> None:
    people, orders = ToyPeople("orders"), {1: "lamp of ann", 2: "rice of ben"}
    people.app.secret_key = "only for this test"
    names: dict[str, int] = {}

    def enter() -> Any:
        sent = request.get_json()
        if people.passwords.get(sent.get("username"), "") != sent.get("password"):
            abort(401)
        session["user_id"] = names.setdefault(sent["username"], len(names) + 1)
        orders.setdefault(session["user_id"], f"chair number {len(names)}")
        return jsonify(id=1), 201

    @people.app.get("/check_session")
    def check() -> Any:
        return jsonify(id=1) if "user_id" in session else abort(401)

    @people.app.get("/users/<int:user_id>/orders")
    def of(user_id: int) -> Any:
        return jsonify([{"what": orders[user_id]}] if user_id in orders else []) if "user_id" in session else abort(401)

    people.app.view_functions["login"] = enter
    account = {"post": body(username="string", password="string")}
    orders_of = by_id("get")
    orders_of["get"]["parameters"][0]["name"] = "user_id"
    paths: dict[str, Any] = {"/register": account, "/login": account, "/check_session": READS}
    found = people.judged(**paths, **{"/users/{user_id}/orders": orders_of})
    assert told(found) == {"GET /users/{user_id}/orders"}, found.message
