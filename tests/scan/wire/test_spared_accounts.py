"""A scan leaves the accounts of its people as they are: whoever was given to it can still log in afterwards."""

import json
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.exchange import Request
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule
from stopper.scan.wire.spared_accounts import spared

BODY = {"username": "new", "email": "new@example.com", "password": "new", "bio": "new"}


def change(method: str, target: str, body: object, who: str | None = "alice") -> Request:
    return Request(method, target, (), json.dumps(body).encode(), "write", who)


@pytest.mark.parametrize(
    "request_", [change("PUT", "/users/1", BODY), change("PATCH", "/me?x=1", BODY), change("POST", "/account", BODY)]
)
def test_a_person_gives_itself_no_new_name_or_password(request_: Request) -> None:
    assert json.loads(spared(request_, {"alice"}).body) == {"bio": "new"}


def test_an_account_in_an_object_of_the_body_is_spared_too() -> None:
    kept = spared(change("PUT", "/user", {"user": BODY, "terms": True}), {"alice"}).body
    assert json.loads(kept) == {"user": {"bio": "new"}, "terms": True}


@pytest.mark.parametrize(
    "request_",
    [
        change("PUT", "/users/1", BODY, None),  # a person whom a probe has registered for itself
        change("PUT", "/users/1", BODY, "stp0a1b"),
        change("POST", "/users", BODY),  # makes somebody else
        change("PUT", "/projects/1", {"name": "new", "text": "new"}),
        change("PUT", "/users/1", {"username": "new", "password": ""}),
        Request("PUT", "/users/1", (), b"no json", "write", "alice"),
    ],
)
def test_everything_else_is_sent_as_it_is(request_: Request) -> None:
    assert spared(request_, {"alice"}) is request_


def test_a_directory_of_people_who_can_change_themselves_accuses_nobody() -> None:
    """A probe renamed the person, whose old name the list of all people then lacked."""
    app, people = Flask("directory"), dict[int, dict[str, str]]()

    def shown(number: int) -> dict[str, Any]:
        return {"id": number, "username": people[number]["username"], "email": people[number]["email"]}

    def caller() -> int:
        said = request.headers.get("Authorization", "").removeprefix("Bearer token-")
        return int(said) if said.isdigit() and int(said) in people else 0

    @app.post("/register")
    def register() -> Any:
        people[len(people) + 1] = dict(request.get_json())
        return jsonify(ok=True), 201

    @app.post("/login")
    def login() -> Any:
        data = request.get_json()
        for number, one in people.items():
            if data.get("username") in (one["username"], one["email"]) and data["password"] == one["password"]:
                return jsonify(access_token=f"token-{number}", user_id=number)
        return jsonify(error="no"), 401

    @app.get("/users")
    def users() -> Any:
        return (jsonify([shown(number) for number in people]), 200) if caller() else (jsonify(error="no"), 401)

    @app.get("/users/<int:user_id>")
    def user(user_id: int) -> Any:
        return (jsonify(shown(user_id)), 200) if caller() and user_id in people else (jsonify(error="no"), 401)

    @app.put("/users/<int:user_id>")
    def change_user(user_id: int) -> Any:
        if caller() != user_id:
            return jsonify(error="no"), 403
        people[user_id].update({name: str(value) for name, value in request.get_json().items()})
        return jsonify(shown(user_id))

    rules = {rule.slug: rule for rule in load()}
    for slug in ("request-body-not-validated", "cross-user-object-access"):
        verdict = try_rule(rules[slug], app)
    assert verdict.outcome != "fail", verdict.message


def test_who_is_named_has_a_credential_that_is_not_in_the_way() -> None:
    person = Identity("alice", (("Authorization", Secret("Bearer x")),))
    assert spared(person.on(change("PUT", "/users/1", BODY)), {"bob"}).identity == "alice"


def test_who_logs_in_by_an_address_keeps_it() -> None:
    asked = change("PATCH", "/me", {"email": "new@example.com", "username": "new"})
    assert json.loads(spared(asked, {"alice"}, "alice@example.com").body) == {
        "email": "alice@example.com",
        "username": "new",
    }
    assert json.loads(spared(asked, {"alice"}, "alice").body) == {"email": "new@example.com", "username": "alice"}
    assert spared(
        change("PUT", "/customers/5", {"email": "new@example.com"}), {"alice"}, "alice@example.com"
    ).body.count(b"new@")
