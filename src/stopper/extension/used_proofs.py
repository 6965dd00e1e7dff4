"""Used DPoP proofs in SQL: one row for every request, so whoever writes them also deletes the old ones, now and then."""

import threading
import time
from collections.abc import Callable
from typing import Final

from stopper.auth.clock import Clock
from stopper.auth.requirement import Redeem
from stopper.core.errors import StoreUnavailableError

SWEEP_SECONDS: Final = 600.0


class SweptProofs:
    """A :class:`stopper.auth.requirement.Redeem` that calls *forget* with the time every ten minutes, from within a request. Per process."""

    def __init__(
        self,
        single_use: Redeem,
        forget: Callable[[float], int],
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._single_use = single_use
        self._forget = forget
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._due = monotonic() + SWEEP_SECONDS

    def redeem(self, purpose: str, value: str, *, valid_for: float, tenant: str = "") -> bool:
        """True the first time. Raises StoreUnavailableError when the store does not answer."""
        first = self._single_use.redeem(purpose, value, valid_for=valid_for, tenant=tenant)
        if self._monotonic() >= self._due and self._lock.acquire(blocking=False):
            try:
                self._due = self._monotonic() + SWEEP_SECONDS
                self._forget(self._clock())
            except StoreUnavailableError:
                pass  # the next sweep deletes them; what was decided stays decided
            finally:
                self._lock.release()
        return first
