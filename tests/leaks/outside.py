"""What leaves for elsewhere: other hosts, services that collect errors and traces, and logs that are shared."""

import contextlib
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import requests
from tests.leaks.place import Group, Place

from stopper.core.report_hooks import before_send, mask_attributes, mask_text
from stopper.outbound import Client, Credential, OutboundError, Secret

group = Group()


class Heard(BaseHTTPRequestHandler):
    """Answers with what its server is told to, and writes down what it got."""

    def do_GET(self) -> None:
        server: Any = self.server
        server.heard.append(f"{self.path}\n{self.headers}")
        self.send_response(server.status)
        for name, value in server.answer.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def host(status: int = 200, **answer: str) -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Heard)
    server.heard, server.status, server.answer = [], status, answer
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def call(place: Place, own: Any, path: str = "/a", to: str | None = None, **headers: str) -> None:
    """Call *to* (or our host) with the key: through Stopper's client, or with requests as people write it."""
    base = f"http://localhost:{own.server_port}"
    url = to or base + path
    try:
        if place.protected:
            bound = Credential(
                Secret(place.canary), hosts=[f"localhost:{own.server_port}"], header="X-API-Key", scheme=""
            )
            client = Client(
                bound, hosts=[f"127.0.0.1:{url.rsplit(':', 1)[1].partition('/')[0]}"], allow_loopback_http=True
            )
            client.request("GET", url, accept="*/*")
        else:
            with requests.Session() as session:
                session.trust_env = False
                session.get(url, headers={"X-API-Key": place.canary, **headers}, timeout=5)
    except (OutboundError, requests.RequestException) as wrong:
        print(wrong)


@group.path("a redirect to a foreign host")
def _(place: Place) -> None:
    with host() as foreign, host(302, Location=f"http://127.0.0.1:{foreign.server_port}/x") as own:
        call(place, own)
        Path("foreign").write_text("\n".join(foreign.heard))


@group.path("a redirect within the host, away from the paths of the key")
def _(place: Place) -> None:
    with host() as other, host(307, Location=f"http://127.0.0.1:{other.server_port}/admin") as own:
        call(place, own)
        Path("foreign").write_text("\n".join(other.heard))


@group.path("a call to a host that the key is not for")
def _(place: Place) -> None:
    with host() as foreign, host() as own:
        call(place, own, to=f"http://127.0.0.1:{foreign.server_port}/x")
        Path("foreign").write_text("\n".join(foreign.heard))


@group.path("the error of a host that does not answer")
def _(place: Place) -> None:
    try:
        if place.protected:
            bound = Credential(Secret(place.canary), hosts=["localhost:1"])
            Client(bound, allow_loopback_http=True).request("GET", "http://localhost:1/x?page=2", accept="*/*")
        else:
            requests.get(f"http://localhost:1/x?key={place.canary}", timeout=5)
    except (OutboundError, requests.RequestException) as wrong:
        print(wrong, repr(wrong))


def event(place: Place) -> dict[str, Any]:
    """As sentry_sdk makes it, with the canary wherever it can stand."""
    value = place.canary
    frame = {"function": "pay", "vars": {"key": repr(value), "request": {"headers": [f"'{value}'"]}}}
    return {
        "message": f"calling with {value}",
        "exception": {"values": [{"type": "ValueError", "value": value, "stacktrace": {"frames": [frame]}}]},
        "request": {
            "url": f"https://x/?k={value}",
            "query_string": f"k={value}",
            "cookies": {"session": value},
            "headers": {"Authorization": f"Bearer {value}"},
            "data": {"deep": {"deeper": [{"password": value}]}},
            "env": {"DB_PASSWORD": value},
        },
        "breadcrumbs": {"values": [{"message": value, "data": {"url": f"/?k={value}"}}]},
        "extra": {"sys.argv": ["run", f"--key={value}"]},
        "tags": [["key", value]],
        "user": {"token": value},
    }


@group.path("an event for Sentry: everything in it")
def _(place: Place) -> None:
    Path("sent").write_text(json.dumps(place.through(before_send)(event(place))))


for part in ("message", "exception", "request", "breadcrumbs", "extra", "tags", "user"):

    @group.path(f"an event for Sentry: {part}")
    def _(place: Place, part: str = part) -> None:
        Path("sent").write_text(json.dumps(place.through(before_send)({part: event(place)[part]})))


@group.path("the attributes of a span")
def _(place: Place) -> None:
    span = {"http.url": f"https://x/?api_key={place.canary}", "db.statement": f"select '{place.canary}'", "n": 3}
    Path("sent").write_text(json.dumps(place.through(mask_attributes)(span)))


@group.path("the name of a span")
def _(place: Place) -> None:
    Path("sent").write_text(place.through(mask_text)(f"GET /reset/{place.canary}"))


def shared(place: Place, text: str, *options: str) -> None:
    """A log that somebody sends to somebody: through `stopper scrub`, or as it is."""
    log = place.folder.parent / f"{place.folder.name}.log"
    log.write_text(text)
    if not place.protected:
        Path("shared").write_bytes(log.read_bytes())
        return
    done = subprocess.run(
        [sys.executable, "-m", "stopper.cli", "scrub", str(log), *options], capture_output=True, timeout=60, check=True
    )
    Path("shared").write_bytes(done.stdout + done.stderr)


@group.path("a log that is shared: a token in a URL")
def _(place: Place) -> None:
    shared(place, f"GET /notes?access_token={place.canary} 200\n")


@group.path("a log that is shared: a private key over many lines")
def _(place: Place) -> None:
    shared(place, f"-----BEGIN PRIVATE KEY-----\nMIIB\n{place.canary}\nAAAA\n-----END PRIVATE KEY-----\n")


@group.path("a log that is shared: a value named in a file, in base64")
def _(place: Place) -> None:
    import base64

    known = place.folder.parent / f"{place.folder.name}.known"
    known.write_text(place.canary + "\n")
    coded = base64.b64encode(f"ann:{place.canary}".encode()).decode()
    shared(place, f"sent {coded}\n", "--known", str(known))


@group.path("a log that is shared: between bytes that are no text")
def _(place: Place) -> None:
    log = place.folder.parent / f"{place.folder.name}.bin"
    log.write_bytes(b"\xff\x00\xfe token=" + place.canary.encode() + b"\x00\xff\n")
    shown = log.read_bytes()
    if place.protected:
        done = subprocess.run(
            [sys.executable, "-m", "stopper.cli", "scrub", str(log)], capture_output=True, timeout=60, check=True
        )
        shown = done.stdout
    Path("shared").write_bytes(shown)


@group.path("the mail that is written to a log")
def _(place: Place) -> None:
    logging.basicConfig(filename="mail.log", level=logging.INFO)
    logging.getLogger("stopper.mail").info("mail to=%s body=%r", "ann@example.com", f"your code: {place.canary}")
