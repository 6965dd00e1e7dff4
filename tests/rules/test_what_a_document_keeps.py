"""Members that a document calls read-only are the server's, also of a record whose making wants a date and a word of a list."""

from typing import Any

import pytest
from flask import Flask, abort, jsonify, request

from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule

TEXT = {"type": "string"}
SAID = {
    "name": TEXT,
    "born": {"type": "string", "format": "date"},
    "ward": {"type": "string", "enum": ["north", "south"]},
}
KEPT = {"vip": {"type": "boolean", "readOnly": True}, "balance_due": {"type": "number", "readOnly": True}}
ALICE = Identity("alice", (), subject="alice", password=Secret("alices-password"))


def clinic(*, takes: bool) -> Flask:
    """Patients are records that somebody makes, and no accounts; *takes* says whether a change may say what is the server's."""
    app, patients = Flask("clinic"), dict[int, dict[str, Any]]()

    def known() -> None:
        if request.headers.get("Authorization") != "Bearer token-of-alice-1":
            abort(401)

    @app.post("/login")
    def login() -> Any:
        right = request.get_json() == {"username": "alice", "password": "alices-password"}
        return jsonify(access_token="token-of-alice-1") if right else abort(401)

    @app.post("/patients")
    def admit() -> Any:
        known()
        sent = request.get_json()
        if set(sent) - set(SAID) or len(sent["born"]) != 10 or sent["ward"] not in ("north", "south"):
            return jsonify(error="born or ward is not valid"), 422
        patients[len(patients) + 1] = {**sent, "id": len(patients) + 1, "vip": False, "balance_due": 40.0}
        return jsonify(patients[len(patients)]), 201

    @app.get("/patients/<int:number>")
    def read(number: int) -> Any:
        known()
        return jsonify(patients[number]) if number in patients else abort(404)

    @app.patch("/patients/<int:number>")
    def change(number: int) -> Any:
        known()
        names = {*SAID, *KEPT} if takes else set(SAID)
        patients[number].update({name: value for name, value in request.get_json().items() if name in names})
        return jsonify(patients[number])

    def body(members: dict[str, Any]) -> dict[str, Any]:
        return {"content": {"application/json": {"schema": {"type": "object", "properties": members}}}}

    @app.get("/openapi.json")
    def document() -> Any:
        place = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
        login_body = body({"username": TEXT, "password": TEXT})
        paths = {
            "/login": {"post": {"requestBody": login_body, "responses": {}}},
            "/patients": {"post": {"requestBody": body(SAID), "responses": {}}},
            "/patients/{number}": {
                "parameters": [place],
                "get": {"responses": {}},
                "patch": {"requestBody": body({**SAID, **KEPT}), "responses": {}},
            },
        }
        return jsonify(openapi="3.0.3", info={"title": "Clinic", "version": "1"}, paths=paths)

    return app


@pytest.mark.parametrize("takes", [True, False])
def test_what_is_read_only_by_the_document_is_told_where_a_caller_sets_it(takes: bool) -> None:
    rule = find("mass-assignment")
    assert rule is not None
    verdict = try_rule(rule, clinic(takes=takes), identities=[ALICE], depth="standard")
    assert (verdict.outcome == "fail") is takes, verdict.message
    assert not takes or ("vip" in verdict.message and "balance_due" in verdict.message)
