"""A URL, read so strictly that nobody on the way can read it as another one."""

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import unquote

from stopper.outbound.errors import CallRefusedError

LONGEST: Final = 8192
_SHAPE: Final = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?\Z", re.IGNORECASE)
_VISIBLE: Final = re.compile(r"[!-\[\]-~]*\Z")
"""Visible ASCII but the backslash, which some read as a slash."""
_PATH: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*\Z")  # RFC 3986 §3.3
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?\Z")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_NUMBER: Final = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
_DECODINGS: Final = 4


@dataclass(frozen=True, slots=True)
class Target:
    """Where one call goes. ``path`` begins with ``/``; ``query`` is empty or begins with ``?``; both are sent as they stand."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)
    query: str = field(repr=False)

    @property
    def origin(self) -> str:
        """Host and port, as credentials are bound to them."""
        return f"{self.shown_host}:{self.port}"

    @property
    def shown_host(self) -> str:
        """The host as it is written in a URL."""
        return f"[{self.host}]" if ":" in self.host else self.host


def read_url(url: object) -> Target:
    """The target of *url*.

    Raises CallRefusedError for whatever two readers might read in two ways: user info, backslashes, blanks, control and non-ASCII
    characters (write an international name as ``xn--…``), an IPv4 address in other than four plain decimal parts, a zone id, a
    trailing dot, dot segments in any encoding. The fragment is left out.
    """
    if not isinstance(url, str) or len(url) > LONGEST:
        raise CallRefusedError("url", f"the URL must be a text of at most {LONGEST} characters")
    if _VISIBLE.match(url) is None:
        raise CallRefusedError("url", "the URL must be plain ASCII without blanks and backslashes")
    shape = _SHAPE.match(url)
    if shape is None:
        raise CallRefusedError("scheme", "the URL must begin with https://")
    scheme, authority = shape[1].lower(), shape[2]
    if "@" in authority:
        raise CallRefusedError("user-info", "the URL must not hold a user name or password; give the credential as one")
    host, port = _read_authority(authority)
    path = shape[3] or "/"
    _judge_path(path)
    return Target(scheme, host, port or (443 if scheme == "https" else 80), path, shape[4] or "")


def origin_of(host: str) -> str:
    """``host`` or ``host:port`` as :attr:`Target.origin`; the port of https if there is none. Raises CallRefusedError."""
    target = read_url(f"https://{host}")
    if target.path != "/" or target.query or "/" in host or "#" in host:
        raise CallRefusedError("host", "a host is a name with an optional port, such as api.example.com")
    return target.origin


def _read_authority(authority: str) -> tuple[str, int]:
    shape = _AUTHORITY.match(authority)
    port = int(shape[2] or 0) if shape else 0
    if shape is None or port > 65535 or (shape[2] is not None and not port):
        raise CallRefusedError("host", "the URL's host or port cannot be read")
    host = shape[1].lower()
    if host.startswith("["):
        return _ipv6(host[1:-1]), port
    labels = host.split(".")
    if _NUMBER.match(
        labels[-1]
    ):  # whoever reads names as numbers would do it with this one (WHATWG URL, "ends in a number")
        return _ipv4(host), port
    if len(host) > 253 or not all(map(_LABEL.match, labels)):
        raise CallRefusedError("host", "the URL's host is not a name")
    return host, port


def _ipv6(text: str) -> str:
    try:
        found = IPv6Address(text)
    except AddressValueError:
        found = None
    if found is None:
        raise CallRefusedError("host", "the URL's host is not an IPv6 address")
    return str(found)


def _ipv4(text: str) -> str:
    try:
        found = IPv4Address(text)
    except AddressValueError:
        found = None
    if found is None:
        raise CallRefusedError("host", "the URL's host is a number; write an IPv4 address in four plain parts")
    return str(found)


def _judge_path(path: str) -> None:
    if not path.startswith("/") or _PATH.match(path) is None:
        raise CallRefusedError("path", "the URL's path holds characters that must be percent-encoded")
    for _ in range(_DECODINGS):  # a gateway and the service behind it may each decode once
        steps = re.split(r"[/\\]", path)
        if any(step.partition(";")[0] in (".", "..") for step in steps):
            raise CallRefusedError("path", "the URL's path must not hold . or .. as a step")
        decoded = unquote(path, errors="replace")
        if decoded == path:
            return
        path = decoded
    raise CallRefusedError("path", "the URL's path is percent-encoded too many times")
