"""Accounts are changed and ended by others: people whom the scan registers are, and nobody who was there before."""

import itertools
import secrets
from typing import Any

import jwt
import pytest
from flask import Flask, abort, jsonify, redirect, request, session

from stopper.core.finding import Verdict
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULE = next(rule for rule in load() if rule.slug == "cross-user-object-access")


class People:
    """An API of people by token, by cookie or by a key of its own header. ``asks`` says whether routes that take an id ask whose it is."""

    def __init__(self, *, asks: bool = False, cookies: bool = False, keys: bool = False) -> None:
        self.app = app = Flask("people")
        app.secret_key = secrets.token_hex(32)
        self.asks, self.cookies, self.keys, self.tokens = asks, cookies, keys, dict[str, int]()
        self.people: dict[int, dict[str, Any]] = {
            1: {"id": 1, "email": "first@example.org", "name": "first", "role": "admin"}
        }
        self.before = dict(self.people[1])
        self.passwords = dict[int, str]()
        self.changed = set[int]()
        numbers = itertools.count(2)

        @app.post("/register")
        def register() -> Any:
            sent, number = request.get_json(), next(numbers)
            self.passwords[number] = sent["password"]
            self.people[number] = {"id": number, "email": sent["email"], "name": sent.get("name", ""), "role": "user"}
            return jsonify(message="welcome"), 201

        @app.post("/login")
        def login() -> Any:
            sent = request.get_json()
            found = [one for one in self.people.values() if one["email"] == sent["email"]]
            if not found or self.passwords.get(found[0]["id"]) != sent["password"]:
                return jsonify(error="no"), 401
            if cookies:
                session["id"] = found[0]["id"]
                return jsonify(message="welcome")
            token = secrets.token_urlsafe(24)
            self.tokens[token] = found[0]["id"]
            return jsonify(api_key=token) if keys else jsonify(access_token=token)

        @app.get("/me")
        def me() -> Any:
            return jsonify(user=self.people[self.caller()])

    def caller(self) -> int:
        said = request.headers.get("X-API-Key" if self.keys else "Authorization", "")
        token = said.removeprefix("Bearer ")
        number = session.get("id", 0) if self.cookies else self.tokens.get(token, 0)
        return number if number in self.people else abort(401)

    def one(self, number: int) -> dict[str, Any]:
        me = self.caller()
        if number not in self.people:
            abort(404)
        if self.asks and number != me:
            abort(403)
        self.changed.add(number)
        return self.people[number]

    def with_change(self, path: str, method: str) -> "People":
        def change(**said: Any) -> Any:
            sent = request.get_json()
            one = self.one(int(said.get("user_id") or sent.get("user_id")))
            one.update({name: str(sent[name]) for name in ("name", "email", "role") if name in sent})
            return jsonify(message="saved")

        self.app.add_url_rule(path, f"{method} {path}", change, methods=[method])
        return self

    def with_end(self, path: str, method: str) -> "People":
        def end(user_id: int) -> Any:
            del self.people[self.one(user_id)["id"]]
            return "", 204

        self.app.add_url_rule(path, f"{method} {path}", end, methods=[method])
        return self

    def judged(self, *names: str) -> Verdict:
        self.document(names)
        return try_rule(RULE, self.app)

    def document(self, names: tuple[str, ...]) -> None:
        paths: dict[str, Any] = {}
        for rule in self.app.url_map.iter_rules():
            method = next(iter((rule.methods or set()) & {"POST", "PUT", "PATCH"}), None)
            if method is not None and rule.endpoint.startswith(method):
                schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
                body = {"content": {"application/json": {"schema": schema}}}
                paths[rule.rule.replace("<int:", "{").replace(">", "}")] = {
                    method.lower(): {"responses": {}, "requestBody": body}
                }
        said = {"openapi": "3.0.3", "info": {"title": "people", "version": "1"}, "paths": paths}
        self.app.add_url_rule("/openapi.json", "document", lambda: jsonify(said))


