"""Limits over a real Valkey: they count as memory does, exactly, for all nodes, and the newest revocation comes along."""

import multiprocessing
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.servers.valkey import Valkey

from stopper.auth.limit import Attempt, Limit, LocalCounters
from stopper.core.secret import Secret
from stopper.store.redis_counters import RedisCounters
from stopper.store.redis_news import RedisNews
from stopper.store.redis_server import RedisServer


@pytest.fixture
def server(valkey: Valkey) -> Iterator[RedisServer]:
    made = RedisServer(valkey.url)
    yield made
    made.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([1, 3, 7]), st.booleans()), max_size=40))
def test_redis_and_memory_tell_the_same(server: RedisServer, asked: list[tuple[str, int, bool]]) -> None:
    """What is left, too; over a day, so that no part of a window ends meanwhile."""
    server._client.flushall()
    shared, own = RedisCounters(server), LocalCounters()
    for key, burst, sliding in asked:
        attempts = [
            Attempt(f"m{burst}", key, Limit(burst, 86_400, sliding)),
            Attempt("all", "x", Limit(9, 86_400, sliding)),
        ]
        one, other = shared.count(attempts), own.count(attempts)
        assert (one.refusal and one.refusal.measure) == (other.refusal and other.refusal.measure)
        assert [(left.attempt, left.remaining) for left in one.standings] == [
            (left.attempt, left.remaining) for left in other.standings
        ]
        assert all(left.reset > 0 or not left.remaining for left in one.standings)


@pytest.mark.parametrize("sliding", [False, True])
def test_a_limit_with_many_in_a_period_is_exact(server: RedisServer, sliding: bool) -> None:
    """No error adds up: 86,400 seconds by 7,001 is no whole number of microseconds."""
    counters = RedisCounters(server)
    found = [counters.take([Attempt("m", "a", Limit(7_001, 864_000, sliding))]) for _ in range(7_005)]
    assert found.count(None) == 7_001


def _ask(
    url: str, sliding: bool, begin: "multiprocessing.synchronize.Event", told: "multiprocessing.Queue[int]"
) -> None:  # type: ignore[name-defined]
    server = RedisServer(Secret(url))
    counters = RedisCounters(server)
    begin.wait(30)
    told.put(sum(counters.take([Attempt("m", "a", Limit(50, 86_400, sliding))]) is None for _ in range(60)))
    server.close()


@pytest.mark.parametrize("sliding", [False, True])
def test_of_many_processes_no_more_pass_than_the_limit(valkey: Valkey, sliding: bool) -> None:
    context = multiprocessing.get_context("spawn")
    begin, told = context.Event(), context.Queue()
    nodes = [context.Process(target=_ask, args=(valkey.url.reveal(), sliding, begin, told)) for _ in range(4)]
    for node in nodes:
        node.start()
    begin.set()
    passed = sum(told.get(timeout=60) for _ in nodes)
    for node in nodes:
        node.join(30)
    assert passed == 50


@pytest.mark.parametrize("sliding", [False, True])
def test_a_server_clock_that_went_back_lets_pass_after_a_period(
    server: RedisServer, valkey: Valkey, sliding: bool
) -> None:
    """Once refused for it, the counter says so: it is not cut anew at each try until the clock has caught up."""
    counters = RedisCounters(server)
    attempt = Attempt("m", "a", Limit(1, 0.5, sliding))
    client = valkey.client()
    later = time.time() + 1_000_000
    if sliding:
        client.hset("stopper:window:m:a", str(int(later * 24)), 1)
    else:
        client.set("stopper:count:m:a", f"{later * 1_000_000:.0f} 3")
    client.close()
    refused = counters.take([attempt])
    assert refused is not None
    assert refused.wait <= 0.5 * 13 / 12 + 0.001
    time.sleep(refused.wait + 0.05)
    assert counters.take([attempt]) is None


def test_windows_are_not_kept_for_ever(server: RedisServer, valkey: Valkey) -> None:
    counters = RedisCounters(server)
    for _ in range(3):
        counters.take([Attempt("m", "a", Limit(2, 20, sliding=True))])
    client = valkey.client()
    lives = [client.pttl(key) for key in client.keys("stopper:window:*")]
    client.close()
    assert len(lives) == 1
    assert 0 < lives[0] <= 20_000 * 13 / 12 + 2


def test_clearing_forgets_buckets_and_windows(server: RedisServer) -> None:
    counters = RedisCounters(server)
    for sliding in (False, True):
        attempt = Attempt("m", "a", Limit(1, 600, sliding))
        counters.take([attempt])
        assert counters.take([attempt]) is not None
        counters.clear("m", "a")
        assert counters.take([attempt]) is None


def test_a_counter_of_an_earlier_version_is_read(server: RedisServer, valkey: Valkey) -> None:
    counters = RedisCounters(server)
    client = valkey.client()
    client.set("stopper:count:m:a", str(int((time.time() + 599) * 1_000_000)))
    client.close()
    assert counters.take([Attempt("m", "a", Limit(5, 600))]) is not None


def test_the_newest_revocation_comes_along(server: RedisServer) -> None:
    counters, news = RedisCounters(server), RedisNews(server)
    attempt = Attempt("m", "a", Limit(1, 600))
    assert counters.count([attempt], hear=True).newest == 0
    news.tell(41)
    refused = counters.count([attempt], hear=True)
    assert refused.refusal is not None
    assert refused.newest == 41
    assert counters.count([attempt]).newest == 0
    assert counters.count([], hear=True).newest == 41
