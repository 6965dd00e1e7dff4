"""Slows down guessing, without letting strangers lock somebody out.

Three measures stand in front of every hash: by address; by account and address together; and by account alone, which
does not count addresses that have logged in to that account before. An attacker who uses up the last one keeps out
newcomers for a while, never the person at their usual place.
"""

import hashlib
from math import ceil
from typing import Final

from stopper.auth.limit import Attempt, Counters, Limit, LocalCounters
from stopper.auth.limit_key import network
from stopper.core.errors import ThrottledError

BY_ADDRESS: Final = Limit(100, 60)
BY_ACCOUNT_AND_ADDRESS: Final = Limit(10, 600)
BY_ACCOUNT: Final = Limit(100, 3600)
"""NIST SP 800-63B-4 §3.2.2: no more than 100 wrong attempts in a row for one account."""
REGISTRATIONS: Final = Limit(30, 3600)
KNOWN_SECONDS: Final = 30 * 86_400.0
"""How long an address keeps its place at an account after a right password."""


class Throttle:
    """The measures in front of credential endpoints.

    Raises ThrottledError (429) with the seconds to wait, and StoreUnavailableError (503) where shared counters do not answer:
    guessing is not free while they are away.
    """

    def __init__(self, counters: Counters | None = None) -> None:
        """*counters*: this process's own, unless others share theirs."""
        self._counters = counters or LocalCounters()

    def address(self, address: str | None) -> None:
        """Before every attempt on a credential endpoint."""
        self._take(_of_address(address))

    def registration(self, address: str | None) -> None:
        """Before every registration."""
        self._take(_of_address(address), Attempt("registrations", network(address), REGISTRATIONS))

    def login(self, account: str, address: str | None) -> None:
        """Before every comparison of a password. *account* is what was typed, whether it exists or not."""
        both = _both(account, address)
        self._take(
            _of_address(address),
            Attempt("account-and-address", both, BY_ACCOUNT_AND_ADDRESS),
            Attempt("account", _digest(account), BY_ACCOUNT, unless=both),
        )

    def passed(self, account: str, address: str | None) -> None:
        """After a right password: this address has a place of its own at this account from now on."""
        both = _both(account, address)
        self._counters.clear("account-and-address", both)
        self._counters.note(both, KNOWN_SECONDS)

    def _take(self, *attempts: Attempt) -> None:
        refused = self._counters.take(attempts)
        if refused is not None:
            raise ThrottledError(f"throttle-{refused.measure}", ceil(refused.wait))


def _of_address(address: str | None) -> Attempt:
    return Attempt("address", network(address), BY_ADDRESS)


def _both(account: str, address: str | None) -> str:
    return _digest(f"{account}\x00{network(address)}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
