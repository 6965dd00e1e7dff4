"""Limits as text, buckets and sliding windows: no more pass than the limit says, and what is left is told right."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper.auth.limit import Attempt, Limit, LocalCounters, Meter
from stopper.auth.limit_key import digest_of, network
from stopper.auth.limit_text import read_limits, text_of
from stopper.auth.limit_window import MAX_KEYS, SLOTS, Window


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("said", "limits"),
    [
        ("100/minute", [Limit(100, 60)]),
        ("100 per minute", [Limit(100, 60)]),
        (" 5 / 15  Minutes SLIDING ", [Limit(5, 900, sliding=True)]),
        ("10/second, 300/minute", [Limit(10, 1), Limit(300, 60)]),
        ("1/d,1/h,1/m,1/s,1/min", [Limit(1, 86_400), Limit(1, 3600), Limit(1, 60), Limit(1, 1)]),
        ("7/90 seconds", [Limit(7, 90)]),
    ],
)
def test_a_limit_is_read(said: str, limits: list[Limit]) -> None:
    assert list(read_limits(said)) == limits


@pytest.mark.parametrize(
    "said",
    [
        "", ",", "100", "100/", "/minute", "0/minute", "-1/minute", "1.5/minute", "1/0 minutes", "1/fortnight", "100/minute,",
        "1/minute sliding sliding", "99999999/second", "1000000/second", "1/400 days", "١/minute", "1/minute\x00", "1" * 200,
        "1/minute\n1/hour",
    ],
)  # fmt: skip
def test_what_is_no_limit_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="such as"):
        read_limits(said)


@given(st.text())
def test_any_text_is_read_or_refused(said: str) -> None:
    try:
        found = read_limits(said)
    except ValueError:
        return
    assert found
    assert read_limits(", ".join(map(text_of, found))) == found


@given(st.integers(1, 1000), st.sampled_from([1, 7, 60, 90, 900, 3600, 7200, 86_400]), st.booleans())
def test_a_limit_reads_what_it_prints(burst: int, seconds: int, sliding: bool) -> None:
    limit = Limit(burst, seconds, sliding)
    assert read_limits(text_of(limit)) == (limit,)


def test_a_bucket_tells_what_is_left() -> None:
    clock = Hand()
    meter = Meter(Limit(3, 60), clock)
    found = [meter.count("a") for _ in range(4)]
    assert [(round(one.wait), one.remaining, round(one.reset)) for one in found] == [
        (0, 2, 20), (0, 1, 40), (0, 0, 20), (20, 0, 20),
    ]  # fmt: skip
    clock.now += 20
    assert meter.count("a").wait == 0


def test_a_window_tells_what_is_left_and_frees_it() -> None:
    clock = Hand()
    window = Window(2, 12, clock)
    assert window.count("a") == (0.0, 1, 13.0)
    clock.now += 3
    assert window.count("a") == (0.0, 0, 10.0), "until the first is forgotten"
    assert window.count("a") == (10.0, 0, 10.0)
    assert window.count("b").wait == 0
    clock.now += 10
    assert window.count("a").wait == 0
    assert window.count("a").wait == 3.0
    window.clear("a")
    assert window.count("a").remaining == 1


@given(
    st.integers(1, 6), st.sampled_from([1.0, 12.0, 60.0, 7.5]),
    st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=80),
)  # fmt: skip
def test_no_span_of_a_window_lets_more_through(burst: int, seconds: float, steps: list[float]) -> None:
    """And what is refused may pass after the wait that was told."""
    clock = Hand()
    window = Window(burst, seconds, clock)
    passed: list[float] = []
    for step in steps:
        clock.now += step * seconds / 2
        taken = window.count("a")
        if taken.wait == 0:
            passed.append(clock.now)
        else:
            assert taken.wait <= seconds * (1 + 1 / SLOTS) + 0.001
    for first, later in zip(passed, passed[burst:], strict=False):
        assert later - first >= seconds * (1 - 1e-9)
    while (wait := window.count("a").wait) == 0:
        passed.append(clock.now)
    clock.now += wait + seconds * 1e-9
    assert window.count("a").wait == 0


@given(st.integers(1, 6), st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_a_bucket_lets_through_its_burst_and_what_drips(burst: int, steps: list[float]) -> None:
    clock = Hand()
    meter = Meter(Limit(burst, 60), clock)
    passed: list[float] = []
    for step in steps:
        clock.now += step
        if meter.take("a") == 0:
            passed.append(clock.now)
    for start, first in enumerate(passed):
        for count, later in enumerate(passed[start:], 1):
            assert count <= burst + (later - first) * burst / 60 + 1e-3


@pytest.mark.parametrize("sliding", [False, True])
def test_of_many_threads_no_more_pass_than_the_limit(sliding: bool) -> None:
    counters = LocalCounters()
    gate = threading.Barrier(16)

    def ask(_: int) -> int:
        gate.wait()
        return sum(counters.take([Attempt("m", "a", Limit(40, 86_400, sliding))]) is None for _ in range(50))

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(16))) == 40


@pytest.mark.parametrize("sliding", [False, True])
def test_a_million_keys_are_not_all_kept(sliding: bool) -> None:
    """Strangers with many addresses cannot fill the memory."""
    counters = LocalCounters()
    limit = Limit(2, 3600, sliding)
    for number in range(MAX_KEYS + 500):
        counters.take([Attempt("m", str(number), limit)])
    (meter,) = counters._meters.values()
    assert len(getattr(meter, "_used" if sliding else "_due")) == MAX_KEYS


@pytest.mark.parametrize("sliding", [False, True])
def test_who_goes_on_asking_is_not_forgotten_for_a_crowd(sliding: bool) -> None:
    """An attacker cannot push their own counter out of memory with many other addresses while they are refused."""
    counters = LocalCounters()
    limit = Limit(1, 86_400, sliding)
    counters.take([Attempt("m", "attacker", limit)])
    for number in range(MAX_KEYS * 2):
        counters.take([Attempt("m", str(number), limit)])
        if number % 10_000 == 0:
            assert counters.take([Attempt("m", "attacker", limit)]) is not None


def test_a_clock_that_goes_back_holds_nobody_longer_than_a_period() -> None:
    clock = Hand()
    counters = LocalCounters(monotonic=clock)
    for sliding in (False, True):
        attempt = Attempt("m", "a", Limit(1, 60, sliding))
        counters.take([attempt])
        clock.now -= 100_000
        counters.take([attempt])
        clock.now += 60 * (1 + 1 / SLOTS) + 1
        assert counters.take([attempt]) is None


@given(st.lists(st.text(), min_size=1, max_size=3), st.lists(st.text(), min_size=1, max_size=3))
def test_who_is_counted_is_told_apart_whatever_the_characters(one: list[str], other: list[str]) -> None:
    assert (digest_of(*one) == digest_of(*other)) == (one == other)


@pytest.mark.parametrize("subject", ["", "x" * 1_000_000, "a\x00b", "\ud800", "\r\n*3\r\n"])
def test_a_key_is_short_whoever_it_is(subject: str) -> None:
    assert len(digest_of("principal", "", subject)) == 32


def test_borders_count() -> None:
    assert digest_of("ab", "c") != digest_of("a", "bc")
    assert digest_of("a") != digest_of("a", "")


@given(st.one_of(st.none(), st.text(), st.ip_addresses().map(str)))
def test_any_address_is_some_network(said: str | None) -> None:
    assert 0 < len(network(said)) <= 19
