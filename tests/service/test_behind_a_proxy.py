"""The throttle counts the client that a trusted proxy names, and nobody gets a new start by naming another."""

import pytest
from flask.testing import FlaskClient

from stopper.service import Accounts, create_app
from stopper.service.throttle import BY_ACCOUNT_AND_ADDRESS

MOST = BY_ACCOUNT_AND_ADDRESS.burst


def attempt(client: FlaskClient, forwarded: str) -> int:
    body = {"email": "ada@example.com", "password": "a wrong one that is long"}
    return client.post("/auth/login", json=body, headers={"X-Forwarded-For": forwarded}).status_code


@pytest.fixture
def behind(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A client that is our own proxy."""
    monkeypatch.setenv("STOPPER_TRUSTED_PROXIES", "127.0.0.1")
    return create_app(accounts, mode="dev").test_client()


def test_another_name_in_the_header_is_no_new_start(client: FlaskClient) -> None:
    tried = [attempt(client, f"203.0.113.{number}") for number in range(MOST + 1)]
    assert tried == [401] * MOST + [429]


def test_behind_a_proxy_each_client_is_counted_apart(behind: FlaskClient) -> None:
    assert [attempt(behind, "203.0.113.1") for _ in range(MOST + 1)] == [401] * MOST + [429]
    assert attempt(behind, "203.0.113.2") == 401


def test_behind_a_proxy_what_the_client_itself_wrote_is_no_new_start(behind: FlaskClient) -> None:
    tried = [attempt(behind, f"198.51.100.{number}, 203.0.113.1") for number in range(MOST + 1)]
    assert tried == [401] * MOST + [429]
