"""What docs/migrate/ shows can be typed as it stands."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from tests.compat.made import SECRET, bearer
from werkzeug.security import generate_password_hash

from stopper.compat.flask_jwt_extended.defaults import DEFAULTS

PAGES = Path(__file__).parents[2] / "docs" / "migrate"
_BLOCK = re.compile(r"<!-- test: (?P<name>[a-z. ]+) -->\n```python\n(?P<text>.*?)```", re.DOTALL)


def _blocks(page: str) -> dict[str, str]:
    return {found["name"]: found["text"] for found in _BLOCK.finditer((PAGES / page).read_text("utf-8"))}


def _run(page: str, name: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    names = {"__name__": "shop"} if names is None else names
    exec(compile(_blocks(page)[name], f"docs/migrate/{page}: {name}", "exec"), names)
    return names


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("JWT_SECRET_KEY", SECRET)
    monkeypatch.setenv("STOPPER_MODE", "dev")
    monkeypatch.setenv("ANNS_PASSWORD_HASH", generate_password_hash("four walks along the river"))
    monkeypatch.setenv("NOBODYS_PASSWORD_HASH", generate_password_hash(SECRET))
    return _run("flask-jwt-extended.md", "app")


def _log_in_and_read(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/notes").status_code == 401
    assert client.post("/login", json={"name": "ann", "password": "x"}).status_code == 401
    assert client.post("/login", json={"name": "bob", "password": "x"}).status_code == 401
    answer = client.post("/login", json={"name": "ann", "password": "four walks along the river"})
    assert answer.json is not None
    assert client.get("/notes", headers=bearer(answer.json["access_token"])).json == {"notes_of": "ann"}


def test_the_application_that_moved(shop: dict[str, Any]) -> None:
    _log_in_and_read(shop["app"])


def test_stopper_on_top(shop: dict[str, Any]) -> None:
    _run("flask-jwt-extended.md", "stopper on top", shop)
    _log_in_and_read(shop["app"])
    assert shop["app"].extensions["stopper"].policies["notes"] == {"GET": "jwt_required()"}


def test_the_conftest_puts_this_module_in_the_originals_place(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(_blocks("flask-jwt-extended.md")["conftest.py"], "utf-8")
    (tmp_path / "test_it.py").write_text(
        "import flask_jwt_extended\nfrom flask import Flask\nfrom flask_jwt_extended import JWTManager\n"
        "from flask_jwt_extended.config import config\nfrom flask_jwt_extended.internal_utils import JSONEncoder\n\n\n"
        "def test_it():\n    app = Flask('x')\n    JWTManager(app)\n    assert JWTManager.__module__.startswith('stopper.compat')\n"
        "    assert app.config['JWT_ALLOW_LEGACY_MESSAGES'] is True\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


def test_every_switch_of_our_own_is_told() -> None:
    text = (PAGES / "flask-jwt-extended.md").read_text("utf-8")
    ours = {name for name in DEFAULTS if name.startswith("JWT_ALLOW_")}
    assert ours == set(re.findall(r"JWT_ALLOW_\w+", text))
    assert not any(DEFAULTS[name] for name in ours)


def test_every_failing_test_of_the_originals_is_listed() -> None:
    text = (PAGES / "flask-jwt-extended.md").read_text("utf-8")
    figures = re.search(r"`JWT_ALLOW_LEGACY_MESSAGES` \| (\d+) \(90\.6 %.*?\| (\d+) \| (\d+) \|", text)
    assert figures is not None
    passed, failed, skipped = (int(figure) for figure in figures.groups())
    listed = re.findall(r"^\| `test_\w+\.py::", text, re.MULTILINE)
    assert len(listed) == failed
    assert passed + failed + skipped == 181
    assert f"{100 * passed / (passed + failed):.1f}" == "90.6"