CHANGES = [
    ("/users/<int:user_id>", "PUT", ("name",)),
    ("/user/update/<int:user_id>", "POST", ("name", "email")),
    ("/users/<int:user_id>/role", "PATCH", ("role",)),
    ("/users/<int:user_id>/setRole", "POST", ("role",)),
    ("/account", "POST", ("user_id", "name")),
    ("/update_role", "POST", ("user_id", "role")),
]


@pytest.mark.parametrize("cookies", [False, True])
@pytest.mark.parametrize(("path", "method", "names"), CHANGES)
def test_the_account_of_another_is_changed(path: str, method: str, names: tuple[str, ...], cookies: bool) -> None:
    people = People(cookies=cookies).with_change(path, method)
    found = people.judged(*names)
    assert [(ref.method, ref.path.partition("{")[0]) for ref in found.routes] == [(method, path.partition("<")[0])]
    assert people.people[1] == people.before, "who was there before is left alone"


@pytest.mark.parametrize(("path", "method", "names"), CHANGES)
def test_a_change_that_only_the_person_itself_may_make_is_not_told(
    path: str, method: str, names: tuple[str, ...]
) -> None:
    people = People(asks=True).with_change(path, method)
    assert people.judged(*names).outcome != "fail"


@pytest.mark.parametrize(
    ("path", "method"), [("/users/<int:user_id>", "DELETE"), ("/user/<int:user_id>/delete", "POST")]
)
@pytest.mark.parametrize("asks", [False, True])
def test_the_account_of_another_is_ended(path: str, method: str, asks: bool) -> None:
    people = People(asks=asks).with_end(path, method)
    found = people.judged()
    assert (found.outcome == "fail") is not asks, found.message
    assert people.people[1] == people.before


def test_an_account_that_nobody_needs_to_be_known_for_is_changed() -> None:
    people = People()

    def change(user_id: int) -> Any:
        people.people[user_id].update(name=str(request.get_json()["name"]))
        return jsonify(message="saved")

    people.app.add_url_rule("/users/<int:user_id>", "PUT /users", change, methods=["PUT"])
    found = people.judged("name")
    assert [(ref.method, ref.path) for ref in found.routes] == [("PUT", "/users/{user_id}")]
    assert "without a credential" in found.message


@pytest.mark.parametrize("asks", [False, True])
def test_whose_account_of_all_is_meant_stands_in_the_body(asks: bool) -> None:
    """``PATCH /users {"user_id": 7}`` where each is shown under its number and nothing tells somebody new the own one but a token."""
    people = People(asks=asks).with_change("/users", "PATCH")
    enter = people.app.view_functions["login"]

    def login() -> Any:
        answer = enter()
        if isinstance(answer, tuple):
            return answer
        token = answer.get_json()["access_token"]
        signed = jwt.encode({"sub": str(people.tokens[token])}, "k3c-9f81b7d2e6a4405f8c21-9f81b7d2", "HS256")
        people.tokens[signed] = people.tokens[token]
        return jsonify(access_token=signed)

    def one(user_id: int) -> Any:
        people.caller()
        return jsonify({"user_id": user_id, **people.people[user_id]}) if user_id in people.people else ("", 404)

    people.app.view_functions |= {"login": login, "me": lambda: ("", 404)}
    people.app.add_url_rule("/users/<int:user_id>", "one", one)
    found = people.judged("user_id", "name")
    assert ("PATCH /users" in [str(ref) for ref in found.routes]) is not asks, found.message
    assert people.people[1] == people.before


@pytest.mark.parametrize("asks", [False, True])
def test_an_account_that_a_page_ends_for_anybody_is_told(asks: bool) -> None:
    """The answer leads to another page, and the page of who is gone is one of nobody."""
    people = People(cookies=True)

    def end(user_id: int) -> Any:
        if asks:
            return redirect("/")
        people.people.pop(user_id, None)
        return redirect("/")

    def me() -> str:
        return f"<p>Hello {people.people.get(int(session.get('id', 0)), {}).get('email', '')}</p>"

    def one(user_id: int) -> Any:
        return jsonify(people.people.get(user_id, {}))

    people.app.view_functions["me"] = me
    people.app.add_url_rule("/", "start", lambda: f'<a href="/users/{session.get("id")}">you</a>')
    people.app.add_url_rule("/users/<int:user_id>", "one", one)
    people.app.add_url_rule("/users/<int:user_id>/delete", "end", end, methods=["POST"])
    found = people.judged()
    assert (found.outcome == "fail") is not asks, found.message
    assert people.people[1] == people.before


