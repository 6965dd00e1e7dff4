"""A signed token that a log-in puts into a cookie, and what is read by the address with which the scan has made it."""

from typing import Any

import jwt
import pytest
from flask import Flask, make_response, redirect, request
from tests.rules.from_outside import verdict

LONG = "kZ9v4-1c8bX2mQ7wT5yR3nL6pD0sF8hJ"


@pytest.mark.filterwarnings("ignore:The HMAC key is")
@pytest.mark.parametrize(("key", "told"), [("123", True), (LONG, False)])
def test_the_key_of_a_token_in_a_cookie_is_guessed(key: str, told: bool) -> None:
    app = Flask("cookie")

    @app.route("/login", methods=["GET", "POST"])
    def log_in() -> Any:
        if request.form.get("username") == "admin" and request.form.get("password") == "admin":
            answer = make_response(redirect("/protected"))
            answer.set_cookie("jwt", jwt.encode({"sub": "admin"}, key, algorithm="HS256"))
            return answer
        return (
            '<form method="post"><input name="username"><input name="password" type="password"></form>',
            401 if request.method == "POST" else 200,
        )

    @app.get("/protected")
    def protected() -> Any:
        try:
            jwt.decode(request.cookies.get("jwt", ""), key, algorithms=["HS256"])
        except jwt.InvalidTokenError:
            return "authentication required", 401
        return "<h1>granted</h1>"

    app.add_url_rule("/", "start", lambda: '<a href="/login">in</a><a href="/protected">protected</a>')
    found = verdict("jwt-secret-guessable", app)
    assert (found.outcome == "fail") is told, found.message


@pytest.mark.parametrize("hides", [False, True])
def test_what_is_kept_under_an_address_is_read_by_it(hides: bool) -> None:
    app, kept = Flask("kept"), dict[str, str]()

    @app.post("/create-password")
    def create() -> Any:
        said = request.get_json()
        kept[said["email"]] = said["password"]
        return {"success": "kept"}, 201

    @app.get("/get-password/<email>")
    def read(email: str) -> Any:
        return {"email": email, "password": "***" if hides else kept[email]}

    app.add_url_rule("/", "start", lambda: "POST /create-password {email, password} GET /get-password/{email}")
    found = verdict("sensitive-field-in-response", app)
    assert (found.outcome == "fail") is not hides, found.message
