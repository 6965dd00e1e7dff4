"""Sessions behind a real server with several processes: begun in one, known to all, ended for all at once."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.extension.test_raw_sockets import _free_port, _wait, send, status

HERE = Path(__file__).parent
NAME, CSRF = b"__Host-stopper-session", b"__Host-stopper-csrf"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Two processes of two threads over one SQLite file."""
    port = _free_port()
    folder = tmp_path_factory.mktemp("sessions")
    command = [
        sys.executable, "-m", "gunicorn", "--workers", "2", "--worker-class", "gthread", "--threads", "2", "--bind", f"127.0.0.1:{port}",
        "--no-control-socket", "served_sessions:app",
    ]  # fmt: skip
    log = folder / "log.txt"
    with log.open("wb") as output:
        environ = {**os.environ, "SERVED_DATABASE": f"sqlite:///{folder}/stopper.db"}
        server = subprocess.Popen(command, cwd=HERE, env=environ, stdout=output, stderr=subprocess.STDOUT)
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


def ask(port: int, method: bytes, target: bytes, *lines: bytes, body: bytes = b"") -> bytes:
    head = [
        method + b" " + target + b" HTTP/1.1", b"Host: notes.example.com", b"Connection: close", b"Content-Length: %d" % len(body), *lines,
    ]  # fmt: skip
    return send(port, b"\r\n".join(head) + b"\r\n\r\n" + body)


class Browser:
    """Keeps the two cookies as a browser would."""

    def __init__(self, port: int, name: bytes = b"ann") -> None:
        self.port = port
        self.session = self.csrf = b""
        assert status(self.post(b"/login?name=" + name, b"Sec-Fetch-Site: same-origin")) == 200

    @property
    def cookie(self) -> bytes:
        return b"Cookie: %b=%b; %b=%b" % (NAME, self.session, CSRF, self.csrf)

    def get(self, target: bytes, *lines: bytes) -> bytes:
        return ask(self.port, b"GET", target, self.cookie, *lines)

    def post(self, target: bytes, *lines: bytes, body: bytes = b"") -> bytes:
        answer = ask(self.port, b"POST", target, self.cookie, *lines, body=body)
        cookies = dict(re.findall(rb"^Set-Cookie: ([^=]+)=([^;\r]*)", answer, re.MULTILINE))
        self.session, self.csrf = cookies.get(NAME, self.session), cookies.get(CSRF, self.csrf)
        return answer

    @property
    def token(self) -> bytes:
        return b"X-CSRF-Token: " + self.csrf


def test_a_session_is_known_to_every_process(port: int) -> None:
    browser = Browser(port)
    processes: set[int] = set()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(100):  # which process takes a connection is the system's choice
            tries = [pool.submit(browser.get, b"/me") for _ in range(8)]
            seen = [json.loads(one.result().rpartition(b"\r\n\r\n")[2]) for one in tries]
            assert {one["subject"] for one in seen} == {"ann"}
            processes |= {one["process"] for one in seen}
            if len(processes) == 2:
                break
    assert len(processes) == 2


def test_a_form_is_judged_and_then_read_by_the_view(port: int) -> None:
    browser = Browser(port)
    form = b"Content-Type: application/x-www-form-urlencoded"
    answer = browser.post(b"/me", form, body=b"text=hello&csrf_token=" + browser.csrf)
    assert status(answer) == 200
    assert b'"body":"hello"' in answer
    assert status(browser.post(b"/me", form, body=b"text=hello")) == 403
    multipart = b'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n%b\r\n--x--\r\n' % browser.csrf
    assert status(browser.post(b"/me", b"Content-Type: multipart/form-data; boundary=x", body=multipart)) == 200


def test_two_cookies_in_one_header_or_in_two_are_refused(port: int) -> None:
    good = Browser(port).session
    pair = NAME + b"=" + good
    for lines in (
        [b"Cookie: " + pair + b"; " + pair],
        [b"Cookie: " + pair, b"Cookie: " + pair],
        [b"Cookie: " + pair, b"Cookie: " + NAME + b"=x"],
        [b"Cookie: " + NAME + b"=x", b"cookie: a=b; " + pair],
    ):
        assert status(ask(port, b"GET", b"/me", *lines)) == 400, lines
    assert status(ask(port, b"GET", b"/me", b"Cookie: a=b", b"Cookie: " + pair)) == 200


def test_a_session_that_ended_is_refused_by_every_process_at_once(port: int) -> None:
    for _ in range(5):
        browser = Browser(port)
        kept = browser.session
        assert status(browser.post(b"/logout", browser.token)) == 200
        cookie = b"Cookie: " + NAME + b"=" + kept
        with ThreadPoolExecutor(4) as pool:
            assert {status(ask(port, b"GET", b"/me", cookie)) for _ in pool.map(str, range(8))} == {401}


def test_of_renewals_at_once_in_both_processes_one_wins_and_the_old_id_is_void(port: int) -> None:
    for _ in range(5):
        browser = Browser(port)
        old = browser.cookie
        with ThreadPoolExecutor(8) as pool:
            tries = [pool.submit(ask, port, b"POST", b"/renew", old, browser.token) for _ in range(8)]
            answers = [one.result() for one in tries]
        assert sorted({status(answer) for answer in answers}) == [200, 401]
        won = [answer for answer in answers if status(answer) == 200]
        assert len(won) == 1
        assert status(ask(port, b"GET", b"/me", old)) == 401
        made = re.findall(rb"^Set-Cookie: " + NAME + rb"=([^;]+)", won[0], re.MULTILINE)
        assert status(ask(port, b"GET", b"/me", b"Cookie: " + NAME + b"=" + made[0])) == 200


@pytest.mark.parametrize(
    "lines",
    [
        [b"Origin: https://evil.example"], [b"Sec-Fetch-Site: cross-site"], [b"Sec-Fetch-Site: same-origin", b"Sec-Fetch-Site: cross-site"],
        [b"Origin: https://notes.example.com", b"Origin: https://evil.example"], [b"X-CSRF-Token: x"], [b"Sec-Fetch-Site: SAME-ORIGIN"],
    ],
)  # fmt: skip
def test_odd_headers_do_not_make_a_page_of_ours(port: int, lines: list[bytes]) -> None:
    browser = Browser(port)
    assert status(browser.post(b"/me", browser.token, *lines)) == 403
