"""A service that is slow, endless, broken or lying ends in a typed error, within its bounds."""

import gzip
import itertools
import os
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.outbound.peers import Authority, Peer, Script, Wired, raw, reply, reset

from stopper.outbound import (
    Client,
    Limits,
    OutboundError,
    Reply,
    ReplyRefusedError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from stopper.outbound.reply import unpacked

Serve = Callable[..., Peer]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def quick(peer: Peer, **limits: float) -> Client:
    bounds = Limits(**{"connect": 5.0, "read": 5.0, "total": 10.0, "max_bytes": 1000, "retries": 0, **limits})  # type: ignore[arg-type]
    return Client(hosts=[peer.host], limits=bounds, allow_loopback_http=True)


def forever(piece: bytes, first: bytes = b"") -> Script:
    def say(connection: socket.socket, request: bytes) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(piece)

    return say


def dripping(first: bytes, piece: bytes = b" ") -> Script:
    """A piece now and then, so that no single silence is ever long."""

    def say(connection: socket.socket, request: bytes) -> None:
        connection.sendall(first)
        while True:
            time.sleep(0.02)
            connection.sendall(piece)

    return say


def silent(connection: socket.socket, request: bytes) -> None:
    while connection.recv(1000):
        pass


ENDLESS = {
    "body": forever(b"x" * 4096, OK + b"\r\n"),
    "declared body": forever(b"x" * 4096, OK + b"Content-Length: 99999999999999999999\r\n\r\n"),
    "chunks": forever(b"400\r\n" + b"x" * 1024 + b"\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    "headers": forever(b"X-A: b\r\n", OK),
    "one header": forever(b"a" * 4096, OK + b"X-A: "),
    "status line": forever(b"a" * 4096, b"HTTP/1.1 200 "),
    "chunk size": forever(b"0" * 4096, OK + b"Transfer-Encoding: chunked\r\n\r\n"),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_an_endless_reply_is_cut_off(serve: Serve, what: str) -> None:
    peer = serve(ENDLESS[what])
    with pytest.raises(OutboundError) as wrong:
        quick(peer).get(f"{peer.url}/")
    assert wrong.value.status == 502


ENDLESS_IN_TIME = {
    "continues": forever(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "trailers": forever(b"X-A: b\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"),
    "slow headers": dripping(OK + b"X: ", b"a"),
    "slow body": dripping(OK + b"Content-Length: 900\r\n\r\n"),
    "slow status": dripping(b"HTTP/1.1 200 ", b"O"),
    "silence": silent,
    "silence in the body": lambda connection, request: (connection.sendall(OK + b"Content-Length: 9\r\n\r\n{"), silent(connection, request))[1],
}  # fmt: skip


@pytest.mark.parametrize("what", ENDLESS_IN_TIME)
def test_a_slow_reply_ends_when_the_total_ends(serve: Serve, what: str) -> None:
    peer = serve(ENDLESS_IN_TIME[what])
    with pytest.raises(UpstreamTimeoutError) as late:
        quick(peer, total=0.5).get(f"{peer.url}/")
    assert late.value.status == 504


def test_a_slow_reply_ends_over_tls_too(serve: Serve, authority: Authority) -> None:
    peer = serve(dripping(OK + b"Content-Length: 900\r\n\r\n"), "slow.example")
    wired = Wired({"slow.example": [["10.0.0.1"]]}, port=peer.port)
    client = Client(
        hosts=["slow.example"], limits=Limits(total=0.5, retries=0), ca_file=authority.file, network=wired.network
    )
    with pytest.raises(UpstreamTimeoutError):
        client.get("https://slow.example/")


def test_a_silence_is_bounded_by_itself(serve: Serve) -> None:
    peer = serve(silent)
    with pytest.raises(UpstreamTimeoutError):
        quick(peer, read=0.2, total=3600).get(f"{peer.url}/")


def test_a_handshake_that_never_ends_is_bounded(authority: Authority, serve: Serve) -> None:
    peer = serve(silent)  # reads the TLS hello for a request and says nothing
    wired = Wired({"mute.example": [["10.0.0.1"]]}, port=peer.port)
    limits = Limits(connect=0.3, total=3600, retries=0)
    client = Client(hosts=["mute.example"], limits=limits, ca_file=authority.file, network=wired.network)
    with pytest.raises(UpstreamTimeoutError):
        client.get("https://mute.example/")


def test_a_resolver_that_hangs_is_bounded(authority: Authority) -> None:
    done = threading.Event()
    wired = Wired({})

    def hang(host: str, port: int) -> list[str]:
        done.wait(30)
        return []

    wired.resolve = hang  # type: ignore[method-assign]
    client = Client(hosts=["lost.example"], limits=Limits(connect=0.2, retries=0), network=wired.network)
    with pytest.raises(UpstreamTimeoutError):
        client.get("https://lost.example/")
    done.set()


def test_a_connection_that_is_never_accepted_is_bounded() -> None:
    wired = Wired({"far.example": [["10.0.0.1", "10.0.0.2"]]})
    asked: list[float] = []

    def hang(address: str, port: int, timeout: float) -> socket.socket:
        asked.append(timeout)
        raise TimeoutError

    wired.connect = hang  # type: ignore[method-assign]
    with pytest.raises(UpstreamTimeoutError):
        Client(hosts=["far.example"], limits=Limits(connect=2, retries=0), network=wired.network).get(
            "https://far.example/"
        )
    assert len(asked) == 2
    assert max(asked) <= 2


BROKEN = {
    "reset": reset,
    "nothing": raw(b""),
    "half a status": raw(b"HTTP/1.1 2"),
    "not http": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "odd status": raw(b"HTTP/1.1 abc OK\r\n\r\n"),
    "huge status": raw(b"HTTP/1.1 99999 OK\r\n\r\n"),
    "half a body": raw(OK + b"Content-Length: 20\r\n\r\n{}"),
    "half a chunk": raw(OK + b"Transfer-Encoding: chunked\r\n\r\n10\r\n{}"),
    "no last chunk": raw(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
    "odd chunk": raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "negative chunk": raw(OK + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n"),
    "early hints": raw(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\n{}"),
    "upgrade": raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    "too many headers": raw(OK + b"X-A: b\r\n" * 500 + b"\r\n{}"),
    "gzip that is none": raw(OK + b"Content-Encoding: gzip\r\n\r\nhello"),
    "half a gzip": raw(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}" * 50)[:-9]),
    "gzip with a tail": raw(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}") + b"tail"),
    "two gzips": raw(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{") + gzip.compress(b"}")),
    "gzip twice": raw(OK + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(gzip.compress(b"{}"))),
    "brotli": raw(OK + b"Content-Encoding: br\r\n\r\nxx"),
    "deflate": raw(OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(b"{}")),
    "another type": raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>"),
    "no type": raw(b"HTTP/1.1 200 OK\r\n\r\n{}"),
    "two types": raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Type: application/json\r\n\r\n{}"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_reply_is_an_error_and_never_half_a_reply(serve: Serve, what: str) -> None:
    peer = serve(BROKEN[what])
    with pytest.raises((ReplyRefusedError, UpstreamUnreachableError)):
        quick(peer).get(f"{peer.url}/")


def test_nobody_there() -> None:
    with Peer(reply()) as peer:
        pass
    with pytest.raises(UpstreamUnreachableError):
        quick(peer).get(f"{peer.url}/")


def test_a_bomb_is_never_unpacked(serve: Serve) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    peer = serve(reply(bomb, Content_Encoding="gzip"))
    client = quick(peer, max_bytes=100_000)
    tracemalloc.start()
    try:
        with pytest.raises(ReplyRefusedError) as refused:
            client.get(f"{peer.url}/")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused.value.reason == "too-large"
    assert most < 5_000_000, "fifty megabytes were packed into the reply"


def test_a_gzip_reply_within_the_bounds_is_unpacked(serve: Serve) -> None:
    peer = serve(reply(gzip.compress(b'{"a": 1}'), Content_Encoding="GZIP"))
    answer = quick(peer).get(f"{peer.url}/")
    assert answer.json() == {"a": 1}
    assert "content-encoding" not in answer.headers


@settings(max_examples=200)
@given(st.binary(max_size=4000), st.integers(1, 5000), st.integers(1, 700))
def test_unpacking_gives_the_body_or_nothing(body: bytes, most: int, size: int) -> None:
    packed = gzip.compress(body)
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    if len(body) <= most:
        assert unpacked(pieces, "gzip", most) == body
    else:
        with pytest.raises(ReplyRefusedError):
            unpacked(pieces, "gzip", most)


@given(st.lists(st.binary(max_size=100), max_size=6))
def test_any_bytes_as_gzip_are_a_body_or_a_refusal(pieces: list[bytes]) -> None:
    try:
        found = unpacked(pieces, "gzip", 10_000)
    except ReplyRefusedError:
        return
    assert found == gzip.decompress(b"".join(pieces))


@settings(max_examples=60)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", OK, OK + b"Content-Length: 5\r\n", OK + b"\r\n"]),
)
def test_any_bytes_are_a_reply_or_an_outbound_error(garbage: bytes, first: bytes) -> None:
    with Peer(raw(first + garbage)) as peer:
        try:
            found = quick(peer, total=5).get(f"{peer.url}/")
        except OutboundError:
            return
        assert isinstance(found, Reply)


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
def test_the_size_limit_is_exact(serve: Serve, size: int, fits: bool) -> None:
    for script in (reply(b"1" * size), raw(OK + b"\r\n" + b"1" * size)):
        peer = serve(script)
        if fits:
            assert len(quick(peer).get(f"{peer.url}/").body) == size
        else:
            with pytest.raises(ReplyRefusedError):
                quick(peer).get(f"{peer.url}/")


@pytest.mark.parametrize(("accept", "kind", "fits"), [
    ("application/json", "application/json; charset=utf-8", True), ("application/json", "application/problem+json", True),
    ("application/json", "text/json", False), ("application/json", "application/jsonp", False), ("text/plain", "text/plain", True),
    ("text/*", "text/csv", True), ("text/*", "application/json", False), ("*/*", "image/png", True), (["a/b", "c/d"], "C/D", True),
])  # fmt: skip
def test_only_the_types_that_are_asked_for_are_taken(serve: Serve, accept: str, kind: str, fits: bool) -> None:
    peer = serve(reply(b"x", kind=kind))
    if fits:
        assert quick(peer).get(f"{peer.url}/", accept=accept).body == b"x"
    else:
        with pytest.raises(ReplyRefusedError):
            quick(peer).get(f"{peer.url}/", accept=accept)


def test_an_error_page_is_left_out_of_the_reply(serve: Serve) -> None:
    peer = serve(reply(b"<h1>at /srv/app/x.py</h1>", "500 Oops", "text/html"))
    answer = quick(peer).get(f"{peer.url}/")
    assert (answer.status, answer.body) == (500, b"")
    with pytest.raises(UpstreamStatusError) as wrong:
        answer.checked()
    assert (wrong.value.upstream_status, wrong.value.status) == (500, 502)


def test_connections_are_kept_and_dead_ones_replaced(serve: Serve) -> None:
    peer = serve(reply())
    client = quick(peer)
    for _ in range(5):
        client.get(f"{peer.url}/")
    assert (peer.connections, len(peer.requests)) == (1, 5)
    for connection in peer._open:
        connection.shutdown(socket.SHUT_RDWR)
    client.get(f"{peer.url}/")
    assert peer.connections == 2
    client.close()
    client.get(f"{peer.url}/")
    assert peer.connections == 3


def test_a_connection_that_ends_as_it_is_used_again_is_replaced(serve: Serve) -> None:
    """Also without retries: that it was closed while idle says nothing about the service."""
    seen: set[int] = set()

    def once(connection: socket.socket, request: bytes) -> None:
        if id(connection) in seen:
            reset(connection, request)
        seen.add(id(connection))
        reply()(connection, request)

    peer = serve(once)
    client = quick(peer, retries=0)
    assert [client.get(f"{peer.url}/").status for _ in range(3)] == [200, 200, 200]
    assert (peer.connections, len(peer.requests)) == (3, 5)


def test_what_must_not_be_sent_twice_takes_a_new_connection(serve: Serve) -> None:
    peer = serve(reply())
    client = quick(peer)
    client.get(f"{peer.url}/")
    client.post(f"{peer.url}/", json=1)
    assert peer.connections == 2


def test_a_second_reply_that_nobody_asked_for_answers_nobody(serve: Serve) -> None:
    one = OK + b"Content-Length: 2\r\n\r\n{}"
    counter = itertools.count()

    def both(connection: socket.socket, request: bytes) -> None:
        connection.sendall(one + OK + b'Content-Length: 8\r\n\r\n{"bad":1}' if next(counter) == 0 else one)

    peer = serve(both)
    client = quick(peer)
    assert [client.get(f"{peer.url}/").json() for _ in range(3)] == [{}, {}, {}]


def test_threads_share_one_client(serve: Serve) -> None:
    def echo(connection: socket.socket, request: bytes) -> None:
        reply(b'"' + request.split(b" ")[1] + b'"')(connection, request)

    peer = serve(echo)
    client = quick(peer)
    wrong: list[str] = []

    def ask(name: int) -> None:
        wrong.extend(path for n in range(20) if client.get(peer.url + (path := f"/{name}/{n}")).json() != path)

    threads = [threading.Thread(target=ask, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert len(peer.requests) == 160


@pytest.mark.skipif(not hasattr(os, "fork"), reason="capability missing: fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_makes_connections_of_its_own(serve: Serve) -> None:
    peer = serve(reply())
    client = quick(peer)
    client.get(f"{peer.url}/")
    child = os.fork()
    if child == 0:
        try:
            client.get(f"{peer.url}/")
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert status == 0
    client.get(f"{peer.url}/")
    assert peer.connections == 2
