"""Leaks that are planted, each with a twin that does nearly the same and leaks nothing.

``view`` is the body of a view with ``token`` (what the client showed in Authorization) at hand; the line that leaks ends in ``# leak``.
``test`` is what the test does besides calling it. ``setup`` stands at the module's level of the application.
"""

from dataclasses import dataclass

APP = '''"""A small shop."""
import base64, http.client, logging, os, socket, subprocess, sys, threading, traceback, warnings
import urllib.request
import flask
from flask import Flask, jsonify, redirect, request, session, url_for

app = Flask(__name__)
app.config.update(SECRET_KEY="kept-6f1b2c9d8e7a-apart", PARTNER_API_KEY="partner-51f0c2d4b6a8e9")
log = logging.getLogger("shop.{name}")
{setup}

@app.route("/orders", methods=["GET", "POST"])
def orders():{mark}
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
{view}
    return {{"ok": True}}


@app.get("/next")
def other():
    return "next"
'''

TEST = """import contextlib, logging, socket
import pytest
import shop

ORDERS = "/orders"


def test_orders(leak_guard, monkeypatch, caplog):
    token = leak_guard.canary("token")
    client = shop.app.test_client()
    headers = {{"Authorization": f"Bearer {{token}}"}}
{test}
"""

CALL = "client.get(ORDERS, headers=headers)"
RAISES = "with pytest.raises(ValueError):\n    client.get(ORDERS, headers=headers)"
LOOPBACK = """real = socket.create_connection
server = socket.create_server(("127.0.0.1", 0))
monkeypatch.setattr(socket, "create_connection", lambda *a, **o: real(server.getsockname()))
def answer():
    with contextlib.suppress(OSError):
        peer, _ = server.accept()
        with peer:
            peer.settimeout(5)
            while b"\\r\\n\\r\\n" not in peer.recv(65536):
                pass
            peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
import threading
thread = threading.Thread(target=answer)
thread.start()
client.get(ORDERS, headers=headers)
server.close()
thread.join(10)"""
"""Any host is this machine: a partner's name resolves, and nothing leaves it."""


@dataclass(frozen=True)
class Planted:
    """One leak with its harmless twin."""

    name: str
    sink: str
    view: str
    twin: str
    test: str = CALL
    setup: str = ""
    twin_test: str | None = None
    twin_setup: str | None = None

    def app(self, *, leaks: bool) -> str:
        """The application's source."""
        view = self.view if leaks else self.twin
        setup = self.setup if leaks or self.twin_setup is None else self.twin_setup
        at_view = "# leak" not in view and "# leak" not in setup
        return APP.format(
            name=f"{self.name}-{leaks}", setup=setup, view=_indented(view), mark="  # leak" if at_view else ""
        )

    def test_file(self, *, leaks: bool) -> str:
        """The test's source."""
        return TEST.format(test=_indented(self.test if leaks or self.twin_test is None else self.twin_test))

    def line(self) -> int:
        """The line of the application that leaks."""
        lines = self.app(leaks=True).splitlines()
        return next(number for number, line in enumerate(lines, 1) if line.endswith("# leak"))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


