"""Guessing is slowed down, and nobody can lock somebody else out."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from tests.servers.service import PASSWORD

from stopper.auth.clock import SetClock
from stopper.auth.limit import Limit, LocalCounters, Meter
from stopper.core.errors import ThrottledError
from stopper.service import Accounts, create_app
from stopper.service.throttle import BY_ACCOUNT, BY_ACCOUNT_AND_ADDRESS, BY_ADDRESS, Throttle


@pytest.fixture
def ticks() -> SetClock:
    return SetClock(0.0)


def test_a_burst_passes_then_one_at_a_time(ticks: SetClock) -> None:
    meter = Meter(Limit(10, 100), ticks)
    assert [meter.take("a") for _ in range(10)] == [0.0] * 10
    assert meter.take("a") == pytest.approx(10)
    ticks.forward(10)
    assert meter.take("a") == 0.0
    assert meter.take("a") > 0
    assert meter.take("b") == 0.0


@given(st.lists(st.floats(0, 30), max_size=200))
def test_never_more_than_twice_the_burst_in_one_period(steps: list[float]) -> None:
    ticks = SetClock(0.0)
    meter = Meter(Limit(5, 60), ticks)
    passed: list[float] = []
    for step in steps:
        ticks.forward(step)
        if not meter.take("a"):
            passed.append(ticks())
    for start in passed:
        assert len([at for at in passed if start <= at < start + 60]) <= 10


def test_many_threads_pass_no_more_than_the_burst(ticks: SetClock) -> None:
    meter = Meter(Limit(10, 100), ticks)
    with ThreadPoolExecutor(32) as pool:
        waits = list(pool.map(lambda _: meter.take("a"), range(200)))
    assert waits.count(0.0) == 10


def _attempts(throttle: Throttle, account: str, address: str, most: int = 1000) -> int:
    for done in range(most):
        try:
            throttle.login(account, address)
        except ThrottledError as refused:
            assert refused.retry_after >= 1  # noqa: PT017
            return done
    return most


def test_one_address_at_one_account(ticks: SetClock) -> None:
    throttle = Throttle(LocalCounters(monotonic=ticks))
    assert _attempts(throttle, "ann", "192.0.2.1") == BY_ACCOUNT_AND_ADDRESS.burst
    assert _attempts(throttle, "bob", "192.0.2.1") == BY_ACCOUNT_AND_ADDRESS.burst


def test_one_address_at_many_accounts(ticks: SetClock) -> None:
    throttle = Throttle(LocalCounters(monotonic=ticks))
    passed = sum(_attempts(throttle, f"person{n}", "192.0.2.1", 1) for n in range(500))
    assert passed == BY_ADDRESS.burst


def test_many_addresses_at_one_account(ticks: SetClock) -> None:
    throttle = Throttle(LocalCounters(monotonic=ticks))
    assert sum(_attempts(throttle, "ann", f"192.0.2.{n}", 1) for n in range(1, 255)) == BY_ACCOUNT.burst


def test_the_person_at_the_usual_place_is_never_locked_out(ticks: SetClock) -> None:
    throttle = Throttle(LocalCounters(monotonic=ticks))
    throttle.login("ann", "198.51.100.7")
    throttle.passed("ann", "198.51.100.7")
    for number in range(1, 255):
        _attempts(throttle, "ann", f"192.0.2.{number}", 20)
    assert _attempts(throttle, "ann", "203.0.113.1", 1) == 0, "a newcomer waits"
    throttle.login("ann", "198.51.100.7")


def test_a_right_password_clears_the_count(ticks: SetClock) -> None:
    throttle = Throttle(LocalCounters(monotonic=ticks))
    for _ in range(5):
        assert _attempts(throttle, "ann", "192.0.2.1", 9) == 9
        throttle.passed("ann", "192.0.2.1")
        ticks.forward(10)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        (None, "nonsense", True),
    ],
)
def test_an_ipv6_household_is_one_address(ticks: SetClock, one: str | None, other: str | None, same: bool) -> None:
    throttle = Throttle(LocalCounters(monotonic=ticks))
    while not _spent(throttle, one):
        pass
    assert _spent(throttle, other) is same


def _spent(throttle: Throttle, address: str | None) -> bool:
    try:
        throttle.address(address)
    except ThrottledError:
        return True
    return False


def test_several_processes_take_their_part(ticks: SetClock) -> None:
    assert (
        _attempts(Throttle(LocalCounters(workers=4, monotonic=ticks)), "ann", "192.0.2.1")
        == BY_ACCOUNT_AND_ADDRESS.burst // 4
    )
    assert _attempts(Throttle(LocalCounters(workers=64, monotonic=ticks)), "ann", "192.0.2.1") == 1


def test_over_http_it_is_429_with_retry_after_and_no_hash(accounts: Accounts) -> None:
    client = create_app(accounts, mode="dev").test_client()
    wrong = {"email": "ann@example.com", "password": "wrong password, sadly"}
    statuses = [client.post("/auth/login", json=wrong).status_code for _ in range(BY_ACCOUNT_AND_ADDRESS.burst)]
    assert set(statuses) == {401}

    class NoHash:
        def compare(self, password: str, stored: str | None) -> None:
            raise AssertionError("a throttled attempt must not be hashed")

    strict = create_app(dataclasses.replace(accounts, passwords=NoHash()), mode="dev").test_client()  # type: ignore[arg-type]
    answer = strict.post("/auth/login", json=wrong)
    assert answer.status_code == 429
    assert answer.mimetype == "application/problem+json"
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_known_and_an_unknown_account_are_slowed_alike(client: FlaskClient) -> None:
    client.post("/auth/register", json={"email": "known@example.com", "password": PASSWORD})
    seen = {}
    for email in ("known@example.com", "unknown@example.com"):
        wrong = {"email": email, "password": "wrong password, sadly"}
        seen[email] = [client.post("/auth/login", json=wrong).status_code for _ in range(12)]
    assert seen["known@example.com"] == seen["unknown@example.com"]
    assert 429 in seen["known@example.com"]


def test_registering_and_refreshing_are_slowed_too(client: FlaskClient) -> None:
    refreshed = [client.post("/auth/refresh", json={"refresh_token": "a" * 43}).status_code for _ in range(110)]
    assert refreshed[0] == 401
    assert refreshed[-1] == 429
    answers = [
        client.post("/auth/register", json={"email": f"a{n}@example.com", "password": PASSWORD}).status_code
        for n in range(3)
    ]
    assert 429 in answers
