"""The examples and tables of docs/guard.md hold."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask
from tests.auth.token_smith import b64, eddsa, header
from tests.extension.made import issuer

import stopper
from stopper import Stopper
from stopper.core.settings import declared
from stopper.extension import settings

PAGE = (Path(__file__).parents[2] / "docs" / "guard.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"<!-- example: ([a-z ]+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))


def run(name: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(EXAMPLES[name], f"docs/guard.md: {name}", "exec"), names)
    return names


def test_the_quick_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = ed25519.Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "kid": "k", "alg": "EdDSA", "x": b64(own.public_key().public_bytes_raw())}
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [jwk]}))
    monkeypatch.chdir(tmp_path)
    client = run("quick start")["app"].test_client()
    claims = {"iss": "https://auth.example.com", "aud": "https://notes.example.com", "sub": "alice", "iat": 1_700_000_000, "exp": 4_000_000_000,
              "jti": "1"}  # fmt: skip

    def get(path: str, **more: Any) -> int:
        token = eddsa(own, header(alg="EdDSA"), {**claims, **more})
        return int(client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code)

    assert client.get("/health").status_code == 200
    assert client.get("/notes").status_code == 401
    assert get("/notes") == 403
    assert get("/notes", scope="notes:read") == 200


def test_the_policies() -> None:
    app: Flask = run("policies")["app"]
    Stopper(app, issuers=[issuer()], api_keys=object()).seal()  # type: ignore[arg-type]
    assert app.extensions["stopper"].policies["profile"] == {"GET": "public", "POST": "bearer"}
    client = app.test_client()
    assert client.get("/profile").status_code == 200
    for path, method in (("/profile", "POST"), ("/notes/1", "GET"), ("/users/1", "DELETE")):
        assert client.open(path, method=method).status_code == 401


def test_opaque_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_SECRET", "not-to-be-seen-4711")
    app: Flask = run("opaque tokens")["app"]
    parts = app.extensions["stopper"].parts
    assert parts.opaque is not None
    assert parts.verifier is None


def test_the_page_names_every_setting_of_the_guard_and_its_default() -> None:
    named = set(re.findall(r"STOPPER_[A-Z_]+", PAGE))
    ours = {value.key for value in vars(settings).values() if type(value).__name__ == "Setting"}
    assert ours <= named
    assert named <= set(declared)


def test_the_page_names_every_policy_word() -> None:
    words = [name for name in stopper.__all__ if name.islower() and name != "current_principal"]
    assert [word for word in words if f"`{word}" not in PAGE and f"{word}(" not in PAGE] == []
