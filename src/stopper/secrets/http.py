"""One small request to a secrets server: one deadline for the whole answer, one cap on its size, no redirect, TLS checked."""

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urlsplit

from stopper.auth.strict_json import NotStrictError, read_object
from stopper.core.secret import Secret
from stopper.secrets.errors import FetchError

LARGEST_ANSWER: Final = 1024 * 1024
"""Bytes. Vault's own limit for one stored entry is 1 MiB (storage backends take less)."""
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Server:
    """Where requests go. ``headers`` travel with each one."""

    url: str
    timeout: float
    ca_file: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``data`` is empty where the body was empty; it may hold secrets and never prints."""

    status: int
    data: Mapping[str, object] = field(repr=False)

    def at(self, *keys: str) -> object:
        """The member under these keys, one within the other; None where there is none."""
        found: object = self.data
        for key in keys:
            found = cast("Mapping[str, object]", found).get(key) if isinstance(found, dict) else None
        return found


def checked_url(url: str, setting: str) -> str:
    """*url* without a slash at its end. Raises FetchError for anything but https, or http on loopback."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    plain = parts.scheme == "http" and host in _LOOPBACK
    if (
        not host
        or (parts.scheme != "https" and not plain)
        or parts.username
        or parts.query
        or parts.fragment
        or port == 0
    ):
        raise FetchError("missing", f"{setting} must be an https:// address such as https://vault.example.com:8200")
    return url.rstrip("/")


def trusted_by(ca_file: str) -> ssl.SSLContext:
    """TLS as Python does it by default, with the system's certificates or those in *ca_file*. Raises FetchError."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError:
        raise FetchError(
            "missing", f"{ca_file} holds no certificates that can be read; mend STOPPER_VAULT_CA_FILE"
        ) from None


def ask(
    server: Server, method: str, path: str, body: Mapping[str, object] | None = None, token: Secret | None = None
) -> Answer:
    """One request; *body* may hold Secrets. Raises FetchError ``unreachable`` or ``malformed``; its traceback holds nothing in clear.

    A new connection each time: secrets are asked for once in minutes, and nothing is shared with a forked child. No proxy of
    the environment is used: it would see the secrets of a server that it was not meant for.
    """
    found = _exchange(
        server, method, path, Secret(json.dumps(body, default=_in_clear)) if body is not None else None, token
    )
    if isinstance(found, FetchError):
        raise found
    return found


def _in_clear(value: object) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _exchange(server: Server, method: str, path: str, body: Secret | None, token: Secret | None) -> Answer | FetchError:
    # Errors are handed back and raised by ask(): the library's own ones carry frames with headers and bodies in clear.
    connection = _connection(server)
    # A time-out of the socket bounds one read; whoever sends a byte now and then is bounded by this.
    held: list[socket.socket] = []  # the connection forgets its own once an answer has begun
    watch = threading.Timer(server.timeout, _hang_up, (connection, held))
    watch.daemon = True
    watch.start()
    try:
        connection.connect()
        held.append(connection.sock)
        target = urlsplit(server.url).path + path
        connection.request(method, target, body.reveal_bytes() if body is not None else None, _headers(server, token))
        answer = connection.getresponse()
        raw = Secret(answer.read(LARGEST_ANSWER + 1))
    except (http.client.HTTPException, OSError, ValueError) as wrong:
        why = "time-out" if watch.finished.is_set() else _reason(wrong)
        return FetchError("unreachable", f"{server.url} does not answer ({why}); start it or mend the address")
    finally:
        was_ended = watch.finished.is_set()
        watch.cancel()
        connection.close()
    if was_ended or len(raw) > LARGEST_ANSWER:
        return FetchError("unreachable", f"{server.url} does not answer in time or sends more than 1 MiB")
    if 300 <= answer.status < 400:
        return FetchError("unreachable", f"{server.url} redirects; name the address that answers itself")
    return _answer(server, answer.status, raw)


def _connection(server: Server) -> http.client.HTTPConnection:
    parts = urlsplit(server.url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, parts.port, timeout=server.timeout, context=trusted_by(server.ca_file))
    return http.client.HTTPConnection(host, parts.port, timeout=server.timeout)


def _hang_up(connection: http.client.HTTPConnection, held: list[socket.socket]) -> None:
    with contextlib.suppress(OSError, AttributeError):  # not connected yet: the socket's own time-out ends that
        (held[0] if held else connection.sock).shutdown(socket.SHUT_RDWR)


def _answer(server: Server, status: int, raw: Secret) -> Answer | FetchError:
    if not raw:
        return Answer(status, {})
    try:
        return Answer(status, read_object(raw.reveal_bytes()))
    except NotStrictError:
        if status >= 500 or status == 429:  # a proxy's page stands for its server
            return Answer(status, {})
        return FetchError("malformed", f"{server.url} does not answer in JSON; is it the right address?")


def _headers(server: Server, token: Secret | None) -> dict[str, str]:
    headers = {**server.headers, "Accept": "application/json", "Content-Type": "application/json"}
    return {**headers, "X-Vault-Token": token.reveal()} if token is not None else headers


def _reason(wrong: Exception) -> str:
    if isinstance(wrong, ssl.SSLCertVerificationError):
        return "its certificate is not trusted"
    if isinstance(wrong, TimeoutError):
        return "time-out"
    if isinstance(wrong, (ConnectionRefusedError, socket.gaierror)):
        return "no connection"
    return type(wrong).__name__
