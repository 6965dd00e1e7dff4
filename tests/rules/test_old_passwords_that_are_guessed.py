"""A change of a password that takes one wrong old password after the other, for a name that the body says."""

from typing import Any

import pytest
from flask import Flask, request
from tests.rules.from_outside import verdict

DOORS = "POST /register {username, password} POST /login {username, password} POST /change-password {username, old_password, new_password}"


@pytest.mark.parametrize("way", ["open", "locked", "limited", "own"])
def test_wrong_old_passwords_are_taken_without_an_end(way: str) -> None:
    """The log-in is locked after three wrong passwords in each of them; ``own`` changes that of whoever is logged in, whatever name is said."""
    app = Flask("change")
    people, wrong, asked = dict[str, str](), dict[str, int](), list[str]()

    @app.post("/register")
    def register() -> Any:
        said = request.get_json()
        if not said["password"].isalnum():
            return {"error": "username and password should match the pattern ^[0-9A-Za-z]+$"}, 400
        people[said["username"]] = said["password"]
        return {"username": said["username"]}, 201

    @app.post("/login")
    def log_in() -> Any:
        said = request.get_json()
        name = said.get("username", "")
        if wrong.get(name, 0) >= 3:
            return {"error": "locked"}, 403
        if people.get(name) != said.get("password", ""):
            wrong[name] = wrong.get(name, 0) + 1
            return {"error": "authentication failed"}, 401
        return {"token": f"{name}-9f81b7d2e6a4405fb0c3d2e1"}

    @app.post("/change-password")
    def change() -> Any:
        said, who = request.get_json(), request.headers.get("Authorization", "")[7:].partition("-")[0]
        if who not in people:
            return {"error": "unauthenticated"}, 401
        name = who if way == "own" else said["username"]
        asked.append(name)
        if way == "limited" and len(asked) > 5:
            return {"error": "too many requests"}, 429
        if way == "locked" and wrong.get(name, 0) >= 3:
            return {"error": "locked"}, 403
        if people.get(name) != said["old_password"]:
            wrong[name] = wrong.get(name, 0) + 1
            return {"error": "wrong old password"}, 403
        people[name] = said["new_password"]
        return {"changed": name}

    app.add_url_rule("/", "start", lambda: DOORS)
    found = verdict("login-not-throttled", app)
    told = [str(ref) for ref in found.routes]
    assert ("POST /change-password" in told) is (way == "open"), found.message
