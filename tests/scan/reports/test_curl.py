"""The line for a shell: it sends what the scan sent, with the secret as a variable, and no text of a target runs in it."""

import json as decoder
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Evidence
from stopper.scan.report import Report
from stopper.scan.reports import html, json

Heard = list[tuple[str, dict[str, str], bytes]]


@pytest.fixture
def server() -> Iterator[tuple[str, Heard]]:
    heard = Heard()

    class Handler(BaseHTTPRequestHandler):
        def _note(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            heard.append((f"{self.command} {self.path}", dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        do_GET = do_POST = do_PATCH = _note

        def log_message(self, format: str, *args: object) -> None:
            pass

    made = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}", heard
    made.shutdown()
    made.server_close()
    thread.join(5)


def line(sample: Report, request: Request, target: str = "http://127.0.0.1:9") -> str:
    finding = replace(
        sample.findings[1], evidence=(Evidence("exchange", "seen", Exchange(request, Response(200, body=b"{}"))),)
    )
    report = replace(sample, command="scan", target=target, findings=(finding,))
    found = decoder.loads(json.render(report))["findings"][0]["curl"]
    assert isinstance(found, str)
    assert "Ask it yourself" in html.render(report)
    return found


HOSTILE = "/x/'$(touch ran)`touch ran`/..%2f[1-3]{a,b}?q=\"&b=;touch+ran"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(
    ("request_", "asked", "body"),
    [
        (Request("GET", "/notes/7?page=2"), "GET /notes/7?page=2", b""),
        (Request("GET", "/a/../b/./c"), "GET /a/../b/./c", b""),
        (Request("GET", HOSTILE), f"GET {HOSTILE}".replace("touch ran", "touch%20ran"), b""),
        (Request("POST", "/n", body=b"@/etc/passwd '$(touch ran)'"), "POST /n", b"@/etc/passwd '$(touch ran)'"),
        (Request("PATCH", "/n", body=b'{"note": "it\'s"}'), "PATCH /n", b'{"note": "it\'s"}'),
    ],
)
def test_the_line_sends_what_was_sent_and_runs_nothing(
    sample: Report, server: tuple[str, Heard], tmp_path: Path, request_: Request, asked: str, body: bytes
) -> None:
    url, heard = server
    request_ = request_.with_headers(("Authorization", "Bearer secretOfAlice123"), ("X-Odd", "`touch ran` $HOME"))
    command = line(sample, request_, url)
    assert "secretOfAlice123" not in command
    environ = {"PATH": os.environ["PATH"], "TOKEN": "typed-by-the-user", "HOME": str(tmp_path)}
    subprocess.run(["sh", "-c", command], check=True, cwd=tmp_path, env=environ, timeout=30)
    assert [one[0] for one in heard] == [asked]
    assert heard[0][1]["Authorization"] == "Bearer typed-by-the-user"
    assert heard[0][1]["X-Odd"] == "`touch ran` $HOME"
    assert heard[0][2] == body
    assert list(tmp_path.iterdir()) == []


def test_each_secret_has_a_variable_of_its_own(sample: Report) -> None:
    headers = (("Authorization", "Bearer aaaaaaaaaaaa1"), ("X-API-Key", "bbbbbbbbbbbb2"), ("Cookie", "sid=cccccccc3"))
    command = line(sample, Request("GET", "/x", headers))
    assert [name in command for name in ("${TOKEN}", "${TOKEN2}", "${TOKEN3}")] == [True] * 3


def test_a_finding_of_the_source_has_no_line(sample: Report) -> None:
    only = replace(sample, findings=(replace(sample.findings[0], evidence=()),))
    assert decoder.loads(json.render(only))["findings"][0]["curl"] is None
