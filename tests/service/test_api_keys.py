"""``/auth/api-keys``: own keys alone, never more than one may do, tokens that end with their key, leaks reported by anybody."""

from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from tests.servers.service import PASSWORD

from stopper import Stopper, api_key, bearer, scope
from stopper.auth.clock import SetClock
from stopper.auth.password import Passwords
from stopper.service import Accounts, create_app, open_accounts


def log_in(client: FlaskClient, name: str = "ann") -> dict[str, str]:
    person = {"email": f"{name}@example.com", "password": PASSWORD}
    client.post("/auth/register", json=person)
    found = client.post("/auth/login", json=person).json
    assert found
    return {"Authorization": f"Bearer {found['access_token']}"}


def make(client: FlaskClient, who: dict[str, str], **fields: object) -> dict:
    found = client.post("/auth/api-keys", headers=who, json={"name": "ci", **fields})
    assert found.status_code == 201, found.data
    assert found.headers["Cache-Control"] == "no-store"
    assert found.json
    return found.json


@pytest.fixture
def api(accounts: Accounts) -> FlaskClient:
    """An API beside the service, over the same store."""
    app = Flask("api")
    stopper = Stopper(
        app,
        issuers=[accounts.issuer],
        revocations=accounts.revocations,
        api_keys=accounts.api_keys,
        store=accounts.store,
    )
    app.add_url_rule("/key", "key", (api_key & scope("notes:read"))(lambda: "key"))
    app.add_url_rule("/token", "token", (bearer & scope("notes:read"))(lambda: "token"))
    stopper.seal()
    return app.test_client()


def test_a_key_is_shown_once_and_does_what_its_owner_may(client: FlaskClient, api: FlaskClient) -> None:
    ann = log_in(client)
    made = make(client, ann, scope="notes:read", expires_in=3600, addresses=["127.0.0.0/8"])
    assert api.get("/key", headers={"X-API-Key": made["key"]}).status_code == 200
    shown = client.get("/auth/api-keys", headers=ann)
    assert made["key"] not in shown.text
    assert [(one["id"], one["scope"], one["addresses"]) for one in shown.json["api_keys"]] == [
        (made["id"], "notes:read", ["127.0.0.0/8"])
    ]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"scope": "notes:read admin"}, "scope"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": True}, "expires_in"),
        ({"expires_in": "1"}, "expires_in"),
        ({"addresses": ["0.0.0.0/0"]}, "0.0.0.0/0"),
        ({"addresses": "10.0.0.0/8"}, "addresses"),
        ({"addresses": [1]}, "addresses"),
        ({"addresses": ["10.0.0.0/8"] * 65}, "addresses"),
        ({"subject": "eve"}, "subject"),
        ({"tenant": "acme"}, "tenant"),
    ],
)
def test_a_key_that_may_not_be_is_refused_by_name(client: FlaskClient, fields: dict[str, object], wrong: str) -> None:
    ann = log_in(client)
    found = client.post("/auth/api-keys", headers=ann, json={"name": "ci", **fields})
    assert found.status_code == 400
    assert wrong in found.json["detail"]
    assert client.get("/auth/api-keys", headers=ann).json["api_keys"] == []


def test_somebody_elses_key_looks_like_none(client: FlaskClient) -> None:
    ann, bob = log_in(client), log_in(client, "bob")
    made = make(client, ann)
    for method, path in (("DELETE", ""), ("POST", "/rotation")):
        his = client.open(f"/auth/api-keys/{made['id']}{path}", method=method, headers=bob, json={})
        none = client.open(f"/auth/api-keys/nobody{path}", method=method, headers=bob, json={})
        assert (his.status_code, his.data) == (none.status_code, none.data) == (404, none.data)
    assert client.get("/auth/api-keys", headers=ann).json["api_keys"][0]["revoked_at"] is None


