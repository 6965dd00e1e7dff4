"""Access logs and error logs of the four servers that run here, each in a process of its own."""

import atexit
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.leaks.place import Group, Place

group = Group()
ROOT = Path(__file__).resolve().parents[2]

WERKZEUG = (
    "from werkzeug.serving import run_simple; from tests.leaks.served import app; run_simple('127.0.0.1', {port}, app)"
)
WAITRESS = (
    "import logging; logging.basicConfig(level=logging.INFO)\n"
    "from waitress import serve; from tests.leaks.served import app\n"
    "log = logging.getLogger('access')\n"
    "def logged(environ, start):\n"
    "    log.info('%s %s?%s %s', environ['REQUEST_METHOD'], environ['PATH_INFO'], environ['QUERY_STRING'], environ.get('HTTP_REFERER'))\n"
    "    return app(environ, start)\n"
    "serve(logged, host='127.0.0.1', port={port}, threads=2)"
)
COMBINED = '%(h)s "%(r)s" %(s)s "%(f)s" %({{authorization}}i)s'

SERVERS: dict[str, list[str]] = {
    "werkzeug": ["-c", WERKZEUG],
    "gunicorn": ["-m", "gunicorn", "-b", "127.0.0.1:{port}", "--access-logfile", "-", "--access-logformat", COMBINED, "tests.leaks.served:app"],
    "granian": ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}", "--access-log", "--access-log-fmt", "%(method)s %(path)s?%(query_string)s %(status)d", "tests.leaks.served:app"],
    "waitress": ["-c", WAITRESS],
}  # fmt: skip


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Server:
    """One running server and the file that its streams go to."""

    def __init__(self, command: list[str], where: Path, *, guarded: bool) -> None:
        self.port = free_port()
        self.log = where / f"{self.port}.server"
        environ = {**os.environ, "LEAKS": "on" if guarded else "off", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        whole = [sys.executable, *(part.format(port=self.port) for part in command)]
        with self.log.open("wb") as opened:
            self.process = subprocess.Popen(whole, env=environ, stdout=opened, stderr=opened, start_new_session=True)
        atexit.register(self.stop)
        ask(self.port, "/", {})

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=10)


_running: dict[str, Server] = {}


def serve(place: Place, name: str, path: str, headers: dict[str, str]) -> None:
    """Ask the server once; what its streams say meanwhile is this path's."""
    if name not in _running:
        _running[name] = Server(SERVERS[name], place.folder.parent, guarded=place.protected)
    server = _running[name]
    before = server.log.stat().st_size
    ask(server.port, path, headers)
    until = time.monotonic() + 5
    while server.log.stat().st_size == before and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.2)
    (place.folder / "streams").write_bytes(server.log.read_bytes()[before:])


def ask(port: int, path: str, headers: dict[str, str]) -> None:
    """One answer, whatever it is; waits for the server to be there."""
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers), timeout=10
            ).close()
            return
        except urllib.error.HTTPError as answered:
            answered.close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def token() -> str:
    return secrets.token_hex(16)


def add(name: str) -> None:
    @group.path(f"{name}: a token in the query", token)
    def query(place: Place) -> None:
        serve(place, name, f"/?page=2&access_token={place.canary}", {})

    if name in ("gunicorn", "waitress"):  # the others log no Referer

        @group.path(f"{name}: a token in the Referer", token)
        def referer(place: Place) -> None:
            serve(place, name, "/", {"Referer": f"https://x.example/?token={place.canary}"})

    if name == "gunicorn":

        @group.path(f"{name}: the Authorization header in the access log", token)
        def header(place: Place) -> None:
            serve(place, name, "/", {"Authorization": f"Bearer {place.canary}"})

    @group.path(f"{name}: the traceback of a view", token)
    def error(place: Place) -> None:
        serve(place, name, "/fail", {"X-Value": place.canary})


for name in tuple(SERVERS):
    add(name)


@group.path("gunicorn: the formatter for access logs, set up by name, where the application masks nothing", token)
def _(place: Place) -> None:
    formatter = "stopper.core.log_format.AccessFormatter" if place.protected else "logging.Formatter"
    out = {"handlers": ["out"], "level": "INFO", "propagate": False}
    config = {
        "version": 1,
        "formatters": {"plain": {"()": formatter, "fmt": "%(message)s"}},
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "root": {"handlers": ["out"], "level": "INFO"},
        "loggers": {"gunicorn.access": out, "gunicorn.error": out},
    }
    Path("logging.json").write_text(json.dumps(config))
    command = SERVERS["gunicorn"]
    SERVERS["by name"] = [*command[:-1], "--log-config-json", str(Path("logging.json").resolve()), command[-1]]
    serve(Place(place.canary, place.folder, False, place.kept), "by name", f"/?access_token={place.canary}", {})
