"""Deletes what nobody needs any more, now and then, from within requests: no thread, no timer, nothing to fork."""

import threading
import time
from collections.abc import Callable
from typing import Final

from stopper.core.errors import StoreUnavailableError
from stopper.service.accounts import Accounts

SWEEP_SECONDS: Final = 600.0


class Sweeper:
    """Called after each request; does something when it is due. Per process."""

    def __init__(self, accounts: Accounts, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._due = monotonic() + SWEEP_SECONDS

    def sweep(self, _error: BaseException | None = None) -> None:
        """Delete answers whose window has ended; every ten minutes also old families, revocations and used-up things."""
        try:
            self._accounts.refresh.forget_when_due()
            if self._monotonic() >= self._due and self._lock.acquire(blocking=False):
                try:
                    self._due = self._monotonic() + SWEEP_SECONDS
                    self._accounts.store.forget()
                finally:
                    self._lock.release()
        except StoreUnavailableError:
            # The store is away; the next sweep deletes them. A sealed answer cannot be read without the token it was made for.
            return
