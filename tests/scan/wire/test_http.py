"""The HTTP transport: bytes as given on the way out, and whatever a server does becomes an answer, never a crash or a hang."""

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from stopper.core.errors import IncompleteError, UsageError
from stopper.core.exchange import Request
from stopper.scan.wire.http import HttpTransport, read_origin, serialise
from stopper.scan.wire.transport import BODY_CAP

Talk = Callable[[socket.socket], None]


class RawServer:
    """Accepts connections and lets *talk* do with them what it wants."""

    def __init__(self, talk: Talk) -> None:
        self.heard: list[bytes] = []
        self.connections = 0
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(link,), daemon=True).start()

    def _one(self, link: socket.socket) -> None:
        with link:
            link.settimeout(10)
            try:
                self._talk(link)
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


@contextmanager
def serving(talk: Talk) -> Iterator[tuple[RawServer, HttpTransport]]:
    server = RawServer(talk)
    transport = HttpTransport(server.url)
    try:
        yield server, transport
    finally:
        transport.close()
        server.close()


def head(link: socket.socket) -> bytes:
    """One request's head."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        part = link.recv(65536)
        if not part:
            return seen
        seen += part
    return seen


def answering(answer: bytes) -> Talk:
    def talk(link: socket.socket) -> None:
        while head(link):
            link.sendall(answer)

    return talk


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def test_bytes_go_out_as_given() -> None:
    heard: list[bytes] = []

    def talk(link: socket.socket) -> None:
        heard.append(head(link))
        link.sendall(OK)

    with serving(talk) as (_, transport):
        request = Request(
            "GET", "/a%2e%2E//b?x=%zz", (("X-Two", "1"), ("x-two", "2"), ("Authorization", "Bearer a, Bearer b"))
        )
        assert transport.send(request, 5).text == "hi"
    first = heard[0]
    assert first.startswith(b"GET /a%2e%2E//b?x=%zz HTTP/1.1\r\n")
    assert b"\r\nX-Two: 1\r\nx-two: 2\r\nAuthorization: Bearer a, Bearer b\r\n" in first
    assert first.count(b"Host:") == 1


def test_a_given_host_header_replaces_ours() -> None:
    wire = serialise(Request("GET", "/", (("Host", "evil.example"),)), "127.0.0.1:1")
    assert wire.count(b"Host: ") == 1
    assert b"Host: evil.example" in wire


@pytest.mark.parametrize("request_", [
    Request("GET", "/", (("X", "a\r\nY: b"),)), Request("GET", "/ HTTP/1.1\r\nX: y"), Request("GE T", "/"), Request("GET", "/", (("X\n", "a"),)),
])  # fmt: skip
def test_what_would_be_two_requests_is_not_sent(request_: Request) -> None:
    with serving(answering(OK)) as (server, transport):
        response = transport.send(request_, 5)
        assert response.status == 0
        assert response.error is not None
        assert server.connections == 0


def test_a_connection_is_used_again() -> None:
    with serving(answering(OK)) as (server, transport):
        for _ in range(5):
            assert transport.send(Request("GET", "/"), 5).status == 200
        assert server.connections == 1


def test_a_kept_connection_that_died_is_replaced() -> None:
    def talk(link: socket.socket) -> None:
        head(link)
        link.sendall(OK)  # says nothing of closing, then closes

    with serving(talk) as (server, transport):
        assert [transport.send(Request("GET", "/"), 5).status for _ in range(3)] == [200, 200, 200]
        assert server.connections == 3


def test_a_write_is_never_sent_twice() -> None:
    heard: list[bytes] = []

    def talk(link: socket.socket) -> None:
        heard.append(head(link))

    with serving(talk) as (_, transport):
        response = transport.send(Request("POST", "/", body=b"x", effect="write"), 5)
    assert response.error is not None
    assert len(heard) == 1


def test_an_endless_body_is_cut() -> None:
    def talk(link: socket.socket) -> None:
        head(link)
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            link.sendall(b"x" * 65536)

    with serving(talk) as (_, transport):
        response = transport.send(Request("GET", "/"), 10)
    assert response.status == 200
    assert response.truncated
    assert len(response.body) == BODY_CAP


def test_a_slow_drip_ends_at_the_deadline() -> None:
    stop = threading.Event()

    def talk(link: socket.socket) -> None:
        head(link)
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not stop.wait(0.02):
            link.sendall(b"x")

    with serving(talk) as (_, transport):
        response = transport.send(Request("GET", "/"), 0.3)
        stop.set()
    assert response.status == 0
    assert response.error == "no whole answer in time"


def test_a_server_that_says_nothing_ends_at_the_deadline() -> None:
    with serving(lambda link: (head(link), link.recv(1), None)[2]) as (_, transport):
        assert transport.send(Request("GET", "/"), 0.3).error == "no whole answer in time"


def test_endless_headers_are_garbage() -> None:
    def talk(link: socket.socket) -> None:
        head(link)
        link.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            link.sendall(b"X-A: " + b"y" * 1000 + b"\r\n")

    with serving(talk) as (_, transport):
        assert transport.send(Request("GET", "/"), 10).error == "the answer is not HTTP"


def test_endless_interim_answers_end_at_the_deadline() -> None:
    def talk(link: socket.socket) -> None:
        head(link)
        while True:
            link.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    with serving(talk) as (_, transport):
        assert transport.send(Request("GET", "/"), 0.5).error is not None


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"HTTP/9.9 huh\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ],
)
def test_garbage_is_an_error(answer: bytes) -> None:
    def talk(link: socket.socket) -> None:
        head(link)
        link.sendall(answer)

    with serving(talk) as (_, transport):
        response = transport.send(Request("GET", "/"), 5)
    assert response.status == 0
    assert response.error is not None


def test_a_reset_in_the_middle_is_an_error() -> None:
    def talk(link: socket.socket) -> None:
        head(link)
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")

    with serving(talk) as (_, transport):
        assert transport.send(Request("GET", "/"), 5).status == 0


def test_a_gzip_bomb_stays_at_the_cap() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(bomb), bomb)
    with serving(answering(answer)) as (_, transport):
        response = transport.send(Request("GET", "/"), 10)
    assert response.truncated
    assert len(response.body) == BODY_CAP


def test_a_redirect_is_not_followed() -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n"
    with serving(answering(answer)) as (server, transport):
        assert transport.send(Request("GET", "/"), 5).status == 302
        assert server.connections == 1


def test_the_answer_to_head_has_no_body() -> None:
    with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")) as (_, transport):
        assert transport.send(Request("HEAD", "/"), 5).status == 200


def test_nobody_listening_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "no connection" in (HttpTransport(f"http://127.0.0.1:{port}").send(Request("GET", "/"), 5).error or "")


@pytest.mark.parametrize(
    "url", ["", "localhost:80", "ftp://x/", "http://", "http://a:b@c/", "http://[::1", "http://h:99999/"]
)
def test_a_bad_address_is_one_line(url: str) -> None:
    with pytest.raises(UsageError) as wrong:
        read_origin(url)
    assert "\n" not in str(wrong.value)


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(UsageError) as wrong:
        read_origin("http://alice:hunter2hunter2@example.com/")
    assert "hunter2" not in str(wrong.value)


def test_an_unknown_name_is_incomplete() -> None:
    with pytest.raises(IncompleteError, match="does not resolve"):
        HttpTransport("http://no-such-host.invalid/")


@given(st.binary(max_size=400))
@settings(max_examples=60)
def test_any_bytes_are_an_answer_or_an_error(answer: bytes) -> None:
    def talk(link: socket.socket) -> None:
        head(link)
        link.sendall(answer)

    with serving(talk) as (_, transport):
        response = transport.send(Request("GET", "/"), 5)
    assert (response.status == 0) == (response.error is not None)


@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=50), st.text(max_size=50))
def test_a_request_stays_one_request(method: str, target: str, name: str, value: str) -> None:
    try:
        wire = serialise(Request(method, target, ((name, value),)), "h")
    except ValueError:
        return
    top = wire.partition(b"\r\n\r\n")[0]
    assert top.count(b"\r\n") == top.count(b"\n") == len(top.split(b"\r\n")) - 1 <= 5
    assert top.split(b"\r\n")[0].count(b" ") == 2


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*_self_signed(tmp_path))

    def talk(link: socket.socket) -> None:
        with context.wrap_socket(link, server_side=True) as safe:
            head(safe)
            safe.sendall(OK)

    with serving(talk) as (server, _):
        url = server.url.replace("http://", "https://")
        refused = HttpTransport(url).send(Request("GET", "/"), 5)
        taken = HttpTransport(url, verify=False)
        answer = taken.send(Request("GET", "/"), 5)
        taken.close()
    assert "the certificate does not hold" in (refused.error or "")
    assert (answer.text, taken.surface) == ("hi", "https")


def _self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    )
    made = (
        builder.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "c.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "k.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return folder / "c.pem", folder / "k.pem"
