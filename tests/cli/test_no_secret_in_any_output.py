"""Canaries everywhere that a secret can stand; every command, every format, both streams: none comes out."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from flask import Flask, request

Run = Callable[..., "subprocess.CompletedProcess[str]"]

CANARIES = {
    "jwt secret": "canaryJwtSigningSecret01",
    "session key": "canarySessionKey02",
    "api key": "canaryApiKeyLiteral03",
    "database password": "canaryDatabasePassword04",
    "bearer token": "canaryBearerToken05",
    "basic password": "canaryBasicPassword06",
    "cookie": "canaryCookieValue07",
    "key header": "canaryKeyHeader08",
    "environment": "canaryEnvironmentValue09",
}

APP = f'''"""Full of secrets."""
import os

import jwt
from flask import Flask, jsonify, request

app = Flask(__name__)
app.config["SECRET_KEY"] = "{CANARIES["session key"]}"
app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://app:{CANARIES["database password"]}@db/app"
JWT_SECRET = "{CANARIES["jwt secret"]}"
API_KEY = "{CANARIES["api key"]}"


@app.post("/login")
def login():
    return {{"access_token": jwt.encode({{"sub": "ann"}}, "{CANARIES["jwt secret"]}", algorithm="HS256")}}


@app.get("/me")
def me():
    claims = jwt.decode(request.headers["Authorization"][7:], options={{"verify_signature": False}})
    return jsonify(claims)


@app.get("/export")
def export():
    if request.headers.get("X-API-Key") == "{CANARIES["api key"]}":
        return "all"
    return "no", 401


@app.get("/debug/config")
def config():
    return {{key: str(value) for key, value in app.config.items()}} | {{"env": os.environ.get("APP_PASSWORD", "")}}


@app.errorhandler(Exception)
def failed(error):
    return str(error) + " " + request.headers.get("Authorization", ""), 500


if __name__ == "__main__":
    app.run(debug=True)
'''

IDENTITIES = [
    "--identity", f"ann=Bearer {CANARIES['bearer token']}",
    "--identity", f"bob=Basic bob:{CANARIES['basic password']}",
    "--identity", f"cat=Cookie session={CANARIES['cookie']}",
    "--identity", f"dan=ApiKey:X-Odd-Name:{CANARIES['key header']}",
]  # fmt: skip
FORMATS = ("json", "sarif", "html", "junit", "github", "text")


def searched(done: "subprocess.CompletedProcess[str]", folder: Path) -> str:
    """Everything that a run wrote: both streams and every report."""
    reports = "".join((folder / f"report.{name}").read_text("utf-8") for name in FORMATS)
    return done.stdout + done.stderr + reports


def outputs() -> list[str]:
    return [part for name in FORMATS for part in ("--format", name, "--output", f"report.{name}")]


def assert_clean(said: str) -> None:
    assert "***" in said
    assert {kind for kind, value in CANARIES.items() if value in said} == set()


@pytest.fixture
def secretive(folder: Path) -> Path:
    (folder / "app.py").write_text(APP)
    return folder


def test_check(stopper: Run, secretive: Path) -> None:
    done = stopper("check", *outputs())
    assert done.returncode == 1, done.stderr
    said = searched(done, secretive) + stopper("check", "--diff").stdout
    assert "jwt-secret-hardcoded" in said
    assert {kind for kind, value in CANARIES.items() if value in said} == set()


def test_check_of_a_file_that_does_not_parse(stopper: Run, secretive: Path) -> None:
    (secretive / "app.py").write_text(f'from flask import Flask\npassword = "{CANARIES["database password"]}\ndef\n')
    done = stopper("check", *outputs())
    assert done.returncode == 3
    assert CANARIES["database password"] not in searched(done, secretive)


def test_audit(stopper: Run, secretive: Path) -> None:
    done = stopper("audit", "app:app", "--active", *IDENTITIES, *outputs(), APP_PASSWORD=CANARIES["environment"])
    assert done.returncode == 1, done.stderr
    assert_clean(searched(done, secretive))


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def echoing() -> Iterator[str]:
    """An API that gives back everything that it was sent, and keys of its own."""
    app = Flask("echoing")

    @app.get("/me")
    def me() -> tuple[dict[str, object], int]:
        if not request.headers.get("Authorization"):
            return {"error": "no token"}, 401
        return {"headers": dict(request.headers), "api_key": CANARIES["api key"], "args": request.args}, 200

    @app.get("/openapi.json")
    def openapi() -> dict[str, object]:
        answers = {"responses": {"200": {"description": "ok"}}}
        return {"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {"/me": {"get": answers}}}

    server: WSGIServer = make_server("127.0.0.1", 0, app, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_scan(stopper: Run, folder: Path, echoing: str) -> None:
    done = stopper("scan", echoing, *IDENTITIES, *outputs())
    assert done.returncode == 1, done.stdout + done.stderr
    assert_clean(searched(done, folder))


def test_scan_with_credentials_from_file_and_environment(stopper: Run, folder: Path, echoing: str) -> None:
    (folder / "ann.txt").write_text(f"Bearer {CANARIES['bearer token']}\n")
    given = ["--identity", "ann=@ann.txt", "--identity", "dan=env:DAN"]
    done = stopper("scan", echoing, *given, *outputs(), DAN=f"ApiKey:X-Odd-Name:{CANARIES['key header']}")
    assert done.returncode == 1, done.stdout + done.stderr
    assert_clean(searched(done, folder))
