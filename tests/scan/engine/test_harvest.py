"""Ids of things come from the things: what an answer says about them holds none."""

import json

import pytest
from flask import Flask, jsonify

from stopper.core.app import App, Route
from stopper.core.exchange import Response
from stopper.scan.harvest import harvested, ids_in
from stopper.scan.honest import HonestRequests
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
