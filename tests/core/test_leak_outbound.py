"""What leaves for another host is seen, in plain and under TLS, blocking and not; what a host may have is let go."""

import asyncio
import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.outbound.peers import Authority, Peer

from stopper.core.leak import Leak
from stopper.core.leak_sensor import LeakSensor

TOKEN = "shown-by-a-client-7d2f9c"
KEY = "partner-51f0c2d4b6a8e9"
SIGNING = "kept-6f1b2c9d8e7a-apart"


def _answer(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.fixture
def told() -> Iterator[list[Leak]]:
    """The leaks of a running sensor that knows three secrets."""
    found: list[Leak] = []
    sensor = LeakSensor(found.append)
    sensor.add(TOKEN, "the token", "token")
    sensor.add(KEY, "config PARTNER_API_KEY", "config-credential")
    sensor.add(SIGNING, "config SECRET_KEY", "signing-key")
    with sensor:
        yield found


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer(_answer) as running:
        yield running


def ask(peer: Peer, host: str, *, url: str = "/", body: str | None = None, **headers: str) -> None:
    """One request to *host*, which is this machine."""
    connection = http.client.HTTPConnection(host)
    connection.sock = socket.create_connection(("127.0.0.1", peer.port))
    connection.request(
        "POST", url, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    connection.getresponse().read()
    connection.close()


def sinks(told: list[Leak]) -> list[tuple[str, str, str]]:
    return [(leak.secret, leak.sink, leak.detail) for leak in told]


def test_url_headers_and_body_are_told_apart(told: list[Leak], peer: Peer) -> None:
    ask(peer, "a.partner.test", url=f"/x?t={TOKEN}")
    ask(peer, "b.partner.test", X_User=TOKEN)
    ask(peer, "c.partner.test", body=f'{{"t": "{TOKEN}"}}')
    assert [(leak.sink, leak.detail) for leak in told] == [
        ("outbound-url", "host a.partner.test"), ("outbound-headers", "host b.partner.test"), ("outbound-body", "host c.partner.test"),
    ]  # fmt: skip
    assert {leak.place.function for leak in told} == {"ask"}


def test_this_machine_is_no_other_host(told: list[Leak], peer: Peer) -> None:
    for host in ("localhost", "127.0.0.1", "shop.localhost", "[::1]"):
        ask(peer, host, url=f"/x?t={TOKEN}", body=SIGNING, X_User=TOKEN)
    assert told == []


def test_a_credential_has_one_home(told: list[Leak], peer: Peer) -> None:
    ask(peer, "a.partner.test", X_Key=KEY)
    ask(peer, "a.partner.test", body=KEY)
    assert told == []
    ask(peer, "b.partner.test", X_Key=KEY)
    assert sinks(told) == [("config PARTNER_API_KEY", "outbound-headers", "host b.partner.test")]


def test_in_the_url_a_credential_leaks_at_home_too(told: list[Leak], peer: Peer) -> None:
    ask(peer, "a.partner.test", X_Key=KEY)
    ask(peer, "a.partner.test", url=f"/?key={KEY}")
    assert sinks(told) == [("config PARTNER_API_KEY", "outbound-url", "host a.partner.test")]


def test_a_signing_key_never_leaves(told: list[Leak], peer: Peer) -> None:
    ask(peer, "a.partner.test", X_Key=SIGNING)
    assert sinks(told) == [("config SECRET_KEY", "outbound-headers", "host a.partner.test")]


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[Peer, ssl.SSLContext]]:
    """A service under TLS, and what trusts it."""
    authority = Authority(tmp_path)
    context = ssl.create_default_context(cafile=str(authority.file))
    with Peer(_answer, tls=authority.context("api.partner.test")) as running:
        yield running, context


def test_under_tls(told: list[Leak], tls: tuple[Peer, ssl.SSLContext]) -> None:
    peer, context = tls
    plain = socket.create_connection(("127.0.0.1", peer.port))
    with context.wrap_socket(plain, server_hostname="api.partner.test") as secured:
        secured.sendall(b"POST / HTTP/1.1\r\nHost: api.partner.test\r\nContent-Length: 24\r\n\r\n")
        secured.sendall(TOKEN.encode())
        assert secured.recv(64).startswith(b"HTTP/1.1 200")
    assert sinks(told) == [("the token", "outbound-body", "host api.partner.test")]


def test_under_tls_without_blocking(told: list[Leak], tls: tuple[Peer, ssl.SSLContext]) -> None:
    peer, context = tls

    async def talk() -> bytes:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", peer.port, ssl=context, server_hostname="api.partner.test"
        )
        writer.write(f"GET /?t={TOKEN} HTTP/1.1\r\nHost: api.partner.test\r\n\r\n".encode())
        found = await reader.read(64)
        writer.close()
        await writer.wait_closed()
        return found

    assert asyncio.run(talk()).startswith(b"HTTP/1.1 200")
    assert sinks(told) == [("the token", "outbound-url", "host api.partner.test")]


def test_what_a_server_answers_is_no_outgoing_call(told: list[Leak]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        served, _ = listener.accept()
        with client, served:
            served.sendall(f"HTTP/1.1 200 OK\r\nHost: other.partner.test\r\n\r\n{TOKEN}".encode())
            assert client.recv(1024)
    assert told == []
