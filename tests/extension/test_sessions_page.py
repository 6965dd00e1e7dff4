"""The example and the tables of docs/sessions.md hold."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from stopper.auth import session
from stopper.core.settings import declared
from stopper.extension.session_cookie import cookies_for
from stopper.extension.sessions import BrowserSessions

PAGE = (Path(__file__).parents[2] / "docs" / "sessions.md").read_text("utf-8")
EXAMPLE = re.findall(r"<!-- example: sessions -->\n```python\n(.*?)```", PAGE, re.DOTALL)[0]
AT = {"base_url": "https://notes.example.com"}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setenv("STOPPER_DATABASE_URL", f"sqlite:///{tmp_path}/stopper.db")
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(EXAMPLE, "docs/sessions.md", "exec"), names)
    yield names["app"]
    names["app"].extensions["stopper"].parts.store.close()


def test_the_example_from_log_in_to_log_out(app: Flask) -> None:
    client = app.test_client()
    own = {"Sec-Fetch-Site": "same-origin"}
    wrong = {"name": "ann", "password": "wrong"}
    assert client.post("/login", data=wrong, headers=own, **AT).status_code == 401
    right = {"name": "ann", "password": "correct horse battery"}
    assert client.post("/login", data=right, headers=own, **AT).status_code == 200

    def token() -> dict[str, str]:
        cookie = client.get_cookie("__Host-stopper-csrf", domain="notes.example.com")
        assert cookie is not None
        return {"X-CSRF-Token": cookie.value}

    field = re.findall(r'name="csrf_token" value="([^"]+)"', client.get("/notes", **AT).text)[0]
    assert client.post("/notes", data={"csrf_token": field}, **AT).json == {"by": "ann"}
    assert client.post("/notes", headers=token(), **AT).status_code == 201
    assert client.post("/notes", **AT).status_code == 403
    assert client.get("/danger", **AT).status_code == 403
    assert client.post("/second-factor", headers=token(), **AT).status_code == 204
    assert client.get("/danger", **AT).json == {"welcome": "ann"}
    listed: Any = client.get("/sessions", **AT).json
    assert [one["here"] for one in listed] == [True]
    assert client.delete("/sessions/nobody", headers=token(), **AT).status_code == 404
    assert client.post("/logout", headers=token(), **AT).status_code == 204
    assert client.get("/notes", **AT).status_code == 401


def test_the_page_says_the_defaults_and_names_every_setting() -> None:
    assert set(re.findall(r"STOPPER_[A-Z_]+", PAGE)) <= set(declared)
    ours = {value.key for value in vars(session).values() if type(value).__name__ == "Setting"}
    assert ours == set(re.findall(r"STOPPER_SESSION_[A-Z_]+", PAGE))
    assert f"STOPPER_SESSION_IDLE_LIFETIME, {session.idle_lifetime.default // 60} minutes" in PAGE
    assert f"STOPPER_SESSION_LIFETIME, {session.lifetime.default // 3600} hours" in PAGE
    assert f"for one person, {session.limit.default};" in PAGE


def test_the_page_names_every_call_and_both_cookies() -> None:
    calls = {name for name in vars(BrowserSessions) if not name.startswith("_")} - {
        "shown",
        "authenticate",
        "hold_back",
    }
    assert {name for name in calls if f"`{name}(" not in PAGE and f".{name}(" not in PAGE} == set()
    for mode in ("prod", "dev"):
        cookies = cookies_for(mode, "")
        assert f"`{cookies.session}" in PAGE
        assert ("Secure`" in PAGE) >= cookies.secure