def test_a_key_is_rotated_and_ended(client: FlaskClient, api: FlaskClient) -> None:
    ann = log_in(client)
    old = make(client, ann, scope="notes:read")
    new = client.post(f"/auth/api-keys/{old['id']}/rotation", headers=ann, json={"overlap": 3600}).json
    for made in (old, new):
        assert api.get("/key", headers={"X-API-Key": made["key"]}).status_code == 200
    assert client.post(f"/auth/api-keys/{old['id']}/rotation", headers=ann, json={}).status_code == 400
    assert client.delete(f"/auth/api-keys/{new['id']}", headers=ann).status_code == 204
    assert api.get("/key", headers={"X-API-Key": new["key"]}).status_code == 401
    assert client.delete(f"/auth/api-keys/{new['id']}", headers=ann).status_code == 404


def test_a_token_from_a_key_does_less_and_ends_with_it(client: FlaskClient, api: FlaskClient) -> None:
    ann = log_in(client)
    made = make(client, ann, scope="notes:read")
    shown = {"X-API-Key": made["key"]}
    wide = client.post("/auth/api-keys/token", headers=shown, json={}).json
    none = client.post("/auth/api-keys/token", headers=shown, json={"scope": ""}).json
    assert client.post("/auth/api-keys/token", headers=shown, json={"scope": "admin"}).status_code == 403
    assert (wide["scope"], wide["expires_in"], none["scope"]) == ("notes:read", 300, "")

    def status(token: dict[str, str]) -> int:
        return api.get("/token", headers={"Authorization": f"Bearer {token['access_token']}"}).status_code

    assert [status(wide), status(none)] == [200, 403]
    assert client.delete("/auth/api-keys/current", headers=shown).status_code == 204
    assert status(wide) == 401
    assert client.post("/auth/api-keys/token", headers=shown, json={}).status_code == 401


def test_what_a_key_gave_out_changes_nothing_of_the_account(client: FlaskClient) -> None:
    """A key that may read notes must not make a wider key, end sessions or set a password."""
    ann = log_in(client)
    made = make(client, ann, scope="notes:read")
    token = client.post("/auth/api-keys/token", headers={"X-API-Key": made["key"]}, json={}).json["access_token"]
    who = {"Authorization": f"Bearer {token}"}
    for method, path, sent in (
        ("GET", "/auth/api-keys", None),
        ("POST", "/auth/api-keys", {"name": "wider"}),
        ("POST", f"/auth/api-keys/{made['id']}/rotation", {}),
        ("DELETE", f"/auth/api-keys/{made['id']}", None),
        ("GET", "/auth/sessions", None),
        ("DELETE", "/auth/sessions", None),
        ("POST", "/auth/password/change", {"current_password": PASSWORD, "new_password": "another long one 4711"}),
        ("POST", "/auth/logout", None),
    ):
        assert client.open(path, method=method, headers=who, json=sent).status_code == 403, path
    assert client.get("/auth/api-keys", headers=ann).status_code == 200


def test_a_token_of_a_key_that_is_bound_to_networks_is_bound_too(client: FlaskClient, api: FlaskClient) -> None:
    ann = log_in(client)
    made = make(client, ann, scope="notes:read", addresses=["127.0.0.0/8"])
    token = client.post("/auth/api-keys/token", headers={"X-API-Key": made["key"]}, json={}).json["access_token"]
    who = {"Authorization": f"Bearer {token}"}
    for address, status in (("127.0.0.1", 200), ("192.0.2.1", 401), ("127.0.0.1", 200)):
        assert api.get("/token", headers=who, environ_base={"REMOTE_ADDR": address}).status_code == status
        assert (
            api.get("/key", headers={"X-API-Key": made["key"]}, environ_base={"REMOTE_ADDR": address}).status_code
            == status
        )


