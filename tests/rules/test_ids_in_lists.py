"""Ids of people that stand in a list alone: in one that they see themselves, or in one for administrators."""

import secrets
import uuid
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.finding import Verdict
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULE = next(rule for rule in load() if rule.slug == "cross-user-object-access")


def clinic(*, asks: bool, own_role: bool = True, by_cookie: bool = False) -> Flask:
    """Profiles under UUIDs that only the administrators' list shows. *own_role*: a registration takes a role. *asks*: a profile is its owner's."""
    app, people, tokens = Flask("clinic"), dict[str, dict[str, Any]](), dict[str, str]()

    @app.post("/register")
    def register() -> Any:
        sent = request.get_json()
        role = sent.get("role", "user") if own_role else "user"
        people[sent["username"]] = {"id": str(uuid.uuid4()), "password": sent["password"], "role": role}
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> Any:
        sent = request.get_json()
        person = people.get(sent["username"])
        if person is None or person["password"] != sent["password"]:
            return jsonify(error="no"), 401
        token = secrets.token_urlsafe(24)
        tokens[token] = sent["username"]
        answer = jsonify(token=token)
        answer.set_cookie("session", token)
        return answer

    def caller(*, cookie: bool = False) -> str:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return tokens.get(request.cookies.get("session", "") if cookie else shown, "")

    @app.get("/me")
    def me() -> Any:
        return (jsonify(name=caller()), 200) if caller() else (jsonify(error="no"), 401)

    @app.get("/allusers")
    def everybody() -> Any:
        if not caller() or people[caller()]["role"] != "admin":
            return jsonify(error="no"), 403 if caller() else 401
        return jsonify([{"id": one["id"], "username": name} for name, one in people.items()])

    @app.get("/user/data/<user_id>")
    def profile(user_id: str) -> Any:
        who = caller(cookie=by_cookie)
        if not who:
            return jsonify(error="no"), 401
        name = next((name for name, one in people.items() if one["id"] == user_id), "")
        if not name or (asks and name != who):
            return jsonify(error="not found"), 404
        return jsonify(id=user_id, username=name, email=f"{name}@example.com")

    return app


def judged(app: Flask) -> Verdict:
    return try_rule(RULE, app)


@pytest.mark.parametrize("by_cookie", [False, True])
def test_ids_that_only_an_administrator_sees_are_read_as_one_whom_the_scan_made(by_cookie: bool) -> None:
    found = judged(clinic(asks=False, by_cookie=by_cookie))
    assert found.outcome == "fail", found.message
    assert [ref.path for ref in found.routes] == ["/user/data/{user_id}"]


def test_a_profile_that_asks_whose_it_is_is_none_though_its_id_is_known() -> None:
    assert judged(clinic(asks=True)).outcome != "fail"


def test_nobody_becomes_an_administrator_where_the_api_gives_no_role() -> None:
    assert judged(clinic(asks=False, own_role=False)).outcome != "fail"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/users_token/<user_id>", True),
        ("/people/data/<number>", True),
        ("/logout/<user_id>", False),
        ("/token/<number>", False),
    ],
)
def test_a_route_that_takes_the_id_of_a_person_is_no_door_whatever_it_is_called(path: str, told: bool) -> None:
    app = clinic(asks=False)
    view = app.view_functions["profile"]
    app.view_functions["profile"] = lambda user_id: (jsonify(error="gone"), 410)

    def shown(**values: str) -> Any:
        return view(next(iter(values.values())))

    app.add_url_rule(path, "other", shown)
    found = judged(app)
    assert (found.outcome == "fail") is told, found.message
