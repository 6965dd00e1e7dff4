"""An application with a log-in of its own and sessions of browsers, for the tests of both."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask, render_template_string, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from stopper import Stopper, api_key, bearer, browser_session, current_principal, fresh, mfa, public, role
from stopper.auth.clock import SetClock

SECRET = "k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG"
COOKIE = "__Host-stopper-session"
CSRF = "__Host-stopper-csrf"
OWN = {"Origin": "https://app.example.com", "Sec-Fetch-Site": "same-origin"}
FORM = "<form method=post action=/pay><input name=csrf_token value='{{ csrf_token() }}'></form>"


class Made:
    """One application with a log-in of its own."""

    def __init__(self, tmp_path: Path, **config: Any) -> None:
        self.clock = SetClock(1_800_000_000.5)
        self.app = app = Flask("made")
        app.config.update(
            STOPPER_DATABASE_URL=f"sqlite:///{tmp_path}/s.db", STOPPER_SESSION_SECRET=SECRET, STOPPER_ISSUER="https://app.example.com",
            STOPPER_AUDIENCE="https://app.example.com", STOPPER_API_KEY_PEPPER="p8-Lk3nW6vR1tY9mQ4xZ7cB2jH5sD0f-", **config,
        )  # fmt: skip
        self.stopper = stopper = Stopper(app, clock=self.clock)
        self.ran: list[str] = []

        @app.post("/login")
        @public
        def login() -> str:
            person = request.form["name"]
            return stopper.sessions.begin(person, roles=("user",), device=request.headers.get("User-Agent")).subject

        @app.post("/second")
        @browser_session
        def second() -> str:
            return stopper.sessions.renew(amr=("pwd", "otp"), roles=("user", "admin")).subject

        @app.post("/logout")
        @public
        def logout() -> str:
            stopper.sessions.end()
            return "out"

        @app.get("/form")
        @browser_session
        def form() -> str:
            return render_template_string(FORM)

        @app.get("/login-form")
        @public
        def login_form() -> str:
            return render_template_string(FORM)

        @app.route("/pay", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
        @browser_session
        def pay() -> str:
            self.ran.append(request.method)
            return f"paid by {current_principal.subject}"

        @app.post("/either")
        @(browser_session | bearer)
        def either() -> str:
            return current_principal.kind

        @app.get("/admin")
        @(browser_session & role("admin") & mfa & fresh(minutes=5))
        def admin() -> str:
            return "admin"

        @app.get("/token")
        @bearer
        def token_only() -> str:
            return current_principal.subject

        @app.get("/key")
        @api_key
        def key_only() -> str:
            return current_principal.subject

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def log_in(self, name: str = "ann") -> FlaskClient:
        client = self.client()
        assert client.post("/login", data={"name": name}, headers=OWN, base_url="https://app.example.com").text == name
        return client


def get(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    return client.get(path, headers=headers, base_url="https://app.example.com")


def post(client: FlaskClient, path: str, method: str = "POST", data: Any = None, **headers: str) -> TestResponse:
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.open(path, method=method, headers=shown, data=data, base_url="https://app.example.com")


def csrf_of(client: FlaskClient) -> str:
    cookie = client.get_cookie(CSRF, domain="app.example.com")
    assert cookie is not None
    return cookie.value


def session_of(client: FlaskClient) -> str:
    cookie = client.get_cookie(COOKIE, domain="app.example.com")
    assert cookie is not None
    return cookie.value


def made_at(folder: Path) -> Iterator[Made]:
    """For a fixture: one application that keeps its sessions in *folder*."""
    one = Made(folder)
    yield one
    store = one.app.extensions["stopper"].parts.store
    assert store is not None
    store.close()