def test_making_a_key_needs_a_recent_log_in(tmp_path: Path) -> None:
    """A stolen refresh token, good for weeks, must not become a key for ever."""
    clock = SetClock()
    accounts = open_accounts(
        "https://auth.example.com", "https://api.example.com", data=tmp_path, open_registration=True, clock=clock,
        passwords=Passwords(hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)),
    )  # fmt: skip
    client = create_app(accounts, mode="dev").test_client()
    person = {"email": "ann@example.com", "password": PASSWORD}
    client.post("/auth/register", json=person)
    tokens = client.post("/auth/login", json=person).json
    clock.forward(1801)
    tokens = client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).json
    who = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.get("/auth/api-keys", headers=who).status_code == 200
    assert client.post("/auth/api-keys", headers=who, json={"name": "ci"}).status_code == 403
    assert client.get("/auth/api-keys", headers=who).json == {"api_keys": []}
    accounts.store.close()


def test_a_person_has_a_bounded_number_of_keys(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stopper.service.api_key_views.MOST_KEYS", 2)
    ann = log_in(client)
    first = make(client, ann)
    make(client, ann)
    assert client.post("/auth/api-keys", headers=ann, json={"name": "ci"}).status_code == 400
    client.delete(f"/auth/api-keys/{first['id']}", headers=ann)
    make(client, ann)


def test_a_key_that_was_found_in_public_ends(client: FlaskClient, api: FlaskClient) -> None:
    made = make(client, log_in(client), scope="notes:read")
    found = client.post(
        "/auth/api-keys/leaks",
        json=[
            {"token": made["key"], "type": "stopper_api_key", "url": "https://example.com/a", "source": "content"},
            {"token": "stp_live_nobody"},
        ],
    )
    assert [one["label"] for one in found.json] == ["true_positive", "false_positive"]
    assert made["key"] not in found.text
    assert api.get("/key", headers={"X-API-Key": made["key"]}).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'[{"token": 1}]', b'[{"token": ""}]', b"[" + b'{"token": "x"},' * 100 + b'{"token": "x"}]', b'[{"token": "a", "token": "b"}]', b'[],"x":[1', b"[" * 100])  # fmt: skip
def test_a_report_that_is_none_is_400(client: FlaskClient, body: bytes) -> None:
    assert client.post("/auth/api-keys/leaks", data=body, content_type="application/json").status_code == 400


def test_the_limit_of_a_key_holds_for_its_tokens_too(client: FlaskClient, api: FlaskClient) -> None:
    """Else a key of three requests a minute would give out a token that may ask as often as it likes."""
    made = make(client, log_in(client), scope="notes:read", rate_limit="3/minute")
    shown = {"X-API-Key": made["key"]}
    token = client.post("/auth/api-keys/token", headers=shown, json={}).json["access_token"]
    who = {"Authorization": f"Bearer {token}"}
    statuses = [api.get("/key", headers=shown).status_code, api.get("/token", headers=who).status_code]
    statuses += [api.get("/token", headers=who).status_code for _ in range(3)]
    statuses.append(api.get("/key", headers=shown).status_code)
    assert statuses.count(200) in (2, 3), statuses
    assert statuses[-1] == 429
    assert api.get("/token", headers=who).headers["Retry-After"].isdigit()


def test_a_limit_that_cannot_be_meant_is_refused(client: FlaskClient) -> None:
    found = client.post("/auth/api-keys", headers=log_in(client), json={"name": "ci", "rate_limit": "often"})
    assert found.status_code == 400
    assert "100/minute" in found.json["detail"]


def test_a_key_ends_from_any_address_and_however_often_it_was_used(client: FlaskClient, api: FlaskClient) -> None:
    """A thief who uses the key up to its limit, or a holder away from its networks, must not keep it alive."""
    ann = log_in(client)
    bound = make(client, ann, scope="notes:read", addresses=["10.0.0.0/8"])
    used_up = make(client, ann, scope="notes:read", rate_limit="1/hour")
    assert [api.get("/key", headers={"X-API-Key": used_up["key"]}).status_code for _ in range(2)] == [200, 429]
    for made in (bound, used_up):
        found = client.post("/auth/api-keys/leaks", json=[{"token": made["key"]}])
        assert [one["label"] for one in found.json] == ["true_positive"]
        assert api.get("/key", headers={"X-API-Key": made["key"]}).status_code == 401
