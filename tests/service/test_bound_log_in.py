"""Who logs in with a DPoP proof gets tokens that only that key can use or refresh (RFC 9449 §5)."""

import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from tests.auth.dpop_smith import Holder, ath

from stopper.service import Accounts, create_app

PERSON = {"email": "ada@example.com", "password": "seven green kites over water"}
SERVER = "http://localhost"


@pytest.fixture
def holder() -> Holder:
    return Holder()


def ask(client: FlaskClient, path: str, body: Any, *headers: tuple[str, str]) -> Any:
    return client.post(path, json=body, headers=list(headers))


def proof(holder: Holder, path: str, method: str = "POST", **more: Any) -> tuple[str, str]:
    return "DPoP", holder.proof(**{"htm": method, "htu": SERVER + path, "iat": int(time.time()), **more})


def logged_in(client: FlaskClient, holder: Holder) -> dict[str, Any]:
    ask(client, "/auth/register", PERSON)
    answer = ask(client, "/auth/login", PERSON, proof(holder, "/auth/login"))
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json
    return found


def me(client: FlaskClient, holder: Holder, token: str, scheme: str = "DPoP") -> int:
    shown = proof(holder, "/auth/me", "GET", ath=ath(token))
    return client.get("/auth/me", headers=[("Authorization", f"{scheme} {token}"), shown]).status_code


@pytest.mark.feature("F44")
def test_the_tokens_of_a_log_in_with_a_proof_are_bound_to_its_key(client: FlaskClient, holder: Holder) -> None:
    tokens = logged_in(client, holder)
    assert tokens["token_type"] == "DPoP"
    access = tokens["access_token"]
    assert me(client, holder, access) == 200
    assert me(client, Holder(), access) == 401
    assert me(client, holder, access, "Bearer") == 401


def test_a_refresh_needs_the_same_key_and_another_key_uses_nothing_up(client: FlaskClient, holder: Holder) -> None:
    tokens = logged_in(client, holder)
    body = {"refresh_token": tokens["refresh_token"]}
    assert ask(client, "/auth/refresh", body).status_code == 401
    assert ask(client, "/auth/refresh", body, proof(Holder(), "/auth/refresh")).status_code == 401
    first = ask(client, "/auth/refresh", body, proof(holder, "/auth/refresh"))
    again = ask(client, "/auth/refresh", body, proof(holder, "/auth/refresh"))
    assert (first.status_code, first.data) == (200, again.data)
    assert first.json["token_type"] == "DPoP"
    assert me(client, holder, first.json["access_token"]) == 200
    assert me(client, holder, first.json["access_token"], "Bearer") == 401


def test_a_lost_answer_is_given_again_to_the_same_key_alone(client: FlaskClient, holder: Holder) -> None:
    tokens = logged_in(client, holder)
    body = {"refresh_token": tokens["refresh_token"]}
    first = ask(client, "/auth/refresh", body, proof(holder, "/auth/refresh"))
    assert ask(client, "/auth/refresh", body, proof(Holder(), "/auth/refresh")).status_code == 401
    assert me(client, holder, first.json["access_token"]) == 401, "used twice by two keys: the family has ended"


def test_a_log_in_without_a_proof_stays_as_it_was(client: FlaskClient, holder: Holder) -> None:
    ask(client, "/auth/register", PERSON)
    tokens = ask(client, "/auth/login", PERSON).json
    assert tokens["token_type"] == "Bearer"
    body = {"refresh_token": tokens["refresh_token"]}
    assert ask(client, "/auth/refresh", body, proof(holder, "/auth/refresh")).status_code == 401
    assert ask(client, "/auth/refresh", body).json["token_type"] == "Bearer"


@pytest.mark.parametrize("wrong", [{"htm": "GET"}, {"htu": SERVER + "/auth/refresh"}, {"iat": 1}, {"ath": ath("x")}])
def test_a_proof_that_does_not_hold_logs_nobody_in(client: FlaskClient, holder: Holder, wrong: dict[str, Any]) -> None:
    ask(client, "/auth/register", PERSON)
    answer = ask(client, "/auth/login", PERSON, proof(holder, "/auth/login", **wrong))
    assert answer.status_code == 401


def test_a_proof_of_a_log_in_is_taken_once_and_two_are_none(client: FlaskClient, holder: Holder) -> None:
    ask(client, "/auth/register", PERSON)
    shown = proof(holder, "/auth/login")
    assert ask(client, "/auth/login", PERSON, shown).status_code == 200
    assert ask(client, "/auth/login", PERSON, shown).status_code == 401
    two = proof(holder, "/auth/login"), proof(holder, "/auth/login")
    assert ask(client, "/auth/login", PERSON, *two).status_code == 400


def test_another_password_leaves_the_session_bound(client: FlaskClient, holder: Holder) -> None:
    access = logged_in(client, holder)["access_token"]
    body = {"current_password": PERSON["password"], "new_password": "eleven slow boats past noon"}
    shown = proof(holder, "/auth/password/change", ath=ath(access))
    answer = ask(client, "/auth/password/change", body, ("Authorization", f"DPoP {access}"), shown)
    assert answer.status_code == 200
    assert answer.json["token_type"] == "DPoP"
    assert me(client, holder, answer.json["access_token"], "Bearer") == 401


def test_one_switch_asks_for_a_proof_at_every_log_in(
    accounts: Accounts, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOPPER_REQUIRE_BOUND_TOKENS", "on")
    client = create_app(accounts, mode="dev").test_client()
    ask(client, "/auth/register", PERSON)
    assert ask(client, "/auth/login", PERSON).status_code == 400
    assert me(client, holder, logged_in(client, holder)["access_token"]) == 200


def test_a_nonce_is_asked_for_at_the_log_in(
    accounts: Accounts, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOPPER_DPOP_NONCE_KEY", bytes(range(7, 200, 5)).hex())
    client = create_app(accounts, mode="dev").test_client()
    ask(client, "/auth/register", PERSON)
    asked = ask(client, "/auth/login", PERSON, proof(holder, "/auth/login"))
    assert (asked.status_code, asked.headers["WWW-Authenticate"]) == (401, 'DPoP error="use_dpop_nonce"')
    shown = proof(holder, "/auth/login", nonce=asked.headers["DPoP-Nonce"])
    assert ask(client, "/auth/login", PERSON, shown).status_code == 200


def test_in_mode_prod_a_proof_names_the_address_of_the_issuer(accounts: Accounts, holder: Holder) -> None:
    client = create_app(accounts, mode="prod").test_client()
    ask(client, "/auth/register", PERSON)
    elsewhere = proof(holder, "/auth/login", htu="https://evil.example/auth/login")
    assert ask(client, "/auth/login", PERSON, elsewhere, ("Host", "evil.example")).status_code == 401
    right = proof(holder, "/auth/login", htu="https://auth.example.com/auth/login")
    assert ask(client, "/auth/login", PERSON, right).status_code == 200


def test_the_document_names_the_header(client: FlaskClient) -> None:
    paths = client.get("/openapi.json").json["paths"]
    taking = {
        path
        for path, methods in paths.items()
        for one in methods.values()
        if any(part["name"] == "DPoP" for part in one.get("parameters", ()))
    }
    assert taking == {"/auth/login", "/auth/refresh"}
