"""Accounts are opened at /users, too, inside an object or by a form of a page; a form that is shown again took nobody."""

import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, redirect, request
from tests.scan.engine.test_scan import served

from stopper.core.app import Route
from stopper.core.probing.accounts.accounts import takes_accounts, with_account
from stopper.scan.catalogue import find
from stopper.scan.options import ProbeOptions
from stopper.scan.run import run_scan
from stopper.scan.trial import try_rule

FORM = '<form method="post"><input name="username"><input type="password" name="password"></form>'


def by_page(strict: bool) -> Flask:
    app = Flask("page")
    app.add_url_rule("/", "start", lambda: '<a href="/register">join</a>')

    @app.route("/register", methods=["GET", "POST"])
    def register() -> Any:
        weak = request.form.get("password", "") in ("", "password")
        return FORM if request.method == "GET" or (strict and weak) else redirect("/welcome")

    return app


def by_object(strict: bool) -> Flask:
    app = Flask("object")

    @app.post("/api/users")
    def users() -> Any:
        said = request.get_json()["user"]
        if strict and said["password"] == "password":
            return jsonify(error="too common"), 422
        return jsonify(user={"name": said["username"], "id": secrets.token_hex(4)}), 201

    @app.get("/openapi.json")
    def document() -> Any:
        inner = {name: {"type": "string"} for name in ("username", "password")}
        user = {"type": "object", "properties": {"user": {"type": "object", "properties": inner}}}
        body = {"content": {"application/json": {"schema": user}}}
        return jsonify(openapi="3.0.0", info={}, paths={"/api/users": {"post": {"requestBody": body}}})

    return app


@pytest.mark.parametrize("make", [by_page, by_object])
@pytest.mark.parametrize(("strict", "outcome"), [(False, "fail"), (True, "pass")])
def test_the_commonest_password_is_tried_where_accounts_are_opened(make: Any, strict: bool, outcome: str) -> None:
    rule = find("weak-password-accepted")
    assert rule is not None
    with served(make(strict)) as url:
        report = run_scan(url, ProbeOptions(rules=(rule,), mode="active"))
    assert [one.outcome for one in report.outcomes] == [outcome], report.outcomes


def test_a_registration_that_sends_back_to_itself_took_nobody() -> None:
    app = Flask("codes")
    app.add_url_rule("/", "start", lambda: '<a href="/register">join</a>')
    app.add_url_rule("/register", "form", lambda: FORM)
    app.add_url_rule("/register", "take", lambda: redirect("/register"), methods=["POST"])
    rule = find("weak-password-accepted")
    assert rule is not None
    with served(app) as url:
        report = run_scan(url, ProbeOptions(rules=(rule,), mode="active"))
    assert [one.outcome for one in report.outcomes] == ["open"], report.outcomes


def test_a_collection_of_people_takes_accounts_only_with_a_password() -> None:
    schema = {"properties": {"user": {"properties": {"password": {"type": "string"}}}}}
    assert takes_accounts(Route("/users", ("POST",), request_schema=schema))
    assert not takes_accounts(Route("/users", ("POST",), request_schema={"properties": {"name": {}}}))
    assert not takes_accounts(Route("/users", ("GET",), request_schema=schema))
    assert takes_accounts(Route("/sign-up", ("POST",)))


def test_an_account_stands_where_the_body_has_a_place_for_it() -> None:
    assert with_account({"user": {"email": "", "pwd": "", "age": 3}}, "ann", "x") == {
        "user": {"email": "ann@example.com", "pwd": "x", "age": 3}
    }
    assert with_account({"name": ""}, "ann", "x") == {"name": "ann", "password": "x"}
    assert with_account({}, "ann", "x") == {"email": "ann@example.com", "username": "ann", "password": "x"}


@pytest.mark.parametrize("asked", [("email", "name"), ("phone", "password"), ("handle", "password")])
def test_an_account_is_opened_by_whatever_names_it_and_one_without_a_password_has_none_to_be_weak(
    asked: tuple[str, ...],
) -> None:
    app, people = Flask("names"), set[str]()

    @app.post("/signup")
    def signup() -> Any:
        said = request.get_json()
        if not said.get(asked[0]) or said[asked[0]] in people:
            return jsonify(error="missing or taken"), 409
        people.add(said[asked[0]])
        return jsonify(key=secrets.token_hex(16)), 201

    @app.get("/openapi.json")
    def document() -> Any:
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in asked}}
        body = {"content": {"application/json": {"schema": schema}}}
        return jsonify(openapi="3.0.0", info={}, paths={"/signup": {"post": {"requestBody": body}}})

    rule = find("weak-password-accepted")
    assert rule is not None
    assert (try_rule(rule, app).outcome == "fail") is ("password" in asked)