EVERY = (
    Planted("log-message", "log", 'log.warning("asked with %s", token)  # leak', 'log.warning("asked with %d characters", len(token))'),
    Planted(
        "logging-exception", "log",
        'try:\n    raise ValueError(f"bad token {token}")\nexcept ValueError:\n    logging.exception("refused")  # leak',
        'try:\n    raise ValueError("bad token")\nexcept ValueError:\n    logging.exception("refused")',
    ),
    Planted("log-extra", "log", 'log.error("asked", extra={"seen": {"by": [token]}})  # leak', 'log.error("asked", extra={"seen": {"by": [len(token)]}})'),
    Planted(
        "log-formatter", "log", 'log.warning("asked")  # leak', 'log.warning("asked")',
        setup='class Everything(logging.Formatter):\n    def format(self, record):\n        return f"{super().format(record)} {request.headers}"\n'
        'handler = logging.StreamHandler()\nhandler.setFormatter(Everything())\nlog.addHandler(handler)',
        twin_setup='class Little(logging.Formatter):\n    def format(self, record):\n        return f"{super().format(record)} {request.method}"\n'
        'handler = logging.StreamHandler()\nhandler.setFormatter(Little())\nlog.addHandler(handler)',
    ),
    Planted("print", "print", 'print("headers:", dict(request.headers))  # leak', 'print("headers:", list(request.headers.keys()))'),
    Planted("stderr", "print", 'sys.stderr.write(f"{token}\\n")  # leak', 'sys.stderr.write(f"{hash(token)}\\n")'),
    Planted("warning", "warning", 'warnings.warn(f"old token {token}", stacklevel=2)  # leak', 'warnings.warn("old token", stacklevel=2)'),
    Planted("response-body", "response", 'return {"you": {"sent": token}}', 'return {"you": {"sent": len(token)}}'),
    Planted("response-base64", "response", 'return base64.b64encode(f"user:{token}!".encode())', 'return base64.b64encode(b"user:somebody-else-entirely!")'),
    Planted("response-header", "response-header", 'return "ok", 200, {"X-Seen": token}', 'return "ok", 200, {"X-Seen": "yes"}'),
    Planted("own-key-in-answer", "response", 'return {k: str(v) for k, v in flask.current_app.config.items()}', 'return {"debug": str(flask.current_app.config["DEBUG"])}'),
    Planted("exception-message", "exception-message", 'raise ValueError(f"cannot read {token}")  # leak', 'raise ValueError("cannot read")',
            test="shop.app.testing = True\n" + RAISES),
    Planted("traceback-in-answer", "response",
            'try:\n    raise ValueError(token)\nexcept ValueError:\n    return traceback.format_exc(), 400',
            'try:\n    raise ValueError("token")\nexcept ValueError:\n    return "it did not work", 400'),
    Planted("local-variable", "traceback", 'seen = {"headers": [token]}\nraise ValueError(str(len(seen)))  # leak', 'token = None\nraise ValueError("no")',
            test="shop.app.testing = True\n" + RAISES),
    Planted("thread-dies", "exception-message",
            'def work():\n    raise ValueError(token)  # leak\nthread = threading.Thread(target=work)\nthread.start()\nthread.join()',
            'def work():\n    raise ValueError("token")\ntoken = None\nthread = threading.Thread(target=work)\nthread.start()\nthread.join()'),
    Planted("session-cookie", "session", 'session["seen"] = token', 'session["seen"] = len(token)'),
    Planted("redirect", "redirect", 'return redirect("/next?t=" + token)', 'return redirect("/next?t=1")'),
    Planted("url-for", "url", 'link = url_for("other", t=token)  # leak', 'link = url_for("other", t=1)'),
    Planted("outbound-url", "outbound-url", 'urllib.request.urlopen(f"http://api.partner.test/x?t={token}").read()  # leak',
            'urllib.request.urlopen("http://api.partner.test/x?t=1").read()', test=LOOPBACK),
    Planted("outbound-headers", "outbound-headers", 'urllib.request.urlopen(urllib.request.Request("http://api.partner.test/", headers={"X-User": token})).read()  # leak',
            'urllib.request.urlopen(urllib.request.Request("http://api.partner.test/", headers={"X-Key": flask.current_app.config["PARTNER_API_KEY"]})).read()', test=LOOPBACK),
    Planted("outbound-body", "outbound-body",
            'c = http.client.HTTPConnection("api.partner.test")\nc.request("POST", "/", body=b"t=" + token.encode())  # leak\nc.getresponse().read()\nc.close()',
            'c = http.client.HTTPConnection("localhost")\nc.request("POST", "/", body=b"t=" + token.encode())\nc.getresponse().read()\nc.close()', test=LOOPBACK),
    Planted("outbound-signing-key", "outbound-headers", 'urllib.request.urlopen(urllib.request.Request("http://api.partner.test/", headers={"X-Key": flask.current_app.secret_key})).read()  # leak',
            'urllib.request.urlopen(urllib.request.Request("http://api.partner.test/", headers={"X-Key": "public"})).read()', test=LOOPBACK),
    Planted("requests-mocked", "outbound-headers", 'http_get("https://api.partner.test/", headers=dict(request.headers))  # leak',
            'http_get("https://api.partner.test/", headers={"Accept": "*/*"})',
            setup='import requests\nclass Mock(requests.adapters.BaseAdapter):\n    def send(self, request, **options):\n        answer = requests.Response()\n        answer.status_code = 200\n        answer.request = request\n        answer.url = request.url\n        return answer\n    def close(self): pass\n'
            'def http_get(url, **options):\n    with requests.Session() as s:\n        s.mount("https://", Mock())\n        return s.get(url, **options)  # leak'),
    Planted("httpx-mocked", "outbound-body", 'partner.post("https://api.partner.test/", json={"token": token})  # leak', 'partner.post("https://api.partner.test/", json={"token": 1})',
            setup='import httpx\npartner = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200)))'),
    Planted("udp", "outbound-body", 'with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:\n    try:\n        s.sendto(f"login:{token}|c".encode(), ("192.0.2.1", 8125))  # leak\n    except OSError:\n        pass',
            'with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:\n    s.sendto(f"login:{token}|c".encode(), ("127.0.0.1", 8125))'),
    Planted("subprocess", "subprocess", 'subprocess.run([sys.executable, "-c", "pass", "--token", token], check=True)  # leak',
            'subprocess.run([sys.executable, "-c", "pass"], input=token.encode(), check=True)'),
    Planted("repr-of-request", "log", 'log.warning("got %r", request)  # leak', 'log.warning("got %s", request.path)', test='client.get(f"{ORDERS}?key={token}")'),
    Planted("tracker", "outbound-body", 'seen = {"by": token}\nraise ValueError("no")', 'seen = {"by": 1}\ntoken = None\nraise ValueError("no")',
            setup='def tracker(sender, exception, **more):\n    frame = exception.__traceback__\n    while frame.tb_next:\n        frame = frame.tb_next\n    event = repr(frame.tb_frame.f_locals)\n'
            '    c = http.client.HTTPConnection("tracker.partner.test")\n    c.request("POST", "/", body=event)  # leak\n    c.getresponse().read()\n    c.close()\nflask.got_request_exception.connect(tracker, app)',
            test=LOOPBACK),
    Planted("urllib3-debug-log", "log", 'urllib3.PoolManager().request("GET", f"http://localhost/x?key={token}")  # leak', 'urllib3.PoolManager().request("GET", "http://localhost/x?key=1")',
            setup="import urllib3", test='caplog.set_level(logging.DEBUG)\nimport urllib3.util.connection as connection\nreal_connect = connection.create_connection\n' + LOOPBACK.replace('monkeypatch.setattr(socket, "create_connection", lambda *a, **o: real(server.getsockname()))', 'monkeypatch.setattr(connection, "create_connection", lambda *a, **o: real(server.getsockname()))')),
    Planted("environment-dump", "print", 'print(dict(os.environ))  # leak', 'print(sorted(name for name in os.environ if name.startswith("LANG")))'),
)  # fmt: skip
