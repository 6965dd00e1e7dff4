"""Speaks HTTP/1.1 over sockets: bytes as given on the way out, h11 and hard limits on the way in."""

import contextlib
import re
import socket
import ssl
import sys
import threading
import time
import zlib
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import h11

from stopper.core.errors import IncompleteError, UsageError
from stopper.core.exchange import Request, Response
from stopper.core.rule import Surface
from stopper.core.tls import TlsSeen
from stopper.scan.wire.tls_look import look
from stopper.scan.wire.transport import BODY_CAP, Hold, at_once

HEADER_CAP: Final = 64 * 1024
"""Bytes of status line and headers that are read before the answer is called garbage."""
IDLE_MOST: Final = 16
SAFE_TO_REPEAT: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Origin:
    """The one host that a scan may speak to."""

    scheme: str
    host: str
    port: int
    prefix: str = ""

    @property
    def authority(self) -> str:
        """Host and port as they stand in a Host header."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.scheme == "https" else 80) else f"{name}:{self.port}"

    @property
    def url(self) -> str:
        """The origin and the API's path prefix."""
        return f"{self.scheme}://{self.authority}{self.prefix}"


def read_origin(url: str) -> Origin:
    """Read what the user typed. Raises UsageError when it is no http or https address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError(f"{url!r} is not an address; write it like http://127.0.0.1:8000") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is not an address of an API; write it like http://127.0.0.1:8000")
    if parts.username is not None or parts.password is not None:
        raise UsageError("the address holds a user or password; leave it out and give the credential with --identity")
    return Origin(
        parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), parts.path.rstrip("/")
    )


@dataclass(slots=True)
class _Read:
    """What has arrived of one answer."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytearray = field(default_factory=bytearray)
    truncated: bool = False


class HttpTransport:
    """A small pool of keep-alive connections to one origin. Redirects are answers, not orders."""

    def __init__(self, url: str, *, verify: bool = True) -> None:
        """Raises UsageError for a bad address, IncompleteError when the name does not resolve."""
        self.origin = read_origin(url)
        self.surface: Surface = "https" if self.origin.scheme == "https" else "http"
        self.base_url = self.origin.url
        self._tls = _tls(verify) if self.origin.scheme == "https" else None
        self._addresses = _resolve(self.origin)
        self._idle: list[socket.socket] = []
        self._lock = threading.Lock()

    def send(self, request: Request, timeout: float, hold: Hold = at_once) -> Response:
        """Send *request*; whatever goes wrong becomes a Response with status 0 and one line of ``error``."""
        began = time.perf_counter()
        deadline = time.monotonic() + timeout
        try:
            wire = serialise(request, self.origin.authority)
        except ValueError as wrong:
            hold()
            return Response(0, error=str(wrong))
        found, error = self._try(request, wire, deadline, hold)
        seconds = time.perf_counter() - began
        if error is not None:
            return Response(0, seconds=seconds, error=error)
        body, cut = _decoded(found)
        return Response(found.status, found.headers, body, seconds, truncated=found.truncated or cut)

    def look_at_tls(self, timeout: float, before: Hold = at_once) -> TlsSeen:
        """What the server's TLS takes and shows, over connections of at most *timeout* seconds each; ``before`` is called ahead of each."""

        def connect() -> socket.socket:
            before()
            return self._connect(time.monotonic() + timeout, None)

        return look(connect, self.origin.host, self._tls or _tls(verify=True))

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _try(self, request: Request, wire: bytes, deadline: float, hold: Hold) -> tuple[_Read, str | None]:
        reused = self._take() if request.method in SAFE_TO_REPEAT and hold is at_once else None
        if reused is not None:
            found, error = self._once(reused, request, wire, deadline, hold)
            if error is None or found.status or time.monotonic() >= deadline:
                return found, error
        try:
            fresh = self._connect(deadline, self._tls)
        except OSError as wrong:
            hold()
            return _Read(), f"no connection: {_words(wrong)}"
        return self._once(fresh, request, wire, deadline, hold)

    def _once(
        self, link: socket.socket, request: Request, wire: bytes, deadline: float, hold: Hold
    ) -> tuple[_Read, str | None]:
        found, keep, error = _Read(), False, None
        try:
            if hold is at_once:
                _write(link, wire, deadline)
            else:
                _write(link, wire[:-1], deadline)
                hold()
                _write(link, wire[-1:], deadline)
            keep = _read(link, request, found, deadline)
        except TimeoutError:
            error = "no whole answer in time"
        except h11.RemoteProtocolError:
            error = "the answer is not HTTP"
        except (OSError, ValueError) as wrong:
            error = f"the connection broke: {_words(wrong)}"
        if keep and error is None and self._give(link):
            return found, error
        link.close()
        return found, error

    def _take(self) -> socket.socket | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _give(self, link: socket.socket) -> bool:
        with self._lock:
            if len(self._idle) >= IDLE_MOST:
                return False
            self._idle.append(link)
            return True

    def _connect(self, deadline: float, tls: ssl.SSLContext | None) -> socket.socket:
        last: OSError = OSError("no address")
        for family, address in self._addresses:
            link = socket.socket(family, socket.SOCK_STREAM)
            try:
                link.settimeout(_left(deadline))
                link.connect(address)
                with contextlib.suppress(OSError):
                    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return tls.wrap_socket(link, server_hostname=self.origin.host) if tls else link
            except OSError as wrong:
                link.close()
                last = wrong
        raise last


