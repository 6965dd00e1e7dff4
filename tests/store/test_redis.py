"""Shared counters, short-lived used things and the hint of revocations, over a real Valkey: what they promise, and when it fails."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.servers.valkey import Valkey

from stopper.auth.clock import SetClock
from stopper.auth.limit import Attempt, Limit, LocalCounters
from stopper.auth.single_use import SingleUse
from stopper.core.errors import SettingError, StoreUnavailableError
from stopper.core.secret import Secret
from stopper.store.redis_counters import RedisCounters
from stopper.store.redis_news import RedisNews
from stopper.store.redis_server import FAILURES, OPEN_SECONDS, RedisServer
from stopper.store.redis_used import LONGEST, RedisSingleUse

LIMIT = Limit(5, 600)


@pytest.fixture
def server(valkey: Valkey) -> Iterator[RedisServer]:
    made = RedisServer(valkey.url)
    yield made
    made.close()


def _attempt(key: str = "a", limit: Limit = LIMIT, measure: str = "m", unless: str | None = None) -> Attempt:
    return Attempt(measure, key, limit, unless)


# -- counters ------------------------------------------------------------------------------------------------------------------


def test_a_burst_passes_and_then_nobody(server: RedisServer) -> None:
    counters = RedisCounters(server)
    assert [counters.take([_attempt()]) for _ in range(5)] == [None] * 5
    refused = counters.take([_attempt()])
    assert refused is not None
    assert refused.measure == "m"
    assert 115 < refused.wait <= 120
    assert counters.take([_attempt("b")]) is None
    counters.clear("m", "a")
    assert counters.take([_attempt()]) is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([1, 2, 3]), st.booleans(), st.sampled_from([None, "n", "a"])),
        max_size=40,
    )
)
def test_redis_and_memory_count_alike(server: RedisServer, asked: list) -> None:
    """The same attempts, notes and clearings get the same answers: a service may move from one to the other."""
    server._client.flushall()
    shared, own = RedisCounters(server), LocalCounters()
    for key, burst, both, unless in asked:
        if unless == "a" and not both:
            for counters in (shared, own):
                counters.clear(f"m{burst}", key)
                counters.note("n", 3600)
            continue
        attempts = [Attempt(f"m{burst}", key, Limit(burst, 86_400), unless)]
        attempts += [Attempt("all", "everybody", Limit(7, 86_400))] if both else []
        one, other = shared.take(attempts), own.take(attempts)
        assert (one and one.measure) == (other and other.measure)


def test_of_many_at_once_no_more_pass_than_the_burst(server: RedisServer) -> None:
    counters = RedisCounters(server)
    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(lambda _: counters.take([_attempt(limit=Limit(10, 600))]), range(200)))
    assert results.count(None) == 10


def test_what_is_over_is_not_kept(server: RedisServer, valkey: Valkey) -> None:
    """A counter lives no longer than it means something: strangers cannot fill the memory for ever."""
    counters = RedisCounters(server)
    counters.take([_attempt(limit=Limit(2, 20))])
    client = valkey.client()
    lives = [client.pttl(key) for key in client.keys("stopper:count:*")]
    client.close()
    assert lives
    assert all(0 < life <= 20_000 for life in lives)


def test_a_server_clock_that_went_back_holds_nobody_longer_than_a_period(server: RedisServer, valkey: Valkey) -> None:
    counters = RedisCounters(server)
    counters.take([_attempt()])
    client = valkey.client()
    client.set("stopper:count:m:a", str(int((time.time() + 1_000_000) * 1_000_000)))
    client.close()
    refused = counters.take([_attempt()])
    assert refused is not None
    assert refused.wait <= LIMIT.seconds


# -- used things ---------------------------------------------------------------------------------------------------------------


def _used(server: RedisServer, clock: SetClock) -> SingleUse:
    store = RedisSingleUse(server)
    store.begin()
    return SingleUse(store, clock)


def test_once_for_its_purpose_and_tenant(server: RedisServer) -> None:
    used = _used(server, SetClock())
    assert used.redeem("dpop", "abc", valid_for=60)
    assert not used.redeem("dpop", "abc", valid_for=60)
    assert used.redeem("other", "abc", valid_for=60)
    assert used.redeem("dpop", "abc", valid_for=60, tenant="b")
    assert used.redeem("dpo", "abc", valid_for=60, tenant="p"), "purpose and tenant do not run together"


def test_of_sixty_four_threads_one_wins(server: RedisServer) -> None:
    used = _used(server, SetClock())
    for number in range(20):
        with ThreadPoolExecutor(64) as pool:
            results = list(pool.map(lambda _, n=number: used.redeem("dpop", f"p{n}", valid_for=60), range(64)))
        assert results.count(True) == 1


@pytest.mark.fault(9)
def test_fault_9_a_server_that_was_emptied_lets_no_proof_pass_again(server: RedisServer, valkey: Valkey) -> None:
    used = _used(server, SetClock())
    assert used.redeem("dpop", "abc", valid_for=60)
    client = valkey.client()
    client.flushall()
    with pytest.raises(StoreUnavailableError) as refused:
        used.redeem("dpop", "abc", valid_for=60)
    assert LONGEST - 5 < refused.value.retry_after <= LONGEST
    with pytest.raises(StoreUnavailableError):
        used.redeem("dpop", "fresh", valid_for=60)
    # Once every proof of the time before must be out of date, it goes on.
    client.set("stopper:used:began", str(int((time.time() - LONGEST - 1) * 1000)))
    client.close()
    assert used.redeem("dpop", "fresh", valid_for=60)


def test_fault_14_a_node_whose_clock_jumped_back_does_not_take_a_proof_again(server: RedisServer) -> None:
    clock = SetClock()
    used = _used(server, clock)
    clock.forward(50)
    assert used.redeem("dpop", "abc", valid_for=10)
    clock.forward(-3000)
    assert not used.redeem("dpop", "abc", valid_for=10)


def test_what_lives_long_is_refused_here(server: RedisServer) -> None:
    """A reset link in a store that may be emptied would work twice."""
    with pytest.raises(ValueError, match="keep it in SQL"):
        _used(server, SetClock()).redeem("reset", "abc", valid_for=LONGEST + 1)


# -- the hint of revocations ---------------------------------------------------------------------------------------------------


def test_the_newest_number_never_goes_back(server: RedisServer) -> None:
    news = RedisNews(server)
    assert news.newest() == 0
    for told, known in ((7, 7), (3, 7), (8, 8)):
        news.tell(told)
        assert news.newest() == known


# -- when it fails -------------------------------------------------------------------------------------------------------------


@pytest.mark.fault(7)
def test_fault_7_a_server_that_is_down_refuses_what_must_be_counted(own_valkey: Valkey) -> None:
    server = RedisServer(own_valkey.url)
    counters, used, news = RedisCounters(server), _used(server, SetClock()), RedisNews(server)
    own_valkey.stop(signal.SIGKILL)
    for call in (
        lambda: counters.take([_attempt()]),
        lambda: used.redeem("dpop", "abc", valid_for=60),
        lambda: counters.clear("m", "a"),
        server.check,
    ):
        with pytest.raises(StoreUnavailableError):
            call()
    news.tell(5)
    assert news.newest() == 0


def test_after_a_restart_it_goes_on_without_being_told(own_valkey: Valkey) -> None:
    ticks = SetClock(0.0)
    server = RedisServer(own_valkey.url, monotonic=ticks)
    counters = RedisCounters(server)
    counters.take([_attempt()])
    own_valkey.stop(signal.SIGKILL)
    for _ in range(FAILURES + 2):
        with pytest.raises(StoreUnavailableError):
            counters.take([_attempt()])
    own_valkey.start()
    ticks.forward(OPEN_SECONDS + 0.1)
    assert counters.take([_attempt()]) is None
    assert counters.take([_attempt()]) is None


@pytest.mark.fault(8)
def test_fault_8_a_server_that_hangs_is_asked_by_few(own_valkey: Valkey) -> None:
    """The breaker: after three time-outs nobody waits until its time is over, and then one asks while the others do not wait."""
    ticks = SetClock(0.0)
    server = RedisServer(own_valkey.url, monotonic=ticks)
    counters = RedisCounters(server)
    counters.take([_attempt()])
    own_valkey.pause()
    reasons = []
    for _ in range(FAILURES + 20):
        with pytest.raises(StoreUnavailableError) as refused:
            counters.take([_attempt()])
        reasons.append(refused.value.reason)
    assert reasons == ["redis"] * FAILURES + ["redis-breaker"] * 20
    ticks.forward(OPEN_SECONDS + 0.1)
    gate = threading.Barrier(16)

    def one(_: int) -> str:
        gate.wait()
        with pytest.raises(StoreUnavailableError) as refused:
            counters.take([_attempt()])
        return refused.value.reason

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(one, range(16))) == ["redis"] + ["redis-breaker"] * 15
    own_valkey.go_on()
    ticks.forward(OPEN_SECONDS + 0.1)
    assert counters.take([_attempt()]) is None


def test_fault_8_a_server_that_accepts_and_never_answers_costs_a_bounded_wait(tmp_path: Path) -> None:
    with _black_hole(tmp_path / "hole") as where:
        server = RedisServer(Secret(f"unix://{where}"))
        with pytest.raises(StoreUnavailableError):
            server.check()


@contextmanager
def _black_hole(where: Path) -> Iterator[Path]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(where))
        listener.listen(16)
        yield where


@pytest.mark.fault(10)
def test_fault_10_yesterdays_copy_brings_nothing_back(server: RedisServer, valkey: Valkey) -> None:
    """Whoever fails over to an old copy: the hint is too small, so it says nothing; what was counted starts lower, never negative."""
    news = RedisNews(server)
    news.tell(100)
    client = valkey.client()
    client.set("stopper:revoked:newest", "40")
    client.close()
    assert news.newest() == 40
    news.tell(101)
    assert news.newest() == 101


def test_a_server_that_throws_keys_away_is_told_apart(server: RedisServer, valkey: Valkey) -> None:
    assert not server.evicts()
    client = valkey.client()
    client.config_set("maxmemory", "100mb")
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert server.evicts()
    finally:
        client.config_set("maxmemory", "0")
        client.config_set("maxmemory-policy", "noeviction")
        client.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1", "redis:/x", "127.0.0.1:6379", "", "redis://h:notaport/0"])
def test_an_address_that_is_none_is_refused_without_being_shown(url: str) -> None:
    secret = f"{url}?password=hunter22"
    with pytest.raises(SettingError) as refused:
        RedisServer(Secret(secret))
    assert "hunter22" not in str(refused.value)
    assert "redis://host:6379/0" in str(refused.value)


def test_no_password_stands_in_what_is_raised(own_valkey: Valkey) -> None:
    server = RedisServer(Secret(f"unix://user:correct-horse-battery@{own_valkey.socket}"))
    with pytest.raises(StoreUnavailableError) as refused:
        server.check()
    shown = f"{refused.value!r} {refused.value.__cause__!r} {refused.value.__context__}"
    assert "correct-horse" not in shown
