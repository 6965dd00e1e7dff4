"""Hooks of outgoing calls: sockets, plain and TLS, and the libraries above them, so that a mocked call is seen as well."""

import re
import socket
import ssl
import sys
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from stopper.core.leak_journal import LeakJournal
from stopper.core.leak_process import told
from stopper.core.leak_rules import STORE_PORTS, host_name, is_own_machine
from stopper.core.patches import Patches

LARGEST: Final = 1024 * 1024
"""Bytes of one write that are looked at."""
_REQUEST_LINE: Final = re.compile(rb"[A-Z]{3,10} (\S+) HTTP/1\.[01]\r\n")
_HOST: Final = re.compile(rb"(?i)\r\nhost: *([^\r\n]{1,255})")
_URL_HOST: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")


class _Peers:
    """Where connected sockets lead."""

    def __init__(self) -> None:
        self._hosts: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()

    def connected(self, sock: Any, address: Any) -> None:
        if not isinstance(address, tuple):
            return  # a socket of the file system
        host, port = cast("tuple[object, ...]", address)[:2]
        if port not in STORE_PORTS:
            self._hosts[sock] = str(host)

    def name(self, sock: Any, host: str) -> None:
        self._hosts[sock] = host

    def of(self, sock: Any) -> str | None:
        known = self._hosts.get(sock)
        if known is None and not getattr(sock, "server_side", True):  # TLS, as the client
            return getattr(sock, "server_hostname", None)
        return known


def hook(patches: Patches, journal: LeakJournal) -> None:
    """Watch what this process sends until *patches* are undone."""
    peers = _Peers()
    for name in ("connect", "connect_ex"):
        patches.put(socket.socket, name, lambda original: _connecting(peers, original))
    for name in ("send", "sendall"):
        patches.put(socket.socket, name, lambda original: _sending(journal, peers, original))
        patches.put(ssl.SSLSocket, name, lambda original: _sending(journal, peers, original))
    patches.put(socket.socket, "sendto", lambda original: _sending_to(journal, original))
    patches.put(ssl.SSLObject, "write", lambda original: _sending(journal, peers, original))


LIBRARIES: Final = ("requests", "urllib3", "httpx", "httpx2")


def hook_library(patches: Patches, journal: LeakJournal, name: str) -> None:
    """Watch one library's calls. It is loaded already: a sensor loads nothing."""
    module = sys.modules[name]
    if name == "requests":
        patches.put(module.Session, "send", lambda original: _request_object(journal, original))
    elif name in ("httpx", "httpx2"):
        for client in ("Client", "AsyncClient"):
            patches.put(getattr(module, client, None), "send", lambda original: _request_object(journal, original))
    else:
        pool = getattr(sys.modules.get("urllib3.connectionpool"), "HTTPConnectionPool", None)
        patches.put(pool, "urlopen", lambda original: _urlopen(journal, original))


def _connecting(peers: _Peers, original: Callable[..., Any]) -> Callable[..., Any]:
    def connect(self: Any, address: Any) -> Any:
        peers.connected(self, address)
        return original(self, address)

    return connect


def _sending(journal: LeakJournal, peers: _Peers, original: Callable[..., Any]) -> Callable[..., Any]:
    def send(self: Any, data: Any, *flags: Any) -> Any:
        if journal.running:
            host = peers.of(self)
            if host is not None:
                _look_at_bytes(journal, peers, self, host, data)
        return original(self, data, *flags)

    return send


def _sending_to(journal: LeakJournal, original: Callable[..., Any]) -> Callable[..., Any]:
    def sendto(self: Any, data: Any, *more: Any) -> Any:
        address = cast("object", more[-1] if more else None)
        if journal.running and isinstance(address, tuple) and address:
            host = str(cast("tuple[object, ...]", address)[0])
            with journal.looking() as now:
                if now and _is_foreign(journal, host):
                    journal.search_outbound(bytes(data[:LARGEST]).decode("utf-8", "replace"), "outbound-body", host)
        return original(self, data, *more)

    return sendto


def _look_at_bytes(journal: LeakJournal, peers: _Peers, sock: Any, host: str, data: Any) -> None:
    with journal.looking() as now:
        if not now:
            return
        raw = bytes(memoryview(data)[:LARGEST])
        line = _REQUEST_LINE.match(raw)
        head, _, body = raw.partition(b"\r\n\r\n") if line else (b"", b"", raw)
        named = _HOST.search(head)
        if named is not None:
            host = host_name(named[1].decode("latin-1"))
            peers.name(sock, host)
        if not _is_foreign(journal, host):
            return
        if line is not None:
            journal.search_outbound(line[1].decode("latin-1"), "outbound-url", host)
            journal.search_outbound(head[line.end() :].decode("latin-1"), "outbound-headers", host)
        journal.search_outbound(body.decode("utf-8", "replace"), "outbound-body", host)


def _request_object(journal: LeakJournal, original: Callable[..., Any]) -> Callable[..., Any]:
    def send(self: Any, request: Any, *args: Any, **options: Any) -> Any:
        with journal.looking() as now:
            if now:
                body = getattr(request, "body", None) or getattr(request, "_content", None)
                _look_at_call(journal, str(request.url), request.headers, body)
        return original(self, request, *args, **options)

    return send


def _urlopen(journal: LeakJournal, original: Callable[..., Any]) -> Callable[..., Any]:
    def urlopen(self: Any, method: str, url: str, body: Any = None, headers: Any = None, *args: Any, **options: Any) -> Any:  # fmt: skip
        with journal.looking() as now:
            if now:
                _look_at_call(journal, f"http://{self.host}{url}", headers or {}, body)
        return original(self, method, url, body, headers, *args, **options)

    return urlopen


def _look_at_call(journal: LeakJournal, url: str, headers: Mapping[str, Any], body: object) -> None:
    found = _URL_HOST.match(url)
    host = host_name(found[1]) if found else ""
    if not _is_foreign(journal, host):
        return
    journal.search_outbound(url, "outbound-url", host)
    for name, value in headers.items():
        journal.search_outbound(f"{name}: {told(value)}", "outbound-headers", host)
    if isinstance(body, (str, bytes, bytearray)):
        journal.search_outbound(told(body), "outbound-body", host)


def _is_foreign(journal: LeakJournal, host: str) -> bool:
    return not is_own_machine(host) and host not in journal.own_hosts
