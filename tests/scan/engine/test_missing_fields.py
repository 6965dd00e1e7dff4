"""An API that says which input is missing gets it with the next request."""

import json
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.app import App, Route
from stopper.core.exchange import Response
from stopper.core.probing.told_missing import missing_in
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.surface.missing_fields import learn_fields
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


def answer(said: Any, status: int = 400) -> Response:
    if isinstance(said, str):
        return Response(status, (("Content-Type", "text/html"),), said.encode())
    return Response(status, (("Content-Type", "application/json"),), json.dumps(said).encode())


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"error": "missing field 'search'"}, ("search",)),
        ({"message": {"name": "required"}}, ("name",)),
        ({"message": {"rate": "Missing required parameter in the JSON body"}}, ("rate",)),
        ({"errors": {"json": {"title": ["Missing data for required field."]}}}, ("title",)),
        ({"detail": [{"loc": ["body", "age"], "msg": "Field required", "type": "missing"}]}, ("age",)),
        ({"validation_error": {"body_params": [{"loc": ["age"], "msg": "Field required"}]}}, ("age",)),
        ({"error": "'name' is a required property"}, ("name",)),
        ({"error": "Username and password are required"}, ("username", "password")),
        ({"error": "Missing required fields: title, body"}, ("title", "body")),
        ({"error": "title is required"}, ("title",)),
        ({"message": "Please provide a url"}, ("url",)),
        ({"error": "No filename provided"}, ("filename",)),
        ({"error": "'query'"}, ("query",)),
        ("<title>400</title><p>Missing parameter: host</p>", ("host",)),
        ("KeyError: 'host'", ("host",)),
        ("<title>KeyError: &#39;coach&#39;\n // Werkzeug Debugger</title>" + "<p>line</p>" * 2000, ("coach",)),
        (
            "<title>werkzeug.exceptions.BadRequestKeyError: 400 Bad Request: The browser (or proxy) sent what is not understood.\nKeyError: &#39;f&#39;\n"
            " // Werkzeug Debugger</title>" + "<p>line</p>" * 2000,
            ("f",),
        ),
        ("<title>400 Bad Request</title><p>not understood.\nKeyError: &#39;email&#39;</p>", ("email",)),
        ({"error": "fromAccount is required"}, ("fromAccount",)),
        ({"code": "E400", "detail": "missing fields", "fields": ["name", "secret"]}, ("name", "secret")),
        ({"missing": ["title", "body"]}, ("title", "body")),
    ],
)
def test_the_names_are_read_from_what_frameworks_and_people_write(said: Any, names: tuple[str, ...]) -> None:
    assert missing_in(answer(said)) == names


@pytest.mark.parametrize(
    "said",
    [
        {"error": "Bad request"},
        {"message": "Authentication required"},
        {"error": "request body is required"},
        {"message": "Invalid JSON"},
        {"errors": {"age": ["Not a valid integer."]}},
        [],
        "",
        {"error": "x" * 5000},
    ],
)
def test_what_names_no_input_gives_none(said: Any) -> None:
    assert missing_in(answer(said)) == ()


def test_words_made_of_ands_and_ors_hold_nobody_up() -> None:
    """One word could be split in more ways than anybody can try."""
    assert missing_in(answer({"error": f"{'or' * 60} expected"})) == ()
    assert missing_in(answer({"error": "Username and password are required"})) == ("username", "password")


def test_only_a_refusal_of_the_request_is_read() -> None:
    assert missing_in(answer({"error": "name is required"}, 401)) == ()
    assert missing_in(answer({"error": "name is required"}, 200)) == ()


def shop() -> Flask:
    app = Flask("shop")

    @app.post("/find")
    def find() -> Any:
        sent = request.get_json()
        for name in ("search", "kind"):
            if name not in sent:
                return jsonify(error=f"missing field '{name}'"), 400
        return jsonify(found=[])

    @app.get("/look")
    def look() -> Any:
        if "host" not in request.args:
            return jsonify(error="host is required"), 400
        return jsonify(host="up")

    @app.post("/odd")
    def odd() -> Any:
        return jsonify(error="missing field 'tenant'"), 400

    return app


def model(*pairs: tuple[str, str]) -> App:
    return App(routes=tuple(Route(path, (method,), readers=frozenset({"wire"})) for method, path in pairs))


def test_what_is_named_is_sent_until_the_view_is_content() -> None:
    courier, honest = Courier(WsgiTransport(shop()), mode="active"), HonestRequests()
    known = model(("POST", "/find"), ("GET", "/look"))
    learn_fields(known, courier, honest, ())
    assert set(honest.body(known.routes[0])) == {"search", "kind"}
    assert "host=" in honest(known.routes[1], "GET").target
    assert courier.carry(honest(known.routes[0], "POST")).response.succeeded
    assert courier.carry(honest(known.routes[1], "GET")).response.succeeded


def test_a_name_that_helps_nothing_is_forgotten_and_a_known_body_is_not_asked() -> None:
    courier, honest = Courier(WsgiTransport(shop()), mode="active"), HonestRequests()
    learn_fields(model(("POST", "/odd")), courier, honest, ())
    assert honest.learned == {}
    assert courier.sent == 2
    learn_fields(App(routes=(Route("/odd", ("POST",), fields=("a",)),)), courier, honest, ())
    assert courier.sent == 2


def test_a_scan_that_may_not_write_learns_of_reading_routes_only() -> None:
    courier, honest = Courier(WsgiTransport(shop()), mode="default"), HonestRequests()
    learn_fields(model(("POST", "/find"), ("GET", "/look")), courier, honest, ())
    assert (honest.learned, honest.learned_query) == ({}, {"/look": ("host",)})


def test_a_document_tells_the_query_and_a_thing_needs_none() -> None:
    courier, honest = Courier(WsgiTransport(shop()), mode="active"), HonestRequests()
    described = Route("/look", ("GET",), readers=frozenset({"spec"}))
    thing = Route("/look/{id}", ("GET",), parameters=(("id", "int"),), readers=frozenset({"wire"}))
    learn_fields(App(routes=(described, thing)), courier, honest, ())
    assert courier.sent == 0
