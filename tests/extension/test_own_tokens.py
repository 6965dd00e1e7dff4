"""With the embedded store: the tokens of this system's own service pass, until they are revoked or their key is taken away."""

import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from stopper import Secret, Stopper, api_key, bearer, once, scope
from stopper.auth.access_token import AccessTokens
from stopper.auth.api_key import ApiKeys
from stopper.auth.clock import system_clock
from stopper.auth.keyring import Keyring
from stopper.auth.revocation import Revocations
from stopper.store import Store, open_store

ISSUER, AUDIENCE = "https://auth.example", "https://api.example"
PEPPER = bytes(range(3, 40)).hex()


class Service:
    """The other side: issues and revokes over the same database, as the auth service does."""

    def __init__(self, url: str) -> None:
        self.store: Store = open_store(url)
        self.store.migrate()
        self.keyring = Keyring(self.store.keys, system_clock)
        self.keyring.ensure_key()
        self.tokens = AccessTokens(ISSUER, AUDIENCE, self.keyring.signing_key, system_clock)
        self.revocations = Revocations(self.store.revocations, system_clock, token_lifetime=900)

    def issue(self, **options: Any) -> str:
        return self.tokens.issue(
            "alice", client_id="web", auth_time=int(time.time()), sid="family-1", **options
        ).reveal()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data/stopper.db"


@pytest.fixture
def service(url: str) -> Any:
    service = Service(url)
    yield service
    service.store.close()


@pytest.fixture
def app(url: str, service: Service) -> Flask:
    app = Flask("own")
    app.config.update(
        STOPPER_ISSUER=ISSUER, STOPPER_AUDIENCE=AUDIENCE, STOPPER_DATABASE_URL=url, STOPPER_API_KEY_PEPPER=PEPPER
    )
    stopper = Stopper(app)
    app.add_url_rule("/notes", "notes", (bearer & scope("notes:read"))(lambda: "notes"))
    app.add_url_rule("/pay", "pay", (bearer & once)(lambda: "paid"))
    app.add_url_rule("/key", "key", api_key(lambda: "key"))
    stopper.seal()
    return app


def status(app: Flask, path: str, token: str) -> int:
    return app.test_client().get(path, headers=[("Authorization", f"Bearer {token}")]).status_code


def test_a_token_of_the_service_passes(app: Flask, service: Service) -> None:
    assert status(app, "/notes", service.issue(scopes=["notes:read"])) == 200
    assert status(app, "/notes", service.issue()) == 403


def test_a_revoked_token_family_or_person_is_refused(app: Flask, service: Service) -> None:
    for revoke in (
        lambda: service.revocations.revoke_family("family-1"),
        lambda: service.revocations.revoke_subject("alice"),
        service.revocations.revoke_all,
    ):
        token = service.issue(scopes=["notes:read"])
        assert status(app, "/notes", token) in (200, 401)
        revoke()
        deadline = time.monotonic() + 20
        while status(app, "/notes", token) != 401:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_rotated_key_serves_and_a_retired_one_does_not(app: Flask, service: Service) -> None:
    old = service.issue(scopes=["notes:read"])
    assert status(app, "/notes", old) == 200
    kid = service.keyring.signing_key().kid
    service.keyring.activate()
    assert service.keyring.signing_key().kid != kid
    assert status(app, "/notes", old) == 200
    service.keyring.retire(kid, at_once=True)
    guard = app.extensions["stopper"]
    source = next(iter(guard.parts.verifier._issuers.values()))[0].keys
    source.reload()
    assert status(app, "/notes", old) == 401
    assert status(app, "/notes", service.issue(scopes=["notes:read"])) == 200


def test_once_holds_over_the_database(app: Flask, service: Service) -> None:
    token = service.issue()
    assert [status(app, "/pay", token) for _ in range(3)] == [200, 401, 401]


def test_api_keys_of_the_store_pass(app: Flask, service: Service, url: str) -> None:
    keys = ApiKeys(service.store.api_keys, Secret(PEPPER))
    made = keys.issue("alice", name="ci")
    client = app.test_client()
    assert client.get("/key", headers=[("X-API-Key", made.key.reveal())]).status_code == 200
    keys.revoke(made.record.id)
    assert client.get("/key", headers=[("X-API-Key", made.key.reveal())]).status_code == 401


def test_a_database_that_does_not_answer_lets_nobody_pass_and_may_come_back(
    tmp_path: Path, service: Service, url: str
) -> None:
    good = Path(url.removeprefix("sqlite:///"))
    token = service.issue(scopes=["notes:read"])
    service.store.close()
    content = good.read_bytes()
    good.write_bytes(b"not a database" * 100)
    for leftover in good.parent.glob("stopper.db-*"):
        leftover.unlink()
    app = Flask("own")
    app.config.update(STOPPER_ISSUER=ISSUER, STOPPER_AUDIENCE=AUDIENCE, STOPPER_DATABASE_URL=url)
    Stopper(app)
    app.add_url_rule("/notes", "notes", (bearer & scope("notes:read"))(lambda: "notes"))
    assert [status(app, "/notes", token) for _ in range(2)] == [503, 503]
    good.write_bytes(content)
    assert status(app, "/notes", token) == 200


def test_api_keys_need_no_issuer(url: str) -> None:
    app = Flask("own")
    app.config.update(STOPPER_DATABASE_URL=url, STOPPER_API_KEY_PEPPER=PEPPER)
    stopper = Stopper(app)
    app.add_url_rule("/key", "key", api_key(lambda: "key"))
    stopper.seal()
    store = open_store(url)
    made = ApiKeys(store.api_keys, Secret(PEPPER)).issue("alice", name="ci")
    assert app.test_client().get("/key", headers=[("X-API-Key", made.key.reveal())]).status_code == 200
    store.close()


def test_without_a_url_the_instance_folder_is_used(tmp_path: Path) -> None:
    app = Flask("own", instance_path=str(tmp_path / "instance"))
    app.config.update(STOPPER_ISSUER=ISSUER, STOPPER_AUDIENCE=AUDIENCE)
    stopper = Stopper(app)
    app.add_url_rule("/notes", "notes", bearer(lambda: "notes"))
    stopper.seal()
    assert (tmp_path / "instance" / "stopper.db").exists()
    assert (tmp_path / "instance").stat().st_mode & 0o077 == 0
    assert status(app, "/notes", "a.b.c") == 401
