"""Limits as people write them: ``100/minute``, ``10/second, 300/minute``, ``5/15 minutes sliding``."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from stopper.auth.limit import Limit

MAX_TEXT: Final = 128
MAX_BURST: Final = 10_000_000
LEAST_EVERY: Final = 0.000_01
"""Seconds between two attempts at the least: counters are exact to a millionth of a second."""
HOW: Final = "a limit such as 100/minute, 10/second, 5/15 minutes or 100/hour sliding; several with commas"

_UNITS: Final[Mapping[str, int]] = MappingProxyType({"second": 1, "minute": 60, "hour": 3600, "day": 86_400})
_SHORT: Final[Mapping[str, str]] = MappingProxyType(
    {"s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day"}
)
_ONE: Final = re.compile(r"([0-9]{1,8}) ?(?:/|per) ?(?:([0-9]{1,6}) ?)?([a-z]{1,7})( sliding)?", re.ASCII)


def read_limits(said: str) -> tuple[Limit, ...]:
    """The limits of the text *said*, at least one. Raises ValueError, whose text says how a limit is written."""
    if len(said) > MAX_TEXT:
        raise ValueError(HOW)
    return tuple(dict.fromkeys(_one(part) for part in said.split(",")))


def _one(said: str) -> Limit:
    found = _ONE.fullmatch(" ".join(said.lower().split()))
    if found is None:
        raise ValueError(HOW)
    unit = found[3] if found[3] in _SHORT else found[3].removesuffix("s")
    seconds = _UNITS.get(_SHORT.get(unit, unit), 0) * int(found[2] or 1)
    burst = int(found[1])
    if not (0 < burst <= MAX_BURST and 0 < seconds <= 366 * 86_400 and seconds / burst >= LEAST_EVERY):
        raise ValueError(HOW)
    return Limit(burst, float(seconds), sliding=found[4] is not None)


def text_of(limit: Limit) -> str:
    """*limit* as :func:`read_limits` reads it."""
    name, size = next(
        (name, size) for name, size in reversed(tuple(_UNITS.items())) if limit.seconds % size == 0 or size == 1
    )
    many = limit.seconds / size
    span = name if many == 1 else f"{many:g} {name}s"
    return f"{limit.burst}/{span}" + (" sliding" if limit.sliding else "")
