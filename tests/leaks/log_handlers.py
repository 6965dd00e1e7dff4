"""Where a log goes."""

import json
import logging
import logging.config
import logging.handlers
import queue
import socket
import threading
import warnings
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from tests.leaks.place import Group, Place

from stopper.core.log_file import LogFile
from stopper.core.log_format import AccessFormatter, JsonFormatter, TextFormatter

group = Group()
log = logging.getLogger("shop")


def speak(handler: logging.Handler, place: Place) -> None:
    log.addHandler(handler)
    log.propagate = False
    log.warning("calling with %s", place.canary)
    handler.flush()


@group.path("a stream")
def _(place: Place) -> None:
    speak(logging.StreamHandler(), place)


@group.path("a file")
def _(place: Place) -> None:
    speak(logging.FileHandler("app.log"), place)


@group.path("a file that turns over by size")
def _(place: Place) -> None:
    handler = logging.handlers.RotatingFileHandler("app.log", maxBytes=10, backupCount=3)
    speak(handler, place)
    speak(handler, place)


@group.path("a file that turns over by time")
def _(place: Place) -> None:
    speak(logging.handlers.TimedRotatingFileHandler("app.log"), place)


@group.path("Stopper's own file")
def _(place: Place) -> None:
    place.folder.chmod(0o700)
    handler = LogFile(Path("app.log"))
    if place.protected:
        handler.setFormatter(JsonFormatter())
    speak(handler, place)


@group.path("a queue and its listener")
def _(place: Place) -> None:
    waiting: queue.Queue[logging.LogRecord] = queue.Queue()
    listener = logging.handlers.QueueListener(waiting, logging.FileHandler("app.log"))
    listener.start()
    speak(logging.handlers.QueueHandler(waiting), place)
    listener.stop()


@group.path("a memory handler that is flushed at an error")
def _(place: Place) -> None:
    handler = logging.handlers.MemoryHandler(10, target=logging.FileHandler("app.log"))
    speak(handler, place)
    log.error("now")


@group.path("syslog over UDP")
def _(place: Place) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        speak(logging.handlers.SysLogHandler(listener.getsockname()), place)
        Path("received").write_bytes(listener.recv(65536))


@group.path("a pickled record over TCP")
def _(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        handler = logging.handlers.SocketHandler(*listener.getsockname())
        speak(handler, place)
        connection, _ = listener.accept()
        with connection:
            Path("received").write_bytes(connection.recv(65536))


@group.path("an HTTP log collector")
def _(place: Place) -> None:
    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            Path("received").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    speak(logging.handlers.HTTPHandler(f"127.0.0.1:{server.server_port}", "/log", method="POST"), place)
    thread.join()
    server.server_close()


@group.path("a handler that sees the whole record")
def _(place: Place) -> None:
    class Whole(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            Path("record").write_text(repr(vars(record)))

    speak(Whole(), place)


@group.path("a filter that sees the record first")
def _(place: Place) -> None:
    def watch(record: logging.LogRecord) -> bool:
        Path("record").write_text(repr(vars(record)))
        return False

    log.addFilter(watch)
    try:
        speak(logging.StreamHandler(), place)
    finally:
        log.removeFilter(watch)


@group.path("a handler that fails, and logging's own report of it")
def _(place: Place) -> None:
    class Failing(logging.StreamHandler):  # type: ignore[type-arg]
        def format(self, record: logging.LogRecord) -> str:
            raise RuntimeError("full disk")

    speak(Failing(), place)


@group.path("no handler at all")
def _(place: Place) -> None:
    logging.getLogger("nobody").error("calling with %s", place.canary)


@group.path("logging set up from a dict")
def _(place: Place) -> None:
    handler = {"class": "logging.FileHandler", "filename": "app.log"}
    root = {"handlers": ["file"], "level": "INFO"}
    config = {"version": 1, "disable_existing_loggers": False, "handlers": {"file": handler}, "root": root}
    logging.config.dictConfig(config)
    logging.getLogger("made.later").info("calling with %s", place.canary)


@group.path("warnings that go to the log")
def _(place: Place) -> None:
    logging.basicConfig(filename="app.log")
    logging.captureWarnings(True)
    try:
        warnings.warn(f"calling with {place.canary}", stacklevel=1)
    finally:
        logging.captureWarnings(False)


def unseen(place: Place, formatter: logging.Formatter) -> None:
    """As in a process where Stopper does not run: nothing has masked the record before."""
    record = logging.LogRecord("gunicorn.access", logging.INFO, "", 1, "GET /?key=%s", (place.canary,), None)
    chosen = formatter if place.protected else logging.Formatter("%(message)s")
    Path("access.log").write_text(chosen.format(record))


@group.path("a server's handler with the formatter for access logs")
def _(place: Place) -> None:
    unseen(place, AccessFormatter("%(message)s"))


@group.path("a server's handler with the text format")
def _(place: Place) -> None:
    unseen(place, TextFormatter())


@group.path("a server's handler with the JSON format")
def _(place: Place) -> None:
    unseen(place, JsonFormatter())


@group.path("a JSON format of somebody else")
def _(place: Place) -> None:
    class Own(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return json.dumps({key: repr(value) for key, value in vars(record).items()})

    handler = logging.FileHandler("app.log")
    handler.setFormatter(Own())
    speak(handler, place)
