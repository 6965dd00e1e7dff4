"""What an OpenAPI document says of doors is what the guard does, whichever library wrote the document."""

from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate
from tests.extension.made import Made
from tests.extension.test_frameworks import apiflask, guarded, smorest

from stopper import SettingError, any_of, api_key, bearer, principal_optional, public, role, scope
from stopper.extension.openapi import with_security


def written_by_apispec(version: str) -> tuple[Flask, dict[str, Any]]:
    import apispec

    made = Made({"STOPPER_API_KEY_HEADER": "X-Key"})
    made.route("/open", public)
    made.route("/notes/<int:note_id>", (bearer | api_key) & scope("notes:read") & role("a"), methods=["GET"])
    made.route("/notes/<int:note_id>", bearer & api_key & any_of(scope("x"), role("b")), methods=["DELETE"])
    made.route("/feed", principal_optional(bearer))
    spec = apispec.APISpec("Notes", "1", version)
    argument = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    answers: dict[str, Any] = {"responses": {"200": {"description": "fine"}}}
    spec.path("/open", operations={"get": {**answers, "security": [{"wrong": []}]}})
    spec.path("/notes/{id}", operations={"get": dict(answers), "delete": dict(answers)}, parameters=[argument])
    spec.path("/feed", operations={"get": dict(answers)})
    return made.app, spec.to_dict()


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_each_operation_says_what_the_guard_asks(version: str) -> None:
    app, written = written_by_apispec(version)
    document = with_security(app, written)
    validate(document)
    paths, names = document["paths"], ["notes:read"] if version == "3.1.0" else []
    assert paths["/open"]["get"]["security"] == []
    assert paths["/notes/{id}"]["get"]["security"] == [{"bearer": names}, {"api_key": names}]
    assert paths["/notes/{id}"]["get"]["x-required-scopes"] == ["notes:read"]
    assert paths["/notes/{id}"]["delete"]["security"] == [{"api_key": [], "bearer": []}]
    assert "x-required-scopes" not in paths["/notes/{id}"]["delete"]
    assert paths["/feed"]["get"]["security"] == [{"bearer": []}, {}]
    assert document["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer"},
        "api_key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    }
    assert written["paths"]["/open"]["get"]["security"] == [{"wrong": []}]


def test_the_document_of_smorest() -> None:
    app = smorest()
    document = with_security(app, app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict())
    validate(document)
    assert document["paths"]["/notes"]["get"]["security"] == [{"bearer": []}]
    assert document["paths"]["/notes"]["get"]["x-required-scopes"] == ["notes"]
    assert document["paths"]["/open"]["get"]["security"] == []


def test_the_document_of_apiflask() -> None:
    app: Any = apiflask()
    with app.app_context():
        document = with_security(app, app.spec)
    validate(document)
    assert document["paths"]["/notes"]["get"]["x-required-scopes"] == ["notes"]
    assert document["paths"]["/missing"]["get"]["security"] == []


def test_swagger_2_is_refused() -> None:
    app = Flask("old")
    guarded(app)
    with pytest.raises(SettingError, match="OpenAPI 3"):
        with_security(app, {"swagger": "2.0"})


def test_two_routes_that_look_alike_and_differ_are_named() -> None:
    made = Made()
    made.route("/notes/<int:note_id>", bearer)
    made.route("/notes/<name>", public)
    with pytest.raises(SettingError, match="several routes with different policies, bearer and public"):
        with_security(made.app, {"openapi": "3.1.0", "paths": {"/notes/{id}": {"get": {}}}})
