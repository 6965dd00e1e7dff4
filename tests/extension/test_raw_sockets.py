"""Bytes that no client library would send, against real servers."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.auth.token_smith import claims, hs256

HERE = Path(__file__).parent
_GUNICORN = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--no-control-socket", "served_app:app"]
SERVERS = {
    "flask-run": [sys.executable, "-m", "flask", "--app", "served_app", "run", "--no-reload", "--with-threads", "--port", "{port}"],
    "gunicorn-sync": [*_GUNICORN, "--worker-class", "sync"],
    "gunicorn-gthread": [*_GUNICORN, "--worker-class", "gthread", "--threads", "2"],
    "gunicorn-gevent": [*_GUNICORN, "--worker-class", "gevent"],
    "granian": [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}", "served_app:app"],
    "waitress": [sys.executable, "-m", "waitress", "--listen", "127.0.0.1:{port}", "served_app:app"],
}  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module", params=SERVERS.values(), ids=SERVERS.keys())
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = _free_port()
    log = tmp_path_factory.mktemp("served") / "log.txt"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [part.format(port=port) for part in request.param], cwd=HERE, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait(server, port, log)
            yield port
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(20)


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())


def send(port: int, raw: bytes, patience: float = 20) -> bytes:
    """Everything that comes back for *raw*, until the server closes or says nothing for *patience* seconds."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.settimeout(patience)
        connection.sendall(raw)
        found = b""
        try:
            while chunk := connection.recv(65536):
                found += chunk
        except OSError:
            pass
        return found


