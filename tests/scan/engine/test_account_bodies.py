"""An account whose name and password stand in an object of the body is registered, and made an administrator where the API lets it be."""

import itertools
import re
import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.probing.accounts.account_body import AccountBody, account_body, beside_the_password, texts_of
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULES = {rule.slug: rule for rule in load()}


def filled(known: dict[str, object]) -> AccountBody:
    return account_body(known, mail="a@example.com", user="ann", password="Long-enough-1")


def test_objects_inside_the_body_are_filled() -> None:
    made = filled({"user": {"username": "", "email": "", "password": "", "role": "admin"}, "terms": True})
    assert made.plain == {
        "user": {"username": "ann", "email": "a@example.com", "password": "Long-enough-1"},
        "terms": True,
    }
    assert made.whole["user"] == {**dict(made.plain["user"]), "role": "user"}  # type: ignore[call-overload]
    assert made.login == "a@example.com"


def test_a_flat_body_and_one_that_is_too_deep_stay_what_they_are() -> None:
    assert filled({"login": "", "pwd": ""}).plain == {"login": "ann", "pwd": "Long-enough-1"}
    deep: dict[str, object] = {"a": {"b": {"c": {"password": ""}}}}
    assert filled(deep).plain == deep


def test_everybody_has_a_number_to_call_written_as_the_document_writes_it() -> None:
    made = filled({"phone": "0151 2345678", "mobile": "", "password": ""})
    assert made.plain["phone"] != "0151 2345678"
    assert re.fullmatch(r"0151 2\d{6}", str(made.plain["phone"]))
    assert re.fullmatch(r"\+1555\d{7}", str(made.plain["mobile"]))
    assert made.login == made.plain["phone"]
    assert made.plain == filled({"phone": "0151 2345678", "mobile": "", "password": ""}).plain


def test_more_members_stand_beside_the_password() -> None:
    assert beside_the_password({"user": {"password": "x"}, "terms": 1}, {"role": "admin"}) == {
        "user": {"password": "x", "role": "admin"}, "terms": 1,
    }  # fmt: skip
    assert beside_the_password({"password": "x", "address": {"street": ""}}, {"role": "admin"})["role"] == "admin"
    assert texts_of({"user": {"name": "ann"}, "n": 1}) == ("ann",)


def forum(*, keeps_role: bool) -> Flask:
    """Takes ``{"account": {"username", "password"}}`` and nothing else, as its document says."""
    app, people, tokens, numbers = Flask("forum"), dict[str, dict[str, Any]](), dict[str, str](), itertools.count(1)

    @app.post("/register")
    def register() -> Any:
        sent = request.get_json()["account"]
        role = sent.get("role", "user") if keeps_role else "user"
        people[sent["username"]] = {"password": sent["password"], "role": role, "id": next(numbers)}
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> Any:
        sent = request.get_json().get("account", {})
        person = people.get(sent.get("username", ""))
        if person is None or person["password"] != sent.get("password"):
            return jsonify(error="no"), 401
        token = secrets.token_urlsafe(24)
        tokens[token] = sent["username"]
        return jsonify(token=token)

    @app.get("/me")
    def me() -> Any:
        name = tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), "")
        return (jsonify(name=name, role=people[name]["role"]), 200) if name else (jsonify(error="no"), 401)

    inner = {"type": "object", "properties": {"username": {"type": "string"}, "password": {"type": "string"}}}
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": {"account": inner}}}}}
    paths = {path: {"post": {"responses": {}, "requestBody": body}} for path in ("/register", "/login")}
    document = {"openapi": "3.0.3", "info": {"title": "forum", "version": "1"}, "paths": paths}
    app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    return app


@pytest.mark.parametrize("keeps_role", [True, False])
def test_a_role_inside_the_object_of_the_account_is_told(keeps_role: bool) -> None:
    verdict = try_rule(RULES["mass-assignment"], forum(keeps_role=keeps_role))
    assert (verdict.outcome == "fail") is keeps_role, verdict.message
