"""What a document asks of every operation at once weighs less than what an operation asks for itself."""

from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule


def api(own: bool, enforced: bool) -> Flask:
    app = Flask("served")
    said: dict[str, Any] = {"security": [{"token": []}]} if own else {}

    @app.get("/openapi.json")
    def document() -> Any:
        whole: dict[str, Any] = {} if own else {"security": [{"token": []}]}
        schemes = {"token": {"type": "http", "scheme": "bearer"}}
        paths = {"/brackets": {"get": {**said, "responses": {}}}, "/me": {"get": {**said, "responses": {}}}}
        return jsonify(openapi="3.0.0", info={}, paths=paths, components={"securitySchemes": schemes}, **whole)

    app.add_url_rule("/brackets", "brackets", lambda: jsonify(data=[]))

    @app.get("/me")
    def me() -> Any:
        return (jsonify(error="who?"), 401) if enforced and not request.authorization else jsonify(data=["me"])

    return app


@pytest.mark.parametrize(
    ("own", "enforced", "severity"),
    [(False, True, "medium"), (False, False, None), (True, True, None)],
    ids=["the document as a whole", "and nothing of it is enforced", "the operation itself"],
)
def test_what_it_weighs(own: bool, enforced: bool, severity: str | None) -> None:
    rule = find("spec-security-not-enforced")
    assert rule is not None
    verdict = try_rule(rule, api(own, enforced), mode="default")
    assert (verdict.outcome, verdict.severity) == ("fail", severity)
