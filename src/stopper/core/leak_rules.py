"""Where a secret may go. Everything else is a leak; ``docs/watch.md`` tells these rules to the user."""

import ipaddress
from typing import Final

from stopper.core.leak import Sink
from stopper.core.watchlist import Watched

_ANSWERS: Final = ("response", "response-header")
UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
STORE_PORTS: Final = frozenset({1433, 1521, 3306, 5432, 5671, 5672, 6379, 6380, 9042, 11211, 27017})
"""Databases, caches and queues: what an application keeps there is its own."""


def may_pass(secret: Watched, sink: Sink, *, issues: bool, private: bool) -> bool:
    """Whether *secret* is at home in *sink*.

    *issues*: this route made the token, or the header is the cookie that carries it. *private*: no cache keeps the answer.
    """
    if sink in _ANSWERS:
        if secret.kind in ("token", "api-key", "cookie", "issued"):
            return issues
        return secret.kind == "registered" and private
    return sink == "session" and secret.kind in ("cookie", "registered")


def may_travel(secret: Watched, sink: Sink, host: str, homes: dict[str, str]) -> bool:
    """Whether *secret* may go to *host*. A credential of the configuration has one home: the first host that it is sent to.

    In the URL it is a leak all the same: proxies and the other side's log keep URLs.
    """
    if secret.kind != "config-credential" or sink == "outbound-url":
        return False
    return homes.setdefault(secret.label, host) == host


def is_kept_by_nobody(method: str, cache_control: str, *, has_expires: bool) -> bool:
    """Whether no cache keeps this answer (RFC 9111 §3, RFC 9110 §9.3.3): ``no-store``, or an unsafe method without a lifetime."""
    said = cache_control.lower()
    if "no-store" in said:
        return True
    return method in UNSAFE and not has_expires and not any(word in said for word in ("max-age", "public"))


def is_own_machine(host: str) -> bool:
    """Whether *host* is this machine: loopback, a socket of the file system, or a name that never leaves it."""
    name = host.lower().strip("[]").rstrip(".")
    if name in ("", "localhost") or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or address.is_unspecified or (mapped is not None and mapped.is_loopback)


def host_name(authority: str) -> str:
    """The host of ``host``, ``host:port`` or ``[::1]:port``."""
    said = authority.strip().rpartition("@")[2]
    if said.startswith("["):
        return said[1:].partition("]")[0]
    return said.partition(":")[0] if said.count(":") <= 1 else said
