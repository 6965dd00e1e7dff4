"""A reset asks for what somebody said of itself at the registration: that is little, and it is not nothing."""

from typing import Any

import pytest
from flask import jsonify, request
from tests.rules.toy_people import ToyPeople

from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULE = next(rule for rule in load() if rule.slug == "reset-token-weak")


@pytest.mark.parametrize("asked", [True, False])
def test_a_number_that_is_looked_at_is_a_proof(asked: bool) -> None:
    toy, numbers = ToyPeople("resets"), dict[str, str]()
    toy.joined = lambda name: numbers.update({name: request.get_json()["tax_id"]})  # type: ignore[method-assign]

    @toy.app.post("/password/reset")
    def reset() -> Any:
        sent = request.get_json()
        name = sent["username"]
        if name not in toy.passwords or (asked and numbers[name] != sent["tax_id"]):
            return jsonify(error="no"), 403
        toy.passwords[name] = sent["new_password"]
        return jsonify(ok=True)

    def body(*names: str) -> dict[str, Any]:
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
        return {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}}}

    paths = {
        "/register": body("username", "password", "tax_id"),
        "/login": body("username", "password"),
        "/password/reset": body("username", "tax_id", "new_password"),
    }
    document = {"openapi": "3.0.3", "info": {"title": "resets", "version": "1"}, "paths": paths}
    toy.app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    assert (try_rule(RULE, toy.app).outcome == "fail") is not asked
