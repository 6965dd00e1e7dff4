"""From a host's name to a connected socket: resolved once, every address judged, and the judged address is the one connected to."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from stopper.outbound.address import AddressRule
from stopper.outbound.errors import CallRefusedError, OutboundError, UpstreamTimeoutError, UpstreamUnreachableError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host. Raises OSError when there is none."""
Connect = Callable[[str, int, float], socket.socket]
"""A socket that is connected to an address and a port within so many seconds. Raises OSError."""

_MOST_LOOK_UPS: Final = 32
_look_ups: Final = threading.BoundedSemaphore(_MOST_LOOK_UPS)


def system_resolve(host: str, port: int) -> list[str]:
    """What the machine's resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def system_connect(address: str, port: int, timeout: float) -> socket.socket:
    """A TCP connection to a numeric address."""
    made = socket.create_connection((address, port), timeout)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


@dataclass(frozen=True, slots=True)
class Network:
    """How names are resolved and connections made; tests and unusual set-ups bring their own."""

    resolve: Resolve = system_resolve
    connect: Connect = system_connect


class _Timed:
    """A socket that keeps two bounds at every read and write: how long a silence may last, and when everything ends."""

    ends: float = float("inf")
    silence: float = float("inf")

    def wait(self) -> float:
        """Seconds that the next read or write may take. Raises TimeoutError when the end has come."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, self.silence, 3600.0)


class TimedSocket(_Timed, socket.socket):
    """A plain one."""

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        """Read within the bounds."""
        self.settimeout(self.wait())
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:
        """Write within the bounds."""
        self.settimeout(self.wait())
        super().sendall(data, flags)


class TimedTlsSocket(_Timed, ssl.SSLSocket):
    """One with TLS."""

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int | None = None, flags: int = 0) -> int:
        """Read within the bounds."""
        self.settimeout(self.wait())
        return super().recv_into(buffer, nbytes, flags)

    def send(self, data: "ReadableBuffer", flags: int = 0) -> int:
        """Write within the bounds; ``sendall`` comes here for each part."""
        self.settimeout(self.wait())
        return super().send(data, flags)


def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """TLS 1.2 and later, certificate and name checked against *ca_file* or the system's authorities. Raises OSError."""
    return _system_tls() if ca_file is None else _made_tls(ca_file)


@cache
def _system_tls() -> ssl.SSLContext:  # reading the system's authorities takes a while, and all clients can share them
    return _made_tls(None)


def _made_tls(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = TimedTlsSocket
    return context


def dial(network: Network, host: str, port: int, rule: AddressRule, until: float) -> TimedSocket:
    """A connection to *host*, tried at each of its addresses until the monotonic time *until*.

    Raises CallRefusedError when any of its addresses is not allowed, UpstreamUnreachableError or UpstreamTimeoutError
    when none answers.
    """
    addresses = _resolved(network.resolve, host, port, until)
    _judge(addresses, rule)
    timed_out = False
    for address in addresses:
        left = until - time.monotonic()
        if left <= 0:
            timed_out = True
            break
        try:
            made = network.connect(address, port, left)
        except TimeoutError:
            timed_out = True
        except OSError:
            continue
        else:
            return TimedSocket(fileno=made.detach())
    if timed_out:
        raise UpstreamTimeoutError("connect", "no connection in time")
    raise UpstreamUnreachableError("connect", "no connection")


def _judge(addresses: Sequence[str], rule: AddressRule) -> None:
    for address in addresses:
        try:
            allowed = rule(ip_address(address))
        except ValueError:
            allowed = False
        if not allowed:
            raise CallRefusedError("address", "the host has an address that must not be called from here")


def _resolved(resolve: Resolve, host: str, port: int, until: float) -> Sequence[str]:
    """What *resolve* says by *until*. The system's resolver knows no time-out, so it is asked on a thread of its own."""
    try:
        return (str(ip_address(host)),)
    except ValueError:
        pass
    found: list[Sequence[str]] = []

    def ask() -> None:
        try:
            found.append(tuple(resolve(host, port)))
        except (OSError, UnicodeError):
            found.append(())
        finally:
            _look_ups.release()

    wrong: OutboundError | None = None
    if not _look_ups.acquire(timeout=max(0.0, until - time.monotonic())):
        wrong = UpstreamTimeoutError("resolve", "its name was not resolved in time")
    else:
        asking = threading.Thread(target=ask, name="stopper-resolve", daemon=True)
        asking.start()
        asking.join(max(0.0, until - time.monotonic()))
        if not found:
            wrong = UpstreamTimeoutError("resolve", "its name was not resolved in time")
        elif not found[0]:
            wrong = UpstreamUnreachableError("resolve", "its name has no address")
    if wrong is not None:
        raise wrong
    return found[0]
