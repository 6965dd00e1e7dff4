"""A call is sent again only where twice is as good as once, and not for ever."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.outbound.peers import Peer, Script, reply, reset

from stopper.outbound import Client, Limits, OutboundError, UpstreamUnreachableError
from stopper.outbound.retry import wait

Serve = Callable[..., Peer]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def failing(times: int, how: Script) -> Script:
    counter = itertools.count()
    return lambda connection, request: (how if next(counter) < times else reply(b'{"a": 1}'))(connection, request)


def made(peer: Peer, retries: int = 2) -> tuple[Client, list[float]]:
    client = Client(hosts=[peer.host], limits=Limits(retries=retries, total=60), allow_loopback_http=True)
    waits: list[float] = []
    client._sleep = waits.append
    return client, waits


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "how", [reset, reply(b"", "503 Busy"), reply(b"", "502 Bad"), reply(b"", "504 Late"), reply(b"", "429 Slow")]
)
def test_what_may_be_sent_twice_is(serve: Serve, method: str, how: Script) -> None:
    peer = serve(failing(2, how))
    client, waits = made(peer)
    assert client.request(method, f"{peer.url}/").status == 200
    assert (len(peer.requests), len(waits)) == (3, 2)
    assert 0 <= waits[0] <= 0.2
    assert 0 <= waits[1] <= 0.4


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_not_is_sent_once(serve: Serve, method: str) -> None:
    peer = serve(failing(1, reset))
    client, waits = made(peer)
    with pytest.raises(UpstreamUnreachableError):
        client.request(method, f"{peer.url}/", json={})
    assert (len(peer.requests), waits) == (1, [])
    busy = serve(reply(b"", "503 Busy"))
    assert made(busy)[0].request(method, f"{busy.url}/").status == 503
    assert len(busy.requests) == 1


def test_an_idempotency_key_makes_it_safe_and_stays_the_same(serve: Serve) -> None:
    peer = serve(failing(2, reset))
    client, _ = made(peer)
    assert client.post(f"{peer.url}/", json={}, headers={"Idempotency-Key": "k-1"}).status == 200
    assert [peer.header("Idempotency-Key", n) for n in range(3)] == ["k-1"] * 3


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_end(serve: Serve, retries: int) -> None:
    peer = serve(reset)
    with pytest.raises(UpstreamUnreachableError):
        made(peer, retries)[0].get(f"{peer.url}/")
    assert len(peer.requests) == retries + 1


@pytest.mark.parametrize("status", ["400 Bad", "401 No", "404 None", "409 Conflict", "500 Oops", "501 Never"])
def test_an_answer_that_will_not_change_is_not_asked_for_again(serve: Serve, status: str) -> None:
    peer = serve(reply(b"", status))
    assert made(peer)[0].get(f"{peer.url}/").status == int(status[:3])
    assert len(peer.requests) == 1


def test_retry_after_is_honoured(serve: Serve) -> None:
    peer = serve(failing(1, reply(b"", "503 Busy", Retry_After="3")))
    client, waits = made(peer)
    assert client.get(f"{peer.url}/").status == 200
    assert waits == [3.0]


def test_who_asks_for_too_long_a_wait_is_not_waited_for(serve: Serve) -> None:
    peer = serve(reply(b"", "503 Busy", Retry_After="3600"))
    client, waits = made(peer)
    answer = client.get(f"{peer.url}/")
    assert (answer.status, answer.headers["retry-after"], waits, len(peer.requests)) == (503, "3600", [], 1)


def test_no_wait_goes_beyond_the_total(serve: Serve) -> None:
    peer = serve(reply(b"", "503 Busy", Retry_After="40"))
    client = Client(hosts=[peer.host], limits=Limits(total=30, longest_wait=60), allow_loopback_http=True)
    client._sleep = lambda seconds: pytest.fail("waited")
    assert client.get(f"{peer.url}/").status == 503


def test_a_refused_call_is_not_tried_again(serve: Serve) -> None:
    peer = serve(reply(b"<html>", kind="text/html"))
    with pytest.raises(OutboundError):
        made(peer)[0].get(f"{peer.url}/")
    assert len(peer.requests) == 1


@pytest.mark.parametrize(("said", "seconds"), [
    ("5", 5.0), ("0", 0.0), (format_datetime(NOW + timedelta(seconds=4), usegmt=True), 4.0), (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
    ("6", None), ("999999999999999999", None), (format_datetime(NOW + timedelta(days=1), usegmt=True), None),
])  # fmt: skip
def test_both_forms_of_retry_after(said: str, seconds: float | None) -> None:
    assert wait(0, {"retry-after": said}, 5.0, NOW) == seconds


@given(st.text(max_size=40), st.integers(0, 10))
def test_any_retry_after_gives_a_bounded_wait(said: str, tries: int) -> None:
    found = wait(tries, {"retry-after": said}, 5.0, NOW)
    assert found is None or 0 <= found <= 5.0


def test_waits_are_spread() -> None:
    assert len({wait(3, {}, 5.0, NOW) for _ in range(20)}) > 10
