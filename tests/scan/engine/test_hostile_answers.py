"""Two hundred hostile answers: each is an answer or an error, none hangs or breaks a scan, and what is lost is told."""

import contextlib
import gzip
import itertools
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import pytest

from stopper.core.exchange import Request
from stopper.scan.catalogue import load
from stopper.scan.options import ProbeOptions
from stopper.scan.reports import html, junit, sarif, text
from stopper.scan.reports import json as as_json
from stopper.scan.run import run_scan
from stopper.scan.surface.crawl import crawled
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.http import HttpTransport
from stopper.scan.wire.transport import BODY_CAP

Talk = Callable[[socket.socket, threading.Event], None]


def said(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> Talk:
    """An answer of one piece."""
    lines = [f"HTTP/1.1 {status}", "Connection: close", *headers]
    if length is None or length >= 0:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    whole = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
    return lambda link, _: link.sendall(whole)


def raw(data: bytes) -> Talk:
    return lambda link, _: link.sendall(data)


def endless(head: bytes, part: bytes) -> Talk:
    """Goes on until the other side has had enough."""

    def talk(link: socket.socket, over: threading.Event) -> None:
        link.sendall(head)
        while not over.is_set():
            link.sendall(part)

    return talk


def drip(head: bytes, part: bytes = b"x") -> Talk:
    """A little at a time, never quite silent."""

    def talk(link: socket.socket, over: threading.Event) -> None:
        link.sendall(head)
        while not over.wait(0.02):
            link.sendall(part)

    return talk


def reset(link: socket.socket, _: threading.Event) -> None:
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(_: socket.socket, over: threading.Event) -> None:
    over.wait(30)


JSON: Final = "Content-Type: application/json"
HTML: Final = "Content-Type: text/html; charset=utf-8"
HEAD: Final = b"HTTP/1.1 200 OK\r\n"
CHUNKED: Final = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB: Final = gzip.compress(b"0" * (BODY_CAP * 20))
SLOW: Final[tuple[Talk, ...]] = (
    silent,
    drip(HEAD + b"Content-Length: 99999\r\n\r\n"),
    drip(b"HTT", b""),
    drip(HEAD + b"X-Slow: ", b"s"),
    drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    drip(CHUNKED, b"1\r\nx\r\n"),
    said(b"short", length=100_000),
)
"""Answers that take the whole time of a request."""
LARGE: Final[tuple[Talk, ...]] = (
    endless(HEAD + b"\r\n", b"x" * 65536),
    endless(CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    endless(HEAD, b"X-More: " + b"y" * 8000 + b"\r\n"),
    endless(b"HTTP/1.1 200 ", b"OK" * 4000),
    said(BOMB, JSON, "Content-Encoding: gzip"),
    said(BOMB, HTML, "Content-Encoding: deflate"),
    said("".join(f'<a href="/h/{n}">x</a>' for n in range(100_000)).encode(), HTML),
    said(json.dumps({"links": [f"/x/{n}" for n in range(100_000)]}).encode(), JSON),
)
ODD: Final[tuple[Talk, ...]] = (
    reset,
    raw(b""),
    raw(b"\x16\x03\x01\x02\x00\x01"),
    raw(b"HTTP/1.1 999 Strange\r\nContent-Length: 0\r\n\r\n"),
    raw(b"HTTP/1.1 000 None\r\n\r\n"),
    raw(b"HTTP/3.9 200 OK\r\n\r\n"),
    raw(b"HTTP/1.1 200\r\nContent-Length: -5\r\n\r\n"),
    raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello!!"),
    raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx"),
    raw(b"HTTP/1.1 200 OK\nServer: x\n\nbare newlines"),
    raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nx\r\n0\r\n\r\n"),
    raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n"),
    raw(b"HTTP/1.1 200 OK\r\nX\0Y: z\r\n\r\n"),
    raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
    raw(b"HTTP/1.1 204 No Content\r\nContent-Length: 10\r\n\r\n0123456789"),
    said(b"[" * 100_000, JSON),
    said(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, JSON),
    said(b"9" * 100_000, JSON),
    said(b'{"id": 1e999999, "x": NaN, "y": -Infinity}', JSON),
    said(b'{"id": {"$ne": null}, "token": ["a", {"b": 1}], "access_token": 7}', JSON),
    said(b'{"access_token": null, "refresh_token": {}, "id": true, "links": 5}', JSON),
    said(b"\xff\xfe\x00\xd8", JSON),
    said(b"\x80\x81\x82 \xc3\x28 \xed\xa0\x80", HTML),
    said(b"x", "Content-Type: text/html; charset=no-such-charset"),
    said(b"x", "Content-Type: ;;;===", "Set-Cookie: =;;=", "Set-Cookie: a\tb=\x01"),
    said(b"x", *[f"Set-Cookie: session{n}=eyJ{n}.x.y; Max-Age=junk; Expires=never" for n in range(300)]),
    said(b"x", 'WWW-Authenticate: Bearer realm="', "Retry-After: soon", "Location: http://[::1", status="401 No"),
    said(b"", "Location: http://[bad", status="302 Found"),
    said(b"", "Location: \xff\xfe", status="302 Found"),
    said(b"", "Location: //other.example/", status="301 Moved"),
    said(b"", "Location: javascript:alert(1)", status="303 See"),
    said(b"", f"Location: {'/x' * 20_000}", status="302 Found"),
    said(b"", "Retry-After: -1", status="429 Slow"),
    said(b"", "Retry-After: 99999999999999999999", status="503 Busy"),
    said(b"not gzip at all", "Content-Encoding: gzip"),
    said(BOMB[:40], "Content-Encoding: gzip"),
    said(b"x", "Content-Encoding: br, gzip, deflate, br"),
    said(b"<html><form method=post action='http://[x'><input type=password name=''>" * 50, HTML),
    said(b"<form><input type=password name='a\x00b'><input name=" + b"n" * 50_000, HTML),
    said(b"<" * 100_000, HTML),
    said(b"<!--" * 30_000, HTML),
    said(b"&#x110000; &#99999999999999; &;", HTML),
    said(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "Content-Type: text/plain"),
    said(b'{"keys": [{"kty": "RSA", "n": 5, "e": []}, null, "x", {"kty": "EC", "crv": "P-0"}]}', JSON),
    said(b"eyJhbGciOiJub25lIn0." + b"A" * 60_000 + b".", "Content-Type: text/plain"),
    said(b'{"token": "' + b"a.b.c" * 9_000 + b'"}', JSON),
    said(b"Traceback (most recent call last):\n" + b'  File "x", line 1\n' * 9_000, HTML, status="500 Oh"),
)


def _redirects(number: int) -> Talk:
    """One of a thousand redirects in a circle."""
    return said(b"", f"Location: /h/{number + 1}", status="302 Found")


COUNT: Final = 200


def answers() -> list[Talk]:
    """Two hundred of them, the slow and the large ones few among many."""
    few = [*SLOW, *LARGE]
    return [*few, *itertools.islice(itertools.cycle([*ODD, _redirects(0)]), COUNT - len(few))]


DOCUMENT: Final = {
    "openapi": "3.0.0",
    "paths": {
        "/ok": {"get": {}},
        **{
            f"/h/{n}": {("get", "post", "put")[n % 3]: {"security": [{"t": []}]} if n % 2 else {}} for n in range(COUNT)
        },
    },
}


HOME: Final = {"fine": True, "links": [f"/h/{n}" for n in (13, 14, *range(COUNT))]}


@contextmanager
def hostile() -> Iterator[tuple[str, list[str]]]:
    """A server of hostile answers, with the list of what was asked."""
    listener, over = socket.create_server(("127.0.0.1", 0), backlog=256), threading.Event()
    talks, asked = answers(), list[str]()

    def serve() -> None:
        while not over.is_set():
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(link,), daemon=True).start()

    def one(link: socket.socket) -> None:
        with link, contextlib.suppress(OSError, ValueError, IndexError):
            link.settimeout(5)
            path = link.recv(262_144).split(b" ")[1].decode().partition("?")[0]
            asked.append(path)
            if path.startswith("/h/"):
                talks[int(path[3:].partition("/")[0])](link, over)
            else:
                body = json.dumps(DOCUMENT if path == "/openapi.json" else HOME).encode()
                said(body, JSON, status="200 OK" if path in ("/", "/ok", "/openapi.json") else "404 Not Found")(
                    link, over
                )

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        over.set()
        listener.close()


def test_each_of_two_hundred_is_an_answer_or_an_error() -> None:
    with hostile() as (url, _):
        transport = HttpTransport(url)
        try:
            for number in range(COUNT):
                response = transport.send(Request("GET", f"/h/{number}"), 0.3)
                assert (response.status == 0) == (response.error is not None), number
                assert len(response.body) <= BODY_CAP
                response.json(), response.text, response.content_type, response.refused
            assert transport.send(Request("GET", "/ok"), 5.0).status == 200
        finally:
            transport.close()


@pytest.mark.parametrize("mode", ["passive", "active"])
def test_a_scan_of_them_ends_with_every_probe_whole(mode: str) -> None:
    """No probe breaks, the sound route is tested, what was lost is told, and every report can be written."""
    options = ProbeOptions(rules=load(), timeout=0.2, max_requests=900)
    with hostile() as (url, asked):
        report = run_scan(url, replace(options, mode=mode))  # type: ignore[arg-type]
    broken = [one for one in report.outcomes if "stopped:" in one.message]
    assert broken == []
    assert "/ok" in asked
    readable = {f"/h/{n}" for n in range(0, COUNT, 3)}
    # A busy machine loses more of them to the time-out, and each costs a part of the budget.
    assert readable <= set(asked) if mode == "passive" else len(set(asked)) > 60
    assert report.coverage.tested < report.coverage.total
    assert any("gave no whole answer and were not tested" in one.message for one in report.errors)
    for writer in (text, as_json, sarif, html, junit):
        assert writer.render(report)


def test_a_crawl_of_them_ends() -> None:
    with hostile() as (url, asked):
        transport = HttpTransport(url)
        try:
            crawled(Courier(transport, timeout=0.2, max_requests=300), "", "stpcanary")
        finally:
            transport.close()
    assert len(asked) <= 300
