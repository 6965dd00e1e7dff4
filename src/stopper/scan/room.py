"""How many requests of a budget the probes will need, as measured on some twenty small APIs."""

from collections.abc import Sequence
from typing import Final

from stopper.core.app import Route
from stopper.scan.wire.courier import Courier

FOR_PROBES: Final = 180
"""Requests that the probes of an API need before they come to its routes."""
FOR_ONE: Final = 36
"""Those of one more route."""
FOR_A_LOG_IN: Final = 240
"""Those of a log-in, and of what lies behind it."""


def is_little(courier: Courier, routes: Sequence[Route]) -> bool:
    """Whether what is left of the budget will hardly do for the probes of all *routes*."""
    needed = FOR_PROBES + FOR_ONE * sum(bool(route.methods) for route in routes)
    return courier.max_requests - courier.sent < needed
