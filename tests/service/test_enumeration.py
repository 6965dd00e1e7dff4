"""Nobody learns from outside who has an account: the same bytes, the same headers, the same number of hashes."""

import dataclasses

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from tests.servers.service import PASSWORD

from stopper.auth.event import Event
from stopper.auth.password import Passwords
from stopper.service import Accounts, create_app
from stopper.service.mail import Mail

KNOWN, UNKNOWN, DISABLED = "known@example.com", "unknown@example.com", "disabled@example.com"


class Counting:
    """A hash function that counts."""

    def __init__(self) -> None:
        self._inner = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.computed = 0

    def hash(self, password):
        self.computed += 1
        return self._inner.hash(password)

    def verify(self, hash, password):
        self.computed += 1
        return self._inner.verify(hash, password)

    def check_needs_rehash(self, hash):
        return self._inner.check_needs_rehash(hash)


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def mails() -> list[Mail]:
    return []


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def watched(accounts: Accounts, counting: Counting, mails: list[Mail], events: list[Event]) -> FlaskClient:
    made = dataclasses.replace(accounts, passwords=Passwords(hasher=counting), send=mails.append, sink=events.append)
    client = create_app(made, mode="dev").test_client()
    for email in (KNOWN, DISABLED):
        client.post("/auth/register", json={"email": email, "password": PASSWORD})
    disabled = made.store.accounts.by_email(DISABLED)
    assert disabled is not None
    made.store.accounts.disable(disabled.id, made.clock())
    mails.clear()
    events.clear()
    counting.computed = 0
    return client


def _seen(answer) -> tuple[int, bytes, list[tuple[str, str]]]:
    return answer.status_code, answer.data, sorted(pair for pair in answer.headers if pair[0] != "X-Request-Id")


def test_registering_a_known_and_an_unknown_address_looks_the_same(
    watched: FlaskClient, counting: Counting, mails: list[Mail]
) -> None:
    seen, hashes = [], []
    for email in (KNOWN, UNKNOWN, DISABLED):
        counting.computed = 0
        seen.append(
            _seen(watched.post("/auth/register", json={"email": email, "password": "copper lantern seven rivers"}))
        )
        hashes.append(counting.computed)
    assert seen[0] == seen[1] == seen[2]
    assert hashes == [1, 1, 1]
    assert [mail.to for mail in mails] == [KNOWN, UNKNOWN, DISABLED]
    assert mails[0].subject != mails[1].subject


def test_a_known_address_keeps_its_password(watched: FlaskClient) -> None:
    watched.post("/auth/register", json={"email": KNOWN, "password": "copper lantern seven rivers"})
    assert (
        watched.post("/auth/login", json={"email": KNOWN, "password": "copper lantern seven rivers"}).status_code == 401
    )
    assert watched.post("/auth/login", json={"email": KNOWN, "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (KNOWN, "wrong password, sadly"),
        (UNKNOWN, PASSWORD),
        (DISABLED, PASSWORD),
        (DISABLED, "wrong password, sadly"),
        ("not an address", PASSWORD),
        ("", PASSWORD),
        (KNOWN, "x"),
    ],
)
def test_every_failed_login_looks_the_same_and_costs_one_hash(
    watched: FlaskClient, counting: Counting, email: str, password: str
) -> None:
    like = _seen(watched.post("/auth/login", json={"email": KNOWN, "password": "something else again"}))
    counting.computed = 0
    answer = watched.post("/auth/login", json={"email": email, "password": password})
    assert _seen(answer) == like
    assert answer.status_code == 401
    assert counting.computed == 1


@pytest.mark.parametrize("email", [KNOWN, UNKNOWN, DISABLED])
@pytest.mark.parametrize("password", ["é" * 600, ""])
def test_an_impossible_password_is_answered_before_anybody_is_looked_up(
    watched: FlaskClient, counting: Counting, events: list[Event], email: str, password: str
) -> None:
    """CVE-2025-22234 (Spring): the length error came only for people who exist."""
    like = _seen(watched.post("/auth/login", json={"email": "a@example.com", "password": password}))
    assert _seen(watched.post("/auth/login", json={"email": email, "password": password})) == like
    assert like[0] == 400
    assert counting.computed == 0
    assert events == []


def test_an_address_in_other_letters_is_the_same_account(watched: FlaskClient) -> None:
    assert watched.post("/auth/login", json={"email": "Known@EXAMPLE.com", "password": PASSWORD}).status_code == 200


def test_no_mail_holds_a_secret_or_a_link_built_from_the_host_header(watched: FlaskClient, mails: list[Mail]) -> None:
    """CVE-2025-43931: reset links were built from the Host header."""
    for email in (KNOWN, UNKNOWN):
        watched.post(
            "/auth/register",
            json={"email": email, "password": "copper lantern seven rivers"},
            headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"},
        )
    for mail in mails:
        assert "copper" not in mail.body
        assert "evil" not in mail.body
        assert "https://auth.example.com" in mail.body


def test_a_mail_server_that_is_down_changes_no_answer(accounts: Accounts, events: list[Event]) -> None:
    def fails(mail: Mail) -> None:
        raise ConnectionRefusedError

    client = create_app(dataclasses.replace(accounts, send=fails, sink=events.append), mode="dev").test_client()
    answer = client.post("/auth/register", json={"email": KNOWN, "password": PASSWORD})
    assert (answer.status_code, answer.data) == (201, b"{}")
    assert "mail-failed" in [event.name for event in events]
