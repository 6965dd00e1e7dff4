"""When a call may be sent again, and how long to wait before."""

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from stopper.outbound.errors import OutboundError, UpstreamTimeoutError, UpstreamUnreachableError

REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})  # RFC 9110 §9.2.2
_BUSY: Final = frozenset({429, 502, 503, 504})
_FIRST_WAIT: Final = 0.2

Draw = Callable[[float, float], float]
"""A random number between two."""


def may_repeat(method: str, headers: Mapping[str, str]) -> bool:
    """Whether sending the call twice does what sending it once does."""
    return method in REPEATABLE or "idempotency-key" in headers


def is_passing(error: OutboundError) -> bool:
    """Whether another try may go better."""
    if isinstance(error, UpstreamUnreachableError):
        return error.reason != "certificate"
    return isinstance(error, UpstreamTimeoutError)


def is_busy(status: int) -> bool:
    """Whether the service asks to come again."""
    return status in _BUSY


def wait(
    tries: int, headers: Mapping[str, str], longest: float, now: datetime, draw: Draw = random.uniform
) -> float | None:
    """Seconds to wait after *tries* tries; None when the service asks for more than *longest* and it is better to give up.

    Without a ``Retry-After`` a random time under a bound that doubles, so that many callers do not come back at once.
    """
    asked = _retry_after(headers.get("retry-after", ""), now)
    if asked is not None:
        return asked if asked <= longest else None
    return draw(0.0, min(longest, _FIRST_WAIT * 2**tries))


def _retry_after(text: str, now: datetime) -> float | None:
    """RFC 9110 §10.2.3: seconds or a date. None for anything else."""
    said = text.strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, TypeError, OverflowError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