@pytest.mark.parametrize("asks", [False, True])
def test_an_account_is_known_by_a_list_for_administrators_alone(asks: bool) -> None:
    """Nothing tells somebody new its number but the list, and whoever registers says what role it has."""
    people, roles = People(), dict[int, str]()

    @people.app.before_request
    def keep() -> None:
        if request.path == "/register":
            roles[max(people.people) + 1] = str(request.get_json().get("role"))

    def called(user_id: str) -> dict[str, Any]:
        every = {f"6f0e3c1a-0000-4000-8000-{one['id']:012}": one for one in people.people.values()}
        return every.get(user_id, {})

    def change(user_id: str) -> Any:
        me, one = people.caller(), called(user_id)
        if not one or (asks and one["id"] != me):
            return jsonify(error="no"), 403
        one.update(request.get_json())
        return jsonify(message="saved")

    def listed() -> Any:
        every = [{**one, "id": f"6f0e3c1a-0000-4000-8000-{one['id']:012}"} for one in people.people.values()]
        return jsonify(every) if roles.get(people.caller()) == "admin" else ("", 403)

    def shown(user_id: str) -> Any:
        people.caller()
        return jsonify({**called(user_id), "id": user_id}) if called(user_id) else (jsonify(error="no such id"), 400)

    people.app.view_functions["me"] = lambda: ("", 404)
    people.app.add_url_rule("/users", "listed", listed)
    people.app.add_url_rule("/users/data/<user_id>", "shown", shown)
    people.app.add_url_rule("/users/update/<user_id>", "PUT /users", change, methods=["PUT"])
    found = people.judged("name")
    assert (("PUT", "/users/update/{user_id}") in [(ref.method, ref.path) for ref in found.routes]) is not asks, (
        found.message
    )


@pytest.mark.parametrize("asks", [False, True])
def test_whose_account_is_meant_is_read_though_no_document_says_so(asks: bool) -> None:
    people = People(asks=asks)

    def change() -> Any:
        sent = request.get_json()
        people.one(int(sent.get("user_id") or people.caller())).update(name=str(sent["name"]))
        return jsonify(message="saved")

    people.app.add_url_rule("/settings", "PUT /settings", change, methods=["PUT"])
    assert [(ref.method, ref.path) for ref in people.judged("name").routes] == ([] if asks else [("PUT", "/settings")])


@pytest.mark.parametrize("asks", [False, True])
def test_an_id_that_the_own_account_calls_so_is_surely_its_own(asks: bool) -> None:
    people = People(asks=asks)

    def change(customer_id: int) -> Any:
        people.one(customer_id - 5000).update(name=str(request.get_json()["name"]))
        return jsonify(message="saved")

    people.app.add_url_rule("/customers/<int:customer_id>/address", "PUT /customers", change, methods=["PUT"])

    def me() -> Any:
        return jsonify(customer_id=5000 + people.caller(), **people.people[people.caller()])

    people.app.view_functions["me"] = me
    found = [(ref.method, ref.path) for ref in people.judged("name").routes]
    assert found == ([] if asks else [("PUT", "/customers/{customer_id}/address")])


def test_people_by_a_key_are_registered_too_and_a_deed_without_a_body_ends_an_account() -> None:
    people = People(keys=True).with_end("/users/<int:user_id>/deactivate", "POST")
    assert [(ref.method, ref.path) for ref in people.judged().routes] == [("POST", "/users/{user_id}/deactivate")]
    assert people.people[1] == people.before


def test_a_number_that_may_be_of_something_else_than_the_person_is_not_touched() -> None:
    """``/customers/5`` need not be the customer who logs in as user 5."""
    people = People().with_change("/customers/<int:user_id>", "PUT")
    people.judged("name")
    assert not people.changed - {1}, "only the document's honest sample was sent"