def ask(port: int, target: bytes, *lines: bytes, method: bytes = b"GET") -> bytes:
    head = [method + b" " + target + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close", *lines]
    return send(port, b"\r\n".join(head) + b"\r\n\r\n")


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0


TOKEN = hs256(payload=claims(exp=4_000_000_000, iat=1_700_000_000)).encode()
GOOD = b"Authorization: Bearer " + TOKEN
BOB = b"Authorization: Bearer " + hs256(payload=claims(sub="bob", exp=4_000_000_000, iat=1_700_000_000)).encode()


def test_an_honest_request_passes(port: int) -> None:
    answer = ask(port, b"/guarded", GOOD)
    assert status(answer) == 200
    assert b"VIEW RAN for alice GET" in answer


@pytest.mark.parametrize(
    "lines",
    [
        [GOOD, GOOD], [GOOD, BOB], [BOB, b"Authorization: Bearer x"], [b"Authorization: Bearer x", GOOD], [b"Authorization: Basic YTpi", GOOD],
        [GOOD, b"Authorization:"], [b"authorization: Bearer x", b"AUTHORIZATION: Bearer y"], [GOOD + b", Bearer x"], [GOOD + b",", b"X: y"],
        [GOOD, b"X-API-Key: abc"], [b"Authorization: Bearer " + TOKEN + b"\x00"], [b"Authorization: Bearer " + TOKEN + b"\xff"],
        [b"Authorization: Bearer " + TOKEN + b"\x0b"], [b"Authorization: Bearer\t" + TOKEN], [b"Authorization: Bearer " + TOKEN + b" x"],
        [b"Authorization: Bearer \xe2\x80\x8b" + TOKEN], [b"Authorization: " + b"A" * 7000],
        [b"Authorization: Bearer " + b"A" * 8100], [b"Authorization: Bearer " + b"A" * 60000], [b"Authorization : Bearer " + TOKEN, b"X: y" ],
        [b"Authorization: Bearer " + TOKEN.replace(b".", b"%2e")], [b"Authorization: bearer:" + TOKEN], [b"Authorization_: Bearer " + TOKEN],
        [b"X-Authorization: Bearer " + TOKEN], [b"Cookie: Authorization=Bearer " + TOKEN], [b"Proxy-Authorization: Bearer " + TOKEN],
        [b"X-Forwarded-User: admin", b"Remote-User: admin", b"X-Original-URL: /public", b"X-Rewrite-URL: /public"],
    ],
)  # fmt: skip
def test_two_credentials_or_odd_bytes_reach_no_view(port: int, lines: list[bytes]) -> None:
    answer = ask(port, b"/guarded", *lines)
    assert status(answer) in (0, 400, 401, 431)
    assert b"VIEW RAN" not in answer
    assert TOKEN not in answer


@pytest.mark.parametrize(
    "target",
    [b"/guarded?access_token=" + TOKEN, b"/%67uarded", b"//guarded", b"/./guarded", b"/public/../guarded", b"/public/..;/guarded", b"/%2e/guarded",
     b"/public/%2e%2e/guarded", b"/guarded/", b"/guarded%00", b"/guarded;x", b"http://127.0.0.1/guarded", b"/admin/..%2f..%2fpublic", b"/admin/../public/../admin/x",
     b"/admin//x", b"/admin/%2e%2e/x", b"/ADMIN/x", b"/guarded#", b"/guarded%20", b"\\guarded", b"*", b"/static/../served_app.py", b"/static/%2e%2e/served_app.py"],
)  # fmt: skip
def test_no_spelling_of_a_path_opens_a_door(port: int, target: bytes) -> None:
    answer = ask(port, target)
    assert status(answer) in (0, 200, 301, 308, 400, 401, 404)
    assert b"VIEW RAN" not in answer
    if status(answer) == 200:
        assert answer.endswith(b"open")


@pytest.mark.parametrize(
    "method", [b"HEAD", b"OPTIONS", b"POST", b"get", b"TRACE", b"CONNECT", b"DELETE", b"FOO", b"PROPFIND"]
)
def test_no_method_opens_a_door(port: int, method: bytes) -> None:
    for lines in ([], [b"X-HTTP-Method-Override: OPTIONS"], [b"X-Method-Override: HEAD", b"X-HTTP-Method: GET"]):
        answer = ask(port, b"/guarded", *lines, b"Content-Length: 0", method=method)
        assert status(answer) in (0, 400, 401, 405, 501)
        assert b"VIEW RAN" not in answer


def test_a_refusal_has_its_headers_on_the_wire(port: int) -> None:
    answer = ask(port, b"/guarded")
    head = answer.split(b"\r\n\r\n")[0].lower()
    for line in (
        b"www-authenticate: bearer",
        b"cache-control: no-store",
        b"x-content-type-options: nosniff",
        b"content-type: application/problem+json",
    ):
        assert head.count(line) == 1
    assert head.count(b"x-request-id: ") == 1


def test_all_401s_are_the_same_bytes_on_the_wire(port: int) -> None:
    shown = [TOKEN[:-2] + b"AA", b"x", b"a.b.c", hs256(key=b"0" * 32).encode(), hs256(payload=claims(aud="x")).encode()]
    answers = {_without_changing_lines(ask(port, b"/guarded", b"Authorization: Bearer " + token)) for token in shown}
    assert len(answers) == 1


def _without_changing_lines(answer: bytes) -> bytes:
    return b"\r\n".join(
        line for line in answer.split(b"\r\n") if not line.lower().startswith((b"x-request-id:", b"date:"))
    )


def test_a_folded_header_is_one_credential_or_none(port: int) -> None:
    """werkzeug's server joins folded lines (RFC 9112 §5.2 lets it), gunicorn refuses them; two folded credentials never pass."""
    assert status(ask(port, b"/guarded", b"Authorization: Bearer", b" " + TOKEN)) in (0, 200, 400)
    answer = ask(port, b"/guarded", GOOD, b" " + TOKEN)
    assert status(answer) in (0, 400)
    assert b"VIEW RAN" not in answer


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\x0b", b"\x85"])
def test_no_odd_end_of_a_line_lets_a_second_credential_in(port: int, end: bytes) -> None:
    """granian, werkzeug and nginx take a bare LF for the end of a header: what follows it counts as a header and not as a way round."""
    assert b"VIEW RAN" not in ask(port, b"/guarded", GOOD + end + BOB)
    assert b"VIEW RAN for alice" not in ask(port, b"/guarded", BOB, b"X: y" + end + GOOD)
    assert b"VIEW RAN" not in ask(port, b"/guarded", b"X: y" + end + b"Y: z" + end + b"Authorization_: Bearer " + TOKEN)


def test_a_name_with_an_underscore_is_no_credential(port: int) -> None:
    """WSGI gives X-API-Key and X_API_Key one name; whichever wins, no door opens by it."""
    for lines in ([b"X_API_Key: abc"], [b"X-API-Key: abc", b"X_API_Key: def"], [b"AUTHORIZATION_: Bearer " + TOKEN]):
        answer = ask(port, b"/guarded", *lines)
        assert status(answer) in (0, 400, 401)
        assert b"VIEW RAN" not in answer


def test_a_body_of_two_lengths_opens_nothing(port: int) -> None:
    """CL.TE and TE.CL: whatever the server makes of the body, the request hidden in it has no credential of its own."""
    hidden = b"GET /guarded HTTP/1.1\r\nHost: x\r\n\r\n"
    for lines in (
        [b"Content-Length: %d" % (len(hidden) + 5), b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"],
        [b"Content-Length: 5", b"Content-Length: %d" % (len(hidden) + 5)],
    ):
        head = [b"POST /guarded HTTP/1.1", b"Host: x", GOOD, *lines]
        answer = send(port, b"\r\n".join(head) + b"\r\n\r\n0\r\n\r\n" + hidden, patience=2)
        assert answer.count(b"VIEW RAN") <= 1
        assert b"VIEW RAN for alice GET" not in answer


def test_an_async_view_is_guarded_as_any_other(port: int) -> None:
    assert status(ask(port, b"/async")) == 401
    assert b"VIEW RAN for alice async" in ask(port, b"/async", GOOD)


def test_a_stream_begins_after_the_decision_and_knows_who_asked(port: int) -> None:
    assert status(ask(port, b"/stream")) == 401
    assert b"VIEW RAN for alice 2" in ask(port, b"/stream", GOOD)


def test_the_second_request_of_a_connection_does_not_inherit(port: int) -> None:
    first = b"GET /guarded HTTP/1.1\r\nHost: x\r\n" + GOOD + b"\r\n\r\n"
    second = b"GET /guarded HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = send(port, first + second)
    assert answer.count(b"VIEW RAN") == 1
