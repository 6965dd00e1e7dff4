"""What the service says of itself, how it fails, and how another application gets its endpoints."""

import base64
import dataclasses
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from tests.servers.service import PASSWORD

from stopper.auth.clock import SetClock
from stopper.auth.limit import LocalCounters
from stopper.auth.policy import bearer
from stopper.auth.refresh_token import token_digest
from stopper.auth.requirement import scope
from stopper.core.errors import SettingError, StoreUnavailableError
from stopper.extension import Stopper, current_principal
from stopper.service import Accounts, create_app, mount_accounts, open_accounts
from stopper.service.throttle import Throttle

PERSON = {"email": "ann@example.com", "password": PASSWORD}


@pytest.fixture
def tokens(client: FlaskClient) -> dict[str, str]:
    client.post("/auth/register", json=PERSON)
    found = client.post("/auth/login", json=PERSON).json
    assert found
    return found


def test_the_document_names_every_route_and_every_reference_in_it_resolves(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document["openapi"] == "3.1.0"
    described = {(path, method.upper()) for path, operations in document["paths"].items() for method in operations}
    served = {
        (rule.rule.replace("<", "{").replace(">", "}"), method)
        for rule in client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == served
    for reference in _references(document):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def _references(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in ([item] if key == "$ref" else _references(item))]
    if isinstance(value, list):
        return [text for item in value for text in _references(item)]
    return []


def test_the_document_tells_the_truth_about_who_may_pass(client: FlaskClient) -> None:
    for path, operations in client.get("/openapi.json").json["paths"].items():
        for method, operation in operations.items():
            status = client.open(path, method=method.upper()).status_code
            assert (status == 401) is bool(operation["security"]), (path, method, status)


def test_in_prod_the_document_and_registration_are_not_there(accounts: Accounts) -> None:
    closed = dataclasses.replace(accounts, open_registration=False)
    client = create_app(closed, mode="prod").test_client()
    assert client.get("/openapi.json").status_code == 404
    assert client.post("/auth/register", json=PERSON).status_code == 404
    assert client.get("/health").status_code == 200


def test_the_public_keys_may_be_cached_and_nothing_else(client: FlaskClient, tokens: dict[str, str]) -> None:
    keys = client.get("/.well-known/jwks.json")
    assert keys.headers["Cache-Control"] == "public, max-age=300"
    assert keys.mimetype == "application/jwk-set+json"
    for path in ("/health", "/ready", "/openapi.json", "/auth/me"):
        for headers in ({}, {"Authorization": f"Bearer {tokens['access_token']}"}):
            assert client.get(path, headers=headers).headers["Cache-Control"] == "no-store", path


class Down:
    """A store's part whose every method fails."""

    def __getattr__(self, name: str) -> object:
        def fails(*_arguments: object, **_more: object) -> None:
            raise StoreUnavailableError

        return fails


def test_when_the_store_is_gone_it_is_503_and_a_log_out_is_no_success(
    accounts: Accounts, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CVE-2020-15223: revocation said 200 while the storage failed."""
    client = create_app(accounts, mode="dev").test_client()
    shown = {"Authorization": f"Bearer {tokens['access_token']}"}
    database = accounts.store.database
    with monkeypatch.context() as broken:
        broken.setattr(type(database), "_run", lambda *_a, **_k: (_ for _ in ()).throw(StoreUnavailableError()))
        answers = [
            client.post("/auth/login", json=PERSON),
            client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]}),
            client.post("/auth/logout", headers=shown),
            client.post("/auth/register", json=PERSON),
            client.get("/ready"),
        ]
        for answer in answers:
            assert answer.status_code == 503, answer.data
            assert answer.headers["Retry-After"]
        assert client.get("/health").status_code == 200
    assert client.get("/auth/me", headers=shown).status_code == 200, "nothing was ended"
    assert client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).status_code == 200


def test_the_other_envelope(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOPPER_ENVELOPE", "status")
    client = create_app(accounts, mode="dev").test_client()
    assert client.post("/auth/register", json=PERSON).json == {"status": "success", "message": "OK", "data": {}}
    good = client.post("/auth/login", json=PERSON).json
    assert good["status"] == "success"
    assert good["data"]["token_type"] == "Bearer"
    bad = client.post("/auth/login", json={**PERSON, "x": "y"})
    assert (bad.status_code, bad.json["status"], bad.json["error"]["field"]) == (400, "failed", "x")
    assert client.get("/auth/me").json["status"] == "failed"


def test_any_guarded_application_can_have_the_endpoints(accounts: Accounts) -> None:
    app = Flask("notes")
    app.config["STOPPER_MODE"] = "dev"
    stopper = Stopper(app, issuers=[accounts.issuer], revocations=accounts.revocations)
    mount_accounts(app, stopper, accounts)

    @app.get("/notes")
    @(bearer & scope("notes:read"))
    def notes() -> dict[str, str]:
        return {"of": current_principal.subject}

    @app.get("/admin")
    @(bearer & scope("admin"))
    def admin() -> dict[str, str]:
        return {}

    stopper.seal()
    client = app.test_client()
    client.post("/auth/register", json=PERSON)
    tokens = client.post("/auth/login", json=PERSON).json
    shown = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.get("/notes", headers=shown).json["of"] == client.get("/auth/me", headers=shown).json["subject"]
    assert client.get("/admin", headers=shown).status_code == 403
    assert client.get("/notes").status_code == 401
    client.post("/auth/logout", headers=shown)
    assert client.get("/notes", headers=shown).status_code == 401


def test_a_guard_that_does_not_follow_the_revocations_is_refused(accounts: Accounts) -> None:
    app = Flask("notes")
    app.config["STOPPER_MODE"] = "dev"
    stopper = Stopper(app, issuers=[accounts.issuer])
    with pytest.raises(SettingError, match="log-out would end nothing"):
        mount_accounts(app, stopper, accounts)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "RS256", "PS256"])
def test_another_algorithm_by_setting(tmp_path: Path, algorithm: str) -> None:
    accounts = open_accounts(
        "https://i.example",
        "https://a.example",
        data=tmp_path / "d",
        config={"STOPPER_SIGNING_ALGORITHM": algorithm},
        open_registration=True,
    )
    client = create_app(accounts, mode="dev").test_client()
    client.post("/auth/register", json=PERSON)
    tokens = client.post("/auth/login", json=PERSON).json
    assert client.get("/auth/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}).status_code == 200
    assert [key["alg"] for key in client.get("/.well-known/jwks.json").json["keys"]] == [algorithm]
    accounts.store.close()


def test_a_device_that_was_named_at_login_is_held_to(client: FlaskClient) -> None:
    client.post("/auth/register", json=PERSON)
    tokens = client.post("/auth/login", json={**PERSON, "device": "phone"}).json
    other = {"refresh_token": tokens["refresh_token"], "device": "laptop"}
    assert client.post("/auth/refresh", json=other).status_code == 401
    right = {"refresh_token": tokens["refresh_token"], "device": "phone"}
    assert client.post("/auth/refresh", json=right).status_code == 200


def test_secret_values_are_in_no_answer_but_the_one_that_gives_them(
    client: FlaskClient, tokens: dict[str, str]
) -> None:
    shown = {"Authorization": f"Bearer {tokens['access_token']}"}
    me = client.get("/auth/me", headers=shown)
    assert "password" not in json.dumps(me.json)
    assert tokens["refresh_token"] not in me.text


def test_a_protected_request_costs_no_statement_in_the_normal_case(accounts: Accounts) -> None:
    app = Flask("notes")
    app.config["STOPPER_MODE"] = "dev"
    stopper = Stopper(app, issuers=[accounts.issuer], revocations=accounts.revocations)
    mount_accounts(app, stopper, accounts)

    @app.get("/notes")
    @bearer
    def notes() -> dict[str, str]:
        return {}

    client = app.test_client()
    client.post("/auth/register", json=PERSON)
    shown = {"Authorization": f"Bearer {client.post('/auth/login', json=PERSON).json['access_token']}"}
    assert client.get("/notes", headers=shown).status_code == 200
    accounts.revocations.refresh()
    statements: list[str] = []
    event.listen(accounts.store.database.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
    for _ in range(100):
        assert client.get("/notes", headers=shown).status_code == 200
    # A hundred requests may last longer than one poll of the journal; nothing else is ever asked.
    assert all("revocations" in text for text in statements)
    assert len(statements) <= 5


def test_variables_for_an_api_beside_it_do_not_change_whom_the_service_trusts(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOPPER_ISSUER", accounts.issuer.url)
    monkeypatch.setenv("STOPPER_AUDIENCE", "https://other.example")
    client = create_app(accounts, mode="dev").test_client()
    client.post("/auth/register", json=PERSON)
    tokens = client.post("/auth/login", json=PERSON).json
    assert client.get("/auth/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}).status_code == 200


@pytest.mark.feature("F43")
def test_a_disabled_person_is_out_at_once(accounts: Accounts, tokens: dict[str, str]) -> None:
    """CVE-2025-65430 (allauth), CVE-2024-22513 (simplejwt): tokens of disabled people went on working."""
    client = create_app(accounts, mode="dev").test_client()
    shown = {"Authorization": f"Bearer {tokens['access_token']}"}
    found = accounts.store.accounts.by_email("ann@example.com")
    assert found is not None
    accounts.store.accounts.disable(found.id, accounts.clock())
    accounts.revocations.refresh()
    assert client.get("/auth/me", headers=shown).status_code == 401
    assert client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).status_code == 401
    assert client.post("/auth/login", json=PERSON).status_code == 401


def test_thirty_two_who_register_one_address_make_one_account(accounts: Accounts) -> None:
    app = create_app(
        dataclasses.replace(accounts, throttle=Throttle(LocalCounters(monotonic=SetClock(0.0)))), mode="dev"
    )

    def register(number: int) -> tuple[int, bytes]:
        answer = app.test_client().post(
            "/auth/register", json=PERSON, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"}
        )
        return answer.status_code, answer.data

    with ThreadPoolExecutor(32) as pool:
        answers = set(pool.map(register, range(32)))
    assert answers == {(201, b"{}")}


@pytest.mark.feature("F17")
def test_no_logger_shows_a_password_token_or_digest_even_at_debug(
    accounts: Accounts, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("sqlalchemy.engine", "sqlalchemy.pool", "stopper", "werkzeug"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    client = create_app(accounts, mode="dev").test_client()
    try:
        client.post("/auth/register", json=PERSON)
        tokens = client.post("/auth/login", json=PERSON).json
        client.post("/auth/login", json={**PERSON, "password": "canary password typed wrong"})
        client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        client.get("/auth/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    finally:
        for name in ("sqlalchemy.engine", "sqlalchemy.pool", "stopper", "werkzeug"):
            logging.getLogger(name).setLevel(logging.NOTSET)
    stored = accounts.store.accounts.by_email("ann@example.com")
    assert stored is not None
    digest = token_digest(tokens["refresh_token"])
    shown = caplog.text + "".join(capfd.readouterr())
    assert "decision=pass" in shown, "the log was on"
    for secret in (
        PASSWORD, "canary password", tokens["refresh_token"], tokens["access_token"].split(".")[2], stored.password_hash,
        stored.password_hash.split("$")[-1], repr(digest)[2:12], digest.hex(),
    ):  # fmt: skip
        assert secret not in shown


def test_a_signing_key_by_reference_is_taken_in_at_the_start(tmp_path: Path) -> None:
    """From a file here; the environment, Vault and the clouds are the same references."""
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "key.pem"
    file.write_bytes(pem)
    file.chmod(0o600)
    for _ in range(2):
        made = open_accounts(
            "https://auth.example.com",
            "https://api.example.com",
            data=tmp_path / "data",
            environ={"STOPPER_SIGNING_KEY": f"file:{file}"},
        )
        (key,) = made.keyring.signing_keys()
        assert key.private_bytes() in base64.b64decode(b"".join(pem.splitlines()[1:-1]))
        made.store.close()
