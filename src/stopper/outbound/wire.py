"""One exchange over one connection, in bounded time; whole connections are kept for the next call."""

import http.client
import selectors
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from stopper.auth.forking import in_each_child
from stopper.outbound.address import AddressRule
from stopper.outbound.errors import OutboundError, ReplyRefusedError, UpstreamTimeoutError, UpstreamUnreachableError
from stopper.outbound.limits import Limits
from stopper.outbound.network import Network, TimedSocket, TimedTlsSocket, dial
from stopper.outbound.reply import joined, unpacked
from stopper.outbound.target import Target

_IDLE_SECONDS: Final = 30.0
_IDLE_MOST: Final = 8
_CHUNK: Final = 65536


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it is sent; the headers hold the credential."""

    method: str
    target: Target = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Raw:
    """One reply as it came; the headers have lower-case names."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class _Connection(http.client.HTTPConnection):
    """A connection whose address was judged. ``http.client``'s debug output, which prints every header, has no power over it."""

    debuglevel = 0
    ends: float = 0.0

    def __init__(self, wire: "Wire", target: Target, rule: AddressRule) -> None:
        super().__init__(target.host, target.port)
        self.default_port = 443 if target.scheme == "https" else 80
        # Not the wire itself: kept connections must not keep it alive, since they are closed when it is gone.
        self._network, self._tls, self._limits = wire.network, wire.tls, wire.limits
        self._secure = target.scheme == "https"
        self._rule = rule
        self.kept_at = 0.0

    def connect(self) -> None:
        until = min(self.ends, time.monotonic() + self._limits.connect)
        made: TimedSocket | TimedTlsSocket = dial(self._network, self.host, self.port, self._rule, until)
        if self._secure:
            made.settimeout(max(0.001, until - time.monotonic()))  # the time of a whole handshake
            try:
                made = cast("TimedTlsSocket", self._tls.wrap_socket(made, server_hostname=self.host))
            except BaseException:
                made.close()
                raise
        self.sock = made
        self.bound()

    def bound(self) -> None:
        """Set the socket's bounds to those of the call at hand."""
        timed = cast("TimedSocket | None", self.sock)  # pyright: ignore[reportUnknownMemberType]
        if timed is not None:
            timed.ends, timed.silence = self.ends, self._limits.read

    @property
    def usable(self) -> bool:
        """Whether the other side has kept it open and said nothing since."""
        return (
            self.sock is not None  # pyright: ignore[reportUnknownMemberType]
            and time.monotonic() - self.kept_at < _IDLE_SECONDS
            and not _has_something(self.sock)  # pyright: ignore[reportUnknownMemberType]
        )


_Idle = dict[tuple[str, str], list[_Connection]]


def _close_all(idle: _Idle) -> None:
    for kept in idle.values():
        for connection in kept:
            connection.close()
    idle.clear()


class Wire:
    """Connections of one client. Each process has its own: two that share one would read each other's replies."""

    def __init__(self, network: Network, tls: ssl.SSLContext, limits: Limits) -> None:
        self.network = network
        self.tls = tls
        self.limits = limits
        self._renew()
        in_each_child(self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._idle: _Idle = {}
        weakref.finalize(self, _close_all, self._idle)

    def close(self) -> None:
        """Close what is kept open."""
        with self._lock:
            _close_all(self._idle)

    def exchange(self, call: Call, rule: AddressRule, ends: float, *, reuse: bool) -> Raw:
        """Send *call* and read the reply, all before the monotonic time *ends*. Raises OutboundError.

        *reuse*: whether a kept connection may serve; not for a call that must not be sent twice, since such a connection may be dead.
        """
        key = (call.target.scheme, call.target.origin)
        kept = self._taken(key) if reuse else None
        if kept is not None:
            try:
                return self._over(kept, key, call, ends)
            except UpstreamUnreachableError:
                pass  # closed by the other side while it was idle, which says nothing about the service
        return self._over(_Connection(self, call.target, rule), key, call, ends)

    def _over(self, connection: _Connection, key: tuple[str, str], call: Call, ends: float) -> Raw:
        connection.ends = ends
        wrong: OutboundError | None = None
        found: Raw | None = None
        whole = False
        try:
            connection.bound()
            found, whole = self._exchanged(connection, call)
        except OutboundError as refusal:
            wrong = refusal.at("", "")
        except TimeoutError:
            wrong = UpstreamTimeoutError("reply", "no whole reply in time")
        except ssl.SSLCertVerificationError:
            wrong = UpstreamUnreachableError("certificate", "its certificate does not prove this host")
        except (OSError, http.client.RemoteDisconnected, http.client.IncompleteRead):
            wrong = UpstreamUnreachableError("broken", "the connection broke")
        except (http.client.HTTPException, ValueError):
            wrong = ReplyRefusedError("http", "the reply is not HTTP")
        finally:
            if not (whole and self._kept(key, connection)):
                connection.close()
        if found is None:
            raise wrong or ReplyRefusedError("http", "there is no reply")
        return found

    def _exchanged(self, connection: _Connection, call: Call) -> tuple[Raw, bool]:
        target = call.target
        connection.request(call.method, target.path + target.query, body=call.body, headers=dict(call.headers))
        answer = connection.getresponse()
        try:
            if answer.status < 200:  # a second reply would follow, and the next call would take it for its own
                raise ReplyRefusedError("http", "the reply is an interim one that was not asked for")
            headers = joined(answer.getheaders())
            declared = headers.get("content-length", "")
            if declared.isdigit() and int(declared[:18]) > self.limits.max_bytes and call.method != "HEAD":
                raise ReplyRefusedError("too-large", f"the reply is larger than {self.limits.max_bytes} bytes")
            body = unpacked(_chunks(answer), headers.get("content-encoding", ""), self.limits.max_bytes)
            return Raw(answer.status, headers, body), not answer.will_close
        finally:
            answer.close()

    def _taken(self, key: tuple[str, str]) -> _Connection | None:
        while True:
            with self._lock:
                kept = self._idle.get(key)
                connection = kept.pop() if kept else None
            if connection is None or connection.usable:
                return connection
            connection.close()

    def _kept(self, key: tuple[str, str], connection: _Connection) -> bool:
        connection.kept_at = time.monotonic()
        with self._lock:
            kept = self._idle.setdefault(key, [])
            if len(kept) >= _IDLE_MOST:
                return False
            kept.append(connection)
        return True


def _has_something(sock: socket.socket) -> bool:
    """Whether the other side closed it, or said what nobody asked for."""
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def _chunks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while chunk := answer.read(_CHUNK):
        yield chunk
    if answer.length:  # read() says nothing when the other side stops in the middle
        raise UpstreamUnreachableError("broken", "the connection broke")
