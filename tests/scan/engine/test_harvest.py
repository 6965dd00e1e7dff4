"""Ids of things come from the things: what an answer says about them holds none."""

import json
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.app import App, Route
from stopper.core.exchange import Response
from stopper.scan.surface.harvest import harvested, ids_in
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


def ids(said: object) -> list[str]:
    return list(ids_in(Response(200, (("Content-Type", "application/json"),), json.dumps(said).encode()), "pk"))


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"label_columns": {"id": "Id"}, "list_title": {"name": "List"}, "result": [{"id": 7}]}, ["7"]),
        ({"label_columns": {"id": "Id"}, "result": []}, []),
        ({"owner": {"id": 3}, "items": [{"pk": "a"}]}, ["3", "a"]),
        ([{"slug": "one"}], ["one"]),
        ({"data": {"id": 5}}, ["5"]),
    ],
)
def test_ids(said: object, wanted: list[str]) -> None:
    assert ids(said) == wanted


def test_a_list_is_asked_once_however_many_routes_stand_beside_it() -> None:
    app = Flask("things")
    app.add_url_rule("/things", "listed", lambda: jsonify(things=[]), methods=["GET", "POST"])
    routes = [Route("/things", (method,)) for method in ("GET", "POST")]
    routes += [
        Route(f"/things/{{thing_id}}{rest}", ("GET",), parameters=(("thing_id", "int"),)) for rest in ("", "/a", "/b")
    ]
    courier = Courier(WsgiTransport(app), mode="active")
    assert harvested(App(routes=tuple(routes)), courier, HonestRequests(), ()) == {}
    assert courier.sent <= 3


def test_a_thing_is_made_of_what_things_of_its_kind_show() -> None:
    """Nothing that the server says by itself, as an id, whose it is and when it was made."""
    app, made = Flask("courses"), list[object]()
    known = {"id": 1, "name": "Yoga", "seats": 12, "owner_id": 3, "created_at": "2026-01-01"}
    app.add_url_rule("/courses", "listed", lambda: jsonify([known]))

    @app.post("/courses")
    def make() -> Any:
        made.append(request.get_json())
        return jsonify({**known, **request.get_json(), "id": 2}), 201

    routes = [Route("/courses", ("GET", "POST")), Route("/courses/{id}", ("GET",), parameters=(("id", "int"),))]
    honest = HonestRequests(canary="stp")
    harvested(App(routes=tuple(routes)), Courier(WsgiTransport(app), mode="active"), honest, ())
    assert json.loads(honest(routes[0], "POST").body) == {"name": "text stp", "seats": 12}
