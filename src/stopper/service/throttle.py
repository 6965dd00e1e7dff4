"""Slows down guessing, without letting strangers lock somebody out.

Three measures stand in front of every hash: by address; by account and address together; and by account alone, which
does not count addresses that have logged in to that account before. An attacker who uses up the last one keeps out
newcomers for a while, never the person at their usual place.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

from stopper.core.errors import ThrottledError

MAX_KEYS: Final = 50_000
"""Remembered at once; about 200 bytes each."""
_ROUNDING: Final = 1e-6
"""Sums of fractions of seconds come out a little high."""


@dataclass(frozen=True, slots=True)
class Limit:
    """``burst`` attempts at once, then one each ``seconds / burst``."""

    burst: int
    seconds: float

    def shared_by(self, workers: int) -> "Limit":
        """This limit where *workers* processes count apart: each takes its part, at least one."""
        return Limit(max(1, self.burst // workers), self.seconds)


BY_ADDRESS: Final = Limit(100, 60)
BY_ACCOUNT_AND_ADDRESS: Final = Limit(10, 600)
BY_ACCOUNT: Final = Limit(100, 3600)
"""NIST SP 800-63B-4 §3.2.2: no more than 100 wrong attempts in a row for one account."""
REGISTRATIONS: Final = Limit(30, 3600)


class Meter:
    """Counts by key with the generic cell rate algorithm: one number a key, no timers. Safe for threads; per process."""

    def __init__(self, limit: Limit, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._every = limit.seconds / limit.burst
        self._slack = limit.seconds - self._every
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._due: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str) -> float:
        """Count one attempt: 0.0 when it may go on, else the seconds until one may."""
        now = self._monotonic()
        with self._lock:
            due = max(self._due.get(key, now), now)
            wait = due - self._slack - now
            if wait > _ROUNDING:
                return wait
            self._due[key] = due + self._every
            self._due.move_to_end(key)
            while len(self._due) > MAX_KEYS:
                self._due.popitem(last=False)
        return 0.0

    def clear(self, key: str) -> None:
        """Forget the attempts of *key*."""
        with self._lock:
            self._due.pop(key, None)


class Throttle:
    """The measures in front of credential endpoints. Raises ThrottledError (429) with the seconds to wait."""

    def __init__(self, *, workers: int = 1, monotonic: Callable[[], float] = time.monotonic) -> None:
        """*workers*: how many processes count apart; each takes its part of every limit."""
        self._by_address = Meter(BY_ADDRESS.shared_by(workers), monotonic)
        self._by_both = Meter(BY_ACCOUNT_AND_ADDRESS.shared_by(workers), monotonic)
        self._by_account = Meter(BY_ACCOUNT.shared_by(workers), monotonic)
        self._registrations = Meter(REGISTRATIONS.shared_by(workers), monotonic)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def address(self, address: str | None) -> None:
        """Before every attempt on a credential endpoint."""
        _judge("address", self._by_address.take(_network(address)))

    def registration(self, address: str | None) -> None:
        """Before every registration."""
        self.address(address)
        _judge("registrations", self._registrations.take(_network(address)))

    def login(self, account: str, address: str | None) -> None:
        """Before every comparison of a password. *account* is what was typed, whether it exists or not."""
        self.address(address)
        both = _both(account, address)
        _judge("account-and-address", self._by_both.take(both))
        with self._lock:
            known = both in self._known
        if not known:
            _judge("account", self._by_account.take(_digest(account)))

    def passed(self, account: str, address: str | None) -> None:
        """After a right password: this address has a place of its own at this account from now on."""
        both = _both(account, address)
        self._by_both.clear(both)
        with self._lock:
            self._known[both] = None
            self._known.move_to_end(both)
            while len(self._known) > MAX_KEYS:
                self._known.popitem(last=False)


def _judge(measure: str, wait: float) -> None:
    if wait > 0:
        raise ThrottledError(f"throttle-{measure}", ceil(wait))


def _network(address: str | None) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: a household has that many to itself."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else found.exploded[:19]
    return str(found)


def _both(account: str, address: str | None) -> str:
    return _digest(f"{account}\x00{_network(address)}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
