"""A code of a few digits is guessed by trying, where nothing holds that up; what is longer or is counted is not told."""

import secrets
from typing import Any

import pytest
from flask import jsonify, request
from tests.rules.toy_people import ToyPeople

from stopper.core.finding import Verdict
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULE = next(rule for rule in load() if rule.slug == "login-not-throttled")


def judged(
    path: str, code: str, *, most: int = 10**6, refusal: str = "Invalid code", handed: int = 0, status: int = 400
) -> Verdict:
    """What the rule says of people whose password is set anew with a *code* at *path*, of which *most* may be tried and *handed* signs are in the
    answer."""
    toy, tries = ToyPeople("codes"), dict[str, int]()
    logins = dict[str, int]()

    @toy.app.before_request
    def few_log_ins() -> Any:
        if request.path == "/login":
            name = request.get_json()["username"]
            logins[name] = logins.get(name, 0) + 1
            if logins[name] > 9:
                return jsonify(error="later"), 429
        return None

    @toy.app.post("/password/forgot")
    def forgot() -> Any:
        return jsonify(token=secrets.token_hex(handed // 2)) if handed else jsonify(ok=True)

    @toy.app.post(path)
    def reset() -> Any:
        sent = request.get_json()
        tries[sent["username"]] = tries.get(sent["username"], 0) + 1
        if tries[sent["username"]] > most:
            return jsonify(error="Too many attempts"), 429
        return jsonify(error=refusal), status

    def body(*names: str) -> dict[str, Any]:
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
        return {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}}}

    paths = {
        "/register": body("username", "password"),
        "/login": body("username", "password"),
        "/password/forgot": body("username"),
        path: body("username", code, "new_password"),
    }
    document = {"openapi": "3.0.3", "info": {"title": "codes", "version": "1"}, "paths": paths}
    toy.app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    return try_rule(RULE, toy.app)


@pytest.mark.parametrize(
    ("path", "code", "refusal"),
    [
        ("/password/reset", "reset_pin", "Invalid reset PIN"),
        ("/otp/verify", "code", "the code is wrong"),
        ("/api/v2/check-otp", "otp", "Invalid OTP"),
    ],
)
def test_codes_without_a_limit_are_told(path: str, code: str, refusal: str) -> None:
    verdict = judged(path, code, refusal=refusal)
    assert verdict.outcome == "fail"
    assert [ref.path for ref in verdict.routes] == [path]


@pytest.mark.parametrize("status", [200, 500])
def test_an_api_that_says_so_in_words_alone(status: int) -> None:
    assert judged("/check-otp", "otp", refusal="Invalid OTP", status=status).outcome == "fail"


@pytest.mark.parametrize(
    "told",
    [
        {"code": "reset_pin", "most": 5, "refusal": "Invalid reset PIN"},
        {"code": "reset_token", "refusal": "Invalid reset token"},
        {"code": "reset_code", "handed": 32},
        {"code": "reset_pin", "refusal": "the PIN must be of six digits"},
    ],
    ids=["counted", "a token", "long", "never judged"],
)
def test_other_codes_are_not(told: dict[str, Any]) -> None:
    assert judged("/password/reset", **told).outcome != "fail"
