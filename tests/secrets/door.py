"""A TLS door before a server. It hands every byte on, or does one of the things that a broken network or server does."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable

from tests.secrets.openbao import HERE, OpenBao

Fault = Callable[[socket.socket], None]


def answers(status: str, body: bytes, *headers: str) -> Fault:
    """Every request gets this answer."""

    def fault(client: socket.socket) -> None:
        client.recv(65536)
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        client.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return fault


def silent(client: socket.socket) -> None:
    """Takes the request and says nothing until the other side goes."""
    with contextlib.suppress(OSError):
        client.settimeout(30)
        while client.recv(65536):
            pass


def _dripping(start: bytes) -> Fault:
    def fault(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\n" + start)
        for _ in range(300):
            client.sendall(b" ")
            time.sleep(0.1)

    return fault


drips = _dripping(b"Content-Type: application/json\r\n\r\n{")
"""Sends an answer that never ends, a byte now and then: each read is in time, the whole is not."""
drips_head = _dripping(b"X-Slow:")
"""The same with the head."""


def floods(client: socket.socket) -> None:
    """Sends far more than any secret."""
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    for _ in range(1000):
        client.sendall(b"[" * 65536)


def hangs_up(client: socket.socket) -> None:
    """Closes in the middle of the head."""
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 O")


class Door:
    """Listens on its own port with the server's certificate. ``fault`` is what happens to new connections; None hands on."""

    def __init__(self, behind: OpenBao) -> None:
        self._behind = behind
        self.fault: Fault | None = None
        self.requests = 0
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(behind.ca_file, behind.folder / "tls.key")
        self._listener = socket.create_server((HERE, 0))
        self._listener.settimeout(0.1)
        self.url = f"https://{HERE}:{self._listener.getsockname()[1]}"
        self._open = True
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Nobody listens any more: connections are refused."""
        self._open = False
        self._thread.join()
        self._listener.close()

    def stop(self) -> None:
        """The end of the test."""
        if self._open:
            self.close()

    def _serve(self) -> None:
        while self._open:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.requests += 1
            threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client: socket.socket) -> None:
        client.settimeout(30)
        with contextlib.suppress(OSError), client:
            if self.fault is None:
                self._hand_on(client)
                return
            with self._tls.wrap_socket(client, server_side=True) as inner:
                self.fault(inner)

    def _hand_on(self, client: socket.socket) -> None:
        with socket.create_connection((HERE, self._behind.port)) as server:
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join(5)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
