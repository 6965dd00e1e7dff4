"""What docs/migrate/ shows can be typed as it stands."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask
from tests.auth.token_smith import b64, eddsa, header
from tests.compat.made import SECRET, access, bearer, refresh, signed
from werkzeug.security import generate_password_hash

from stopper.compat.flask_jwt_extended.defaults import DEFAULTS
from stopper.scan.catalogue import survey
from stopper.scan.engine import run_detectors
from stopper.scan.source.read import read_source

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


@pytest.mark.feature("F85")
def test_the_application_that_moved(shop: dict[str, Any]) -> None:
    _log_in_and_read(shop["app"])


def test_stopper_on_top(shop: dict[str, Any]) -> None:
    _run("flask-jwt-extended.md", "stopper on top", shop)
    _log_in_and_read(shop["app"])
    assert shop["app"].extensions["stopper"].policies["notes"] == {"GET": "jwt_required()"}


def test_both_guards_take_the_same_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET_KEY", SECRET)
    app: Flask = _run("flask-jwt-extended.md", "view by view")["app"]
    client = app.test_client()
    for path in ("/old", "/new"):
        assert client.get(path, headers=bearer(access(app))).json == {"who": "ann"}
        assert client.get(path, headers=bearer(refresh(app))).status_code == 401
        assert client.get(path).status_code == 401


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


@pytest.mark.feature("F85")
def test_every_failing_test_of_the_originals_is_listed() -> None:
    text = (PAGES / "flask-jwt-extended.md").read_text("utf-8")
    figures = re.search(r"`JWT_ALLOW_LEGACY_MESSAGES` \| (\d+) \(90\.6 %.*?\| (\d+) \| (\d+) \|", text)
    assert figures is not None
    passed, failed, skipped = (int(figure) for figure in figures.groups())
    listed = re.findall(r"^\| `test_\w+\.py::", text, re.MULTILINE)
    assert len(listed) == failed
    assert passed + failed + skipped == 181
    assert f"{100 * passed / (passed + failed):.1f}" == "90.6"


GUIDES = ["authlib.md", "flask-httpauth.md", "flask-security.md", "pyjwt.md"]


def _claims(**more: Any) -> dict[str, Any]:
    return {"sub": "ann", "iat": int(time.time()), "exp": int(time.time()) + 60, **more}


def test_from_pyjwt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_SECRET", SECRET)
    client = _run("pyjwt.md", "after")["app"].test_client()
    ours = {"iss": "https://shop.example.com", "aud": "https://api.shop.example.com"}
    token = signed({"alg": "HS256", "typ": "JWT"}, _claims(**ours))
    assert client.get("/notes", headers=bearer(token)).json == {"notes_of": "ann"}
    assert client.get("/notes").status_code == 401
    assert client.get("/notes", headers=bearer(signed({"alg": "HS256", "typ": "JWT"}, _claims()))).status_code == 401
    assert client.delete("/notes/00000000-0000-4000-8000-000000000001", headers=bearer(token)).status_code == 403
    writer = signed({"alg": "HS256", "typ": "JWT"}, _claims(scope="notes:write", **ours))
    assert client.delete("/notes/00000000-0000-4000-8000-000000000001", headers=bearer(writer)).status_code == 204


def test_from_flask_httpauth(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/stopper.db")
    monkeypatch.setenv("API_KEY_PEPPER", SECRET)
    names = _run("flask-httpauth.md", "after")
    client = names["app"].test_client()
    _run("flask-httpauth.md", "issue", names)
    key = capsys.readouterr().out.strip()
    assert client.get("/reports", headers={"X-API-Key": key}).json == {"reports_for": "reporting"}
    assert client.get("/reports").status_code == 401
    other = names["keys"].issue("other", name="another", scopes=["x"]).key.reveal()
    assert client.get("/reports", headers={"X-API-Key": other}).status_code == 403
    names["keys"].revoke(names["new"].record.id)
    assert client.get("/reports", headers={"X-API-Key": key}).status_code == 401
    names["store"].close()


def test_from_authlib(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = ed25519.Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "kid": "k", "alg": "EdDSA", "x": b64(own.public_key().public_bytes_raw())}
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [jwk]}), "utf-8")
    monkeypatch.chdir(tmp_path)
    client = _run("authlib.md", "after")["app"].test_client()

    def get(path: str, scope: str) -> int:
        claims = _claims(iss="https://login.example.com", aud="https://api.example.com", jti="1", scope=scope)
        return int(client.get(path, headers=bearer(eddsa(own, header(alg="EdDSA"), claims))).status_code)

    assert (get("/profile", "profile"), get("/profile", "mail")) == (200, 403)
    assert [get("/mail", scope) for scope in ("mail", "profile email", "profile")] == [200, 200, 403]
    assert client.get("/profile").status_code == 401


def test_from_flask_security(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ISSUER", "http://127.0.0.1:5000")
    monkeypatch.setenv("STOPPER_MODE", "dev")
    monkeypatch.setenv("DATA", str(tmp_path))
    names = _run("flask-security.md", "after")
    client = names["app"].test_client()
    person = {"email": "ann@example.org", "password": "four walks along the river"}
    assert client.get("/notes").status_code == 401
    assert client.post("/auth/register", json=person).status_code == 201
    answer = client.post("/auth/login", json=person).json
    assert answer is not None
    assert client.get("/notes", headers=bearer(answer["access_token"])).status_code == 200
    assert client.delete("/users/1", headers=bearer(answer["access_token"])).status_code == 403
    names["accounts"].store.close()


@pytest.mark.parametrize("page", GUIDES)
def test_what_stood_there_before_is_python(page: str) -> None:
    """Its libraries need not be installed here, so it is read and not run."""
    compile(_blocks(page)["before"], page, "exec")


@pytest.mark.parametrize("page", GUIDES)
def test_after_the_move_no_route_is_open_and_no_token_is_handled_by_hand(page: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_blocks(page)["after"], "utf-8")
    families = {"jwt", "bearer", "api-key", "authorization", "crypto"}
    rules = [rule for rule in survey()[0] if rule.family in families and rule.detect is not None]
    hits = {result.rule.slug for result in run_detectors(read_source([tmp_path], tmp_path).app, rules) if result.hits}
    assert hits == set()


def test_before_the_move_from_pyjwt_there_was_something_to_say(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_blocks("pyjwt.md")["before"], "utf-8")
    rules = [rule for rule in survey()[0] if rule.detect is not None]
    hits = {result.rule.slug for result in run_detectors(read_source([tmp_path], tmp_path).app, rules) if result.hits}
    assert {"jwt-secret-reused", "route-without-authentication", "jwt-audience-issuer-unchecked"} <= hits
