"""An operation that nothing serves, and a view that answers 404 itself because it was not told which thing is meant."""

from typing import Any

import pytest
from flask import Flask, abort, jsonify, request

from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULE = next(rule for rule in load() if rule.slug == "ghost-or-zombie-route")


@pytest.mark.parametrize("served", [True, False])
def test_a_view_that_answers_404_itself_is_no_ghost(served: bool) -> None:
    app = Flask("letters")
    app.register_error_handler(404, lambda _: (jsonify(error="not found"), 404))

    def letter() -> Any:
        return jsonify(id=5) if request.args.get("id") == "5" else abort(404)

    if served:
        app.add_url_rule("/letter", "letter", letter)
    said = {
        "openapi": "3.0.3",
        "info": {"title": "letters", "version": "1"},
        "paths": {"/letter": {"get": {"responses": {}}}},
    }
    app.add_url_rule("/openapi.json", "document", lambda: jsonify(said))
    assert (try_rule(RULE, app).outcome == "fail") is not served


@pytest.mark.parametrize("path", ["/api/v1/parcels/<number>", "/api/v3/parcels/<number>", "/api/v1/depots"])
def test_an_older_version_that_the_document_leaves_out_is_told(path: str) -> None:
    app = Flask("parcels")
    for place in ("/api/v2/parcels/<number>", path):
        app.add_url_rule(place, place, lambda **_: jsonify(state="on its way"))
    shown = [{"name": "number", "in": "path", "required": True, "schema": {"type": "string"}}]
    said = {
        "openapi": "3.0.3",
        "info": {"title": "parcels", "version": "2"},
        "paths": {"/api/v2/parcels/{number}": {"get": {"parameters": shown, "responses": {}}}},
    }
    app.add_url_rule("/openapi.json", "document", lambda: jsonify(said))
    found = try_rule(RULE, app)
    assert (found.outcome == "fail") is (path == "/api/v1/parcels/<number>"), found.message
