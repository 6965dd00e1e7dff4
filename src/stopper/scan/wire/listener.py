"""A small server of ours on the loopback that remembers who called: how a probe sees that the target fetches an address."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, cast

from stopper.core.exchange import Request

REMEMBERED: Final = 100
BODY: Final = 64 * 1024
ANSWER: Final = b'{"status": "ok"}'


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    seen: list[Request]


class _Handler(BaseHTTPRequestHandler):
    timeout = 5

    def handle_any(self) -> None:
        """Remember the request and answer with a 200: a small JSON object where the path ends in ``.json``, else nothing."""
        server = cast("_Server", self.server)
        said = self.headers.get("Content-Length", "0")
        body = self.rfile.read(min(int(said) if said.isdigit() else 0, BODY))
        if len(server.seen) < REMEMBERED:
            server.seen.append(Request(self.command, self.path, tuple(self.headers.items()), body))
        answer = ANSWER if self.path.partition("?")[0].endswith(".json") else b""
        self.send_response(200)
        self.send_header("Content-Type", "application/json" if answer else "text/html")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


class LoopbackListener:
    """Listens on a free port of 127.0.0.1 until it is closed."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.seen = []
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def hits(self) -> tuple[Request, ...]:
        """The requests that arrived so far."""
        return tuple(self._server.seen)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
