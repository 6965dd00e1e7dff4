"""What a document says to be a form goes as a form, and nothing else does."""

import json
from urllib.parse import parse_qsl

from flask import Flask, jsonify, request

from stopper.core.app import Route
from stopper.core.exchange import Request
from stopper.scan.spec.read import read_spec
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.form_doors import FORM, FormDoors
from stopper.scan.wire.wsgi import WsgiTransport

_JSON = (("Content-Type", "application/json"),)


def _swagger(kind: str) -> str:
    field = {"name": "email", "in": kind, "type": "string"}
    body = {"name": "payload", "in": "body", "schema": {"type": "object"}}
    paths = {"/people/{id}": {"put": {"parameters": [field] if kind == "formData" else [body], "responses": {}}}}
    return json.dumps({"swagger": "2.0", "info": {}, "paths": paths})


def _openapi(*kinds: str) -> str:
    content = {kind: {"schema": {"type": "object", "properties": {"email": {"type": "string"}}}} for kind in kinds}
    return json.dumps(
        {"openapi": "3.0.0", "info": {}, "paths": {"/people": {"post": {"requestBody": {"content": content}}}}}
    )


def test_a_document_tells_forms_from_json() -> None:
    assert [route.takes_form for route in read_spec(_swagger("formData"), "x")[1]] == [True]
    assert [route.takes_form for route in read_spec(_swagger("body"), "x")[1]] == [False]
    assert [route.takes_form for route in read_spec(_openapi(FORM), "x")[1]] == [True]
    assert [route.takes_form for route in read_spec(_openapi("multipart/form-data", "application/json"), "x")[1]] == [
        False
    ]


def test_only_json_objects_for_such_a_route_are_rewritten() -> None:
    doors = FormDoors.of([Route("/people/{id}", ("PUT",), takes_form=True), Route("/notes", ("POST",))])
    sent = doors.dressed(
        Request("PUT", "/people/7", _JSON, b'{"a": "x y", "n": 1, "on": true, "no": null, "l": [1]}', "write")
    )
    assert sent.header("Content-Type") == FORM
    assert dict(parse_qsl(sent.body.decode(), keep_blank_values=True)) == {
        "a": "x y",
        "n": "1",
        "on": "true",
        "no": "",
        "l": "[1]",
    }
    for kept in (
        Request("POST", "/notes", _JSON, b"{}", "write"),
        Request("POST", "/people/7", _JSON, b"{}", "write"),
        Request("PUT", "/people/7/more", _JSON, b"{}", "write"),
        Request("PUT", "/people/7", _JSON, b"{broken", "write"),
        Request("PUT", "/people/7", _JSON, b"[1]", "write"),
        Request("PUT", "/people/7", (("Content-Type", "text/plain"),), b"{}", "write"),
    ):
        assert doors.dressed(kept) is kept


def test_the_courier_sends_it_so() -> None:
    app = Flask(__name__)
    app.add_url_rule("/people", "people", lambda: jsonify(dict(request.form)), methods=["POST"])
    courier = Courier(WsgiTransport(app), mode="active")
    courier.forms = FormDoors.of([Route("/people", ("POST",), takes_form=True)])
    body = Request("POST", "/people", _JSON, b'{"email": "a@example.com"}', "write")
    assert courier.carry(body).response.json() == {"email": "a@example.com"}
    assert [one.response.json() for one in courier.carry_together([body, body])] == [{"email": "a@example.com"}] * 2
