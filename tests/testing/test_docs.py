"""The examples of docs/testing.md run as they stand there."""

import re
from pathlib import Path

import pytest
from tests.testing.conftest import write

CONFTEST = """
import flask, jwt, pytest
from flask_jwt_extended import JWTManager, create_access_token, get_jwt_identity, jwt_required

@pytest.fixture
def app():
    app = flask.Flask("shop")
    app.config.update(SECRET_KEY="kept-6f1b2c9d8e7a-apart-from-all", JWT_SECRET_KEY="kept-too-3c9d8e7a6f1b2-apart-from-all")
    JWTManager(app)
    app.add_url_rule("/health", "health", lambda: "ok")
    app.add_url_rule("/register", "register", lambda: ("", 201), methods=["POST"])
    app.add_url_rule("/login", "login", lambda: {"access_token": create_access_token("alice")}, methods=["POST"])
    app.add_url_rule("/echo", "echo", lambda: str(flask.request.headers))
    app.add_url_rule("/notes", "notes", jwt_required()(lambda: "notes"))

    @jwt_required()
    def delete(number):
        return "gone" if get_jwt_identity() == "admin" else flask.abort(403)

    app.add_url_rule("/notes/<int:number>", "delete", delete, methods=["DELETE"])
    return app

@pytest.fixture
def client(app):
    return app.test_client()

def make_token(app, name):
    with app.app_context():
        return create_access_token(name)

@pytest.fixture
def alice_token(app):
    return make_token(app, "alice")

@pytest.fixture
def admin_token(app):
    return make_token(app, "admin")
"""


@pytest.mark.feature("F74")
def test_every_example_runs(inner: pytest.Pytester, repository: Path) -> None:
    page = (repository / "docs/testing.md").read_text("utf-8")
    examples = re.findall(r"<!-- example: ([\w ]+) -->\n```python\n(.*?)```", page, re.DOTALL)
    assert [name for name, _ in examples] == ["leak guard", "allowing", "access matrix", "bad tokens"]
    doors = 'but=["GET /health"]', 'but=["GET /health", "GET /echo", "POST /login", "POST /register"]'
    files = {
        f"test_{number}": f"from conftest import make_token\n{text.replace(*doors)}"
        for number, (_, text) in enumerate(examples)
    }
    write(inner, conftest=CONFTEST, **files)
    result = inner.runpytest_inprocess("-W", "ignore")
    assert "failed" not in result.parseoutcomes(), result.stdout.str()
    assert result.parseoutcomes()["passed"] > 40
