"""Somebody gives the own account a right by a change of it: a person whom the scan registers, and nobody else."""

import itertools
import secrets
from typing import Any

import pytest
from flask import Flask, abort, jsonify, request

from stopper.core.finding import Verdict
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule

RULE = next(rule for rule in load() if rule.slug == "mass-assignment")


class People:
    """People who change themselves. ``kept`` are the members that are written; ``strict`` says that a stranger among them spoils all."""

    def __init__(self, path: str, method: str, kept: frozenset[str], *, strict: bool = False) -> None:
        self.app = app = Flask("people")
        self.people: dict[int, dict[str, Any]] = {}
        self.passwords, self.tokens = dict[int, str](), dict[str, int]()
        numbers = itertools.count(1)

        @app.post("/register")
        def register() -> Any:
            sent, number = request.get_json(), next(numbers)
            self.passwords[number] = sent["password"]
            self.people[number] = {"id": number, "email": sent["email"], "city": "", "role": "user", "is_admin": 0}
            return jsonify(ok=True), 201

        @app.post("/login")
        def login() -> Any:
            sent, token = request.get_json(), secrets.token_urlsafe(24)
            found = [number for number, one in self.people.items() if one["email"] == sent["email"]]
            if not found or self.passwords[found[0]] != sent["password"]:
                return jsonify(error="no"), 401
            self.tokens[token] = found[0]
            return jsonify(access_token=token)

        @app.get("/profile")
        def profile() -> Any:
            return jsonify(self.people[self.caller()])

        @app.route(path, methods=[method])
        def change(user_id: int = 0) -> Any:
            me, sent = self.caller(), request.get_json()
            if user_id and user_id != me:
                abort(403)
            if strict and set(sent) - set(self.people[me]):
                return jsonify(error="no such column"), 500
            self.people[me].update(
                {name: value if value is not True else 1 for name, value in sent.items() if name in kept}
            )
            return jsonify(ok=True)

    def caller(self) -> int:
        return self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer ")) or abort(401)

    def judged(self) -> Verdict:
        return try_rule(RULE, self.app)

    def rights(self) -> list[tuple[str, Any]]:
        return [(one["role"], one["is_admin"]) for one in self.people.values()]


PATHS = [
    ("/profile", "POST"),
    ("/profile", "PATCH"),
    ("/users/<int:user_id>", "PUT"),
    ("/user/update/<int:user_id>", "POST"),
]


@pytest.mark.parametrize(("path", "method"), PATHS)
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("column", ["role", "is_admin"])
def test_a_right_that_is_written_is_told(path: str, method: str, column: str, strict: bool) -> None:
    people = People(path, method, frozenset({"city", column}), strict=strict)
    found = people.judged()
    assert found.outcome == "fail", found.message
    assert column in found.message
    assert [(ref.method, ref.path.partition("{")[0]) for ref in found.routes] == [(method, path.partition("<")[0])]
    assert people.rights().count(("user", 0)) == len(people.people) - 1, "one person of the scan's own has it"


@pytest.mark.parametrize(("path", "method"), PATHS)
def test_what_keeps_to_its_members_is_not(path: str, method: str) -> None:
    assert People(path, method, frozenset({"city"})).judged().outcome != "fail"
