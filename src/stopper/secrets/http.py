"""One small request to a secrets server: one deadline for the whole answer, one cap on its size, no redirect, TLS checked."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urlsplit

import urllib3

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


def ask(
    server: Server, method: str, path: str, body: Mapping[str, object] | None = None, token: Secret | None = None
) -> Answer:
    """One request; *body* may hold Secrets. Raises FetchError ``unreachable`` or ``malformed``; its traceback holds nothing in clear.

    A new connection each time: secrets are asked for once in minutes, and nothing is shared with a forked child.
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
    ends = time.monotonic() + server.timeout
    try:
        with urllib3.PoolManager(
            1,
            retries=False,
            timeout=urllib3.Timeout(total=server.timeout),
            cert_reqs="CERT_REQUIRED",
            ca_certs=server.ca_file or None,
        ) as pool:
            answer = pool.request(
                method,
                server.url + path,
                headers=_headers(server, token),
                body=body.reveal_bytes() if body is not None else None,
                preload_content=False,
                redirect=False,
            )
            try:
                raw = _bounded(answer, ends)
            finally:
                answer.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as wrong:
        return FetchError(
            "unreachable", f"{server.url} does not answer ({_reason(wrong)}); start it or mend the address"
        )
    if raw is None:
        return FetchError("unreachable", f"{server.url} does not answer in time or sends more than 1 MiB")
    if 300 <= answer.status < 400:
        return FetchError("unreachable", f"{server.url} redirects; name the address that answers itself")
    return _answer(server, answer.status, raw)


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


def _bounded(answer: urllib3.BaseHTTPResponse, ends: float) -> Secret | None:
    pieces: list[bytes] = []
    size = 0
    while piece := answer.read1(16 * 1024, decode_content=False):  # what is there; read() would wait for all of it
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST_ANSWER or time.monotonic() > ends:
            return None
    return Secret(b"".join(pieces))


def _reason(wrong: Exception) -> str:
    if isinstance(wrong, urllib3.exceptions.SSLError) or "CERTIFICATE_VERIFY_FAILED" in str(wrong):
        return "its certificate is not trusted"
    if isinstance(wrong, urllib3.exceptions.NewConnectionError):  # a TimeoutError too, by its ancestry
        return "no connection"
    if isinstance(wrong, urllib3.exceptions.TimeoutError):
        return "time-out"
    return type(wrong).__name__