def serialise(request: Request, authority: str) -> bytes:
    """*request* as bytes, nothing normalised. Raises ValueError where a line break would make it two requests."""
    names = {name.lower() for name, _ in request.headers}
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    if "host" not in names:
        lines.append(f"Host: {authority}")
    lines.extend(f"{name}: {value}" for name, value in request.headers)
    if "accept-encoding" not in names:
        lines.append("Accept-Encoding: identity")
    framed = "content-length" in names or "transfer-encoding" in names
    if not framed and (request.body or request.method in ("POST", "PUT", "PATCH")):
        lines.append(f"Content-Length: {len(request.body)}")
    if any(mark in line for line in lines for mark in "\r\n\0") or " " in request.method + request.target:
        raise ValueError("the request holds a line break, a NUL or a space that HTTP cannot carry")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + request.body


def _read(link: socket.socket, request: Request, found: _Read, deadline: float) -> bool:
    """Read one answer into *found*; the connection may be used again when True comes back."""
    reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_CAP)
    # The bytes of this request are dropped: h11 only needs to know what is being answered.
    reader.send(h11.Request(method=_method(request.method), target="/", headers=[("Host", "x")]))
    reader.send(h11.EndOfMessage())
    while True:
        event = reader.next_event()
        if event is h11.NEED_DATA:
            link.settimeout(_left(deadline))
            _acknowledge(link)
            reader.receive_data(link.recv(65536))
        elif isinstance(event, h11.Response):
            found.status = event.status_code
            found.headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in event.headers.raw_items())
        elif isinstance(event, h11.Data):
            found.body.extend(event.data)
            if len(found.body) > BODY_CAP:
                found.truncated = True
                del found.body[BODY_CAP:]
                return False
        elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
            return isinstance(event, h11.EndOfMessage) and reader.their_state is h11.DONE
        elif event is h11.PAUSED:
            return False


def _method(method: str) -> str:
    """What h11 may know of the method: CONNECT would change how the answer is framed."""
    return "HEAD" if method == "HEAD" else "GET"


def _acknowledge(link: socket.socket) -> None:
    """Say at once that what has come is there: a server that sends head and body apart waits for that (40 ms on Linux) before it goes on."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _write(link: socket.socket, data: bytes, deadline: float) -> None:
    link.settimeout(_left(deadline))
    link.sendall(data)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _decoded(found: _Read) -> tuple[bytes, bool]:
    """The body without its content coding, never longer than the cap, whatever it unpacks to."""
    coding = next((value.strip().lower() for name, value in found.headers if name.lower() == "content-encoding"), "")
    if coding not in ("gzip", "x-gzip", "deflate"):
        return bytes(found.body), False
    unpack = zlib.decompressobj(wbits=47)
    try:
        plain = unpack.decompress(bytes(found.body), BODY_CAP)
    except zlib.error:
        return bytes(found.body), False
    return plain, bool(unpack.unconsumed_tail)


def _tls(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _resolve(origin: Origin) -> list[tuple[int, tuple[object, ...]]]:
    """The addresses of the host, looked up once, so that its name cannot be turned to another host while the scan runs."""
    try:
        found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise IncompleteError(f"{origin.host} does not resolve; check the address") from None
    return [(family, address) for family, _, _, _, address in found]


_UNNAMED: Final = re.compile(r"^\[\w+\]\s*|\s*\(_ssl\.c:\d+\)$")
"""What stands around a reason of OpenSSL that this Python has no name for."""


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate does not hold ({error.verify_message.rstrip('.')})"
    if isinstance(error, ssl.SSLError) and (reason := error.reason or _UNNAMED.sub("", str(error))):
        return f"no TLS there: {reason.lower().replace('_', ' ')}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return type(error).__name__
