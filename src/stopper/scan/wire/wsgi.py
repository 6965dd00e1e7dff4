"""Speaks to a WSGI application in this process, as a real server would."""

import io
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from stopper.core.exchange import Headers, Request, Response
from stopper.core.rule import Surface
from stopper.scan.wire.transport import BODY_CAP, Hold, at_once

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
HUNG_MOST: Final = 16
"""Calls that may hang at the same time before the application is given up."""


@dataclass(slots=True)
class _Call:
    """One call of the application, filled by the thread that makes it."""

    status: int = 0
    headers: Headers = ()
    body: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    raised: str | None = None
    stopped: bool = False


class WsgiTransport:
    """Builds the environment by hand and calls the application in a thread of its own, so that a view that hangs is let go."""

    surface: Surface = "wsgi"

    def __init__(self, app: WsgiApp, base_url: str = "http://localhost") -> None:
        self.base_url = base_url
        self._app = app
        self._hung = 0
        self._lock = threading.Lock()

    def send(self, request: Request, timeout: float, hold: Hold = at_once) -> Response:
        """Call the application; an exception that it lets through is a 500 with ``raised``."""
        if self._hung >= HUNG_MOST:
            return Response(0, error="the application no longer answers: too many calls hang")
        call, environ = _Call(), environment(request, self.base_url)
        thread = threading.Thread(target=self._run, args=(call, environ, request.method, hold), daemon=True)
        began = time.perf_counter()
        thread.start()
        thread.join(timeout)
        seconds = time.perf_counter() - began
        if thread.is_alive():
            call.stopped = True
            with self._lock:
                self._hung += 1
            return Response(0, seconds=seconds, error=f"no answer within {timeout:g} s")
        return Response(
            call.status, call.headers, bytes(call.body), seconds, truncated=call.truncated, raised=call.raised,
            error=None if call.status else "the application sent no status",
        )  # fmt: skip

    def close(self) -> None:
        """Nothing is held."""

    def _run(self, call: _Call, environ: dict[str, Any], method: str, hold: Hold) -> None:
        try:
            hold()
            self._collect(call, environ, method)
        except BaseException as error:  # noqa: BLE001 - whatever the application throws is its answer, SystemExit too
            call.status, call.raised = 500, type(error).__name__
            call.headers, call.body = (), bytearray()
        if call.stopped:
            with self._lock:
                self._hung -= 1

    def _collect(self, call: _Call, environ: dict[str, Any], method: str) -> None:
        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: object = None
        ) -> Callable[[bytes], None]:
            call.status = int(status.split(" ", 1)[0])
            call.headers = tuple((str(name), str(value)) for name, value in headers)
            return call.body.extend

        answer = self._app(environ, start_response)
        try:
            for part in answer:
                if method != "HEAD":
                    call.body.extend(part)
                if len(call.body) > BODY_CAP or call.stopped:
                    call.truncated = True
                    del call.body[BODY_CAP:]
                    break
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()


def environment(request: Request, base_url: str) -> dict[str, Any]:
    """The WSGI environment of *request* (PEP 3333): duplicates joined with a comma, names with ``_`` dropped, as servers do."""
    scheme, _, authority = base_url.partition("://")
    host = authority.partition("/")[0]
    name, _, port = host.partition(":")
    raw_path, _, query = request.target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": request.target,
        "RAW_URI": request.target,
        "SERVER_NAME": name,
        "SERVER_PORT": port or ("443" if scheme == "https" else "80"),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "40000",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "HTTP_HOST": host,
    }
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        environ["CONTENT_LENGTH"] = str(len(request.body))
    given: set[str] = set()
    for header, value in request.headers:
        if "_" in header:
            continue
        key = header.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key
        text = value.encode("latin-1", "replace").decode("latin-1").strip(" \t")
        environ[key] = f"{environ[key]},{text}" if key in given else text
        given.add(key)
    return environ
