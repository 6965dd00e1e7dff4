"""How long something lasts, and how far ahead of now it ends."""

import math
import re
import time
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.tokens.jwt_keys import reached
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    Mapping,
    Member,
    Name,
    Parameter,
    Unknown,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

UNIT_SECONDS: Final = {
    "weeks": 604800, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1, "milliseconds": 0.001, "microseconds": 0.000001,
    "months": 2592000, "years": 31536000,
}  # fmt: skip
_TIMEDELTA: Final = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")


_FACTORS: Final = (60, 3600, 86400, 604800, 24, 7)
"""What a number of minutes, hours, days or weeks is multiplied with."""


def seconds_of(value: Value | None, facts: SourceFacts | None = None) -> float | None:
    """A length of time in seconds: a number, ``timedelta(…)``, a variable's literal default; None where it is not in sight."""
    found: list[float] = []
    for one in options(value):
        if isinstance(one, Constant) and isinstance(one.value, (int, float)) and not isinstance(one.value, bool):
            found.append(float(one.value))
        elif isinstance(one, Call) and one.method in ("timedelta", "relativedelta"):
            found.extend(_delta(one, facts))
        elif isinstance(one, Call) and (one.callee in ("int", "float") or one.method == "total_seconds"):
            inner = seconds_of(one.argument(0) or one.receiver, facts)
            found.extend([inner] if inner is not None else [])
        elif isinstance(one, Parameter) and one.default is not None and not isinstance(one.default, Constant):
            inner = seconds_of(one.default)
            found.extend([inner] if inner is not None else [])
        elif (
            isinstance(one, Unknown) and len(one.parts) == 2 and any(is_constant(part, *_FACTORS) for part in one.parts)
        ):
            left, right = (seconds_of(part, facts) for part in one.parts)  # ``hours * 3600``
            found.extend([left * right] if left is not None and right is not None else [])
        elif isinstance(one, (ConfigValue, Parameter)) and facts is not None:
            known = [seconds_of(other, facts) for other in reached(facts, one) if other is not one]
            found.extend(number for number in known if number is not None)
        elif isinstance(getattr(one, "default", None), Constant):
            text = getattr(one, "default").value  # noqa: B009 - several classes of values have a default
            if isinstance(text, (int, float)) or (isinstance(text, str) and text.isdigit()):
                found.append(float(text))
    return max(found) if found else None


def _delta(call: Call, facts: SourceFacts | None) -> Iterator[float]:
    """Its length; several where ``**LIFETIME`` is one of several mappings."""
    said = [*((name, one) for name, one in call.keywords if name != "**"), *zip(_TIMEDELTA, call.args, strict=False)]
    for spread in _spread(call.keyword("**"), facts) or [()]:
        rows = [*said, *((text_of(key) or "", held) for key, held in spread)]
        parts = [(UNIT_SECONDS.get(name, math.nan), seconds_of(given, facts)) for name, given in rows]
        if known := [unit * number for unit, number in parts if number is not None]:
            yield sum(known)


def _spread(value: Value | None, facts: SourceFacts | None) -> list[tuple[tuple[Value, Value], ...]]:
    found = [one for option in options(value) for one in (option, *(reached(facts, option) if facts else ()))]
    return [one.items for one in found if isinstance(one, Mapping)]


def distance(facts: SourceFacts, value: Value | None) -> float | None:
    """How far ahead of now an ``exp`` lies, in seconds: ``now + timedelta(days=30)``, ``int(time.time()) + 3600``."""
    for one in options(value):
        if isinstance(one, Call) and one.callee in ("int", "float", "round") and one.args:
            return distance(facts, one.args[0])
        if isinstance(one, Member) and one.attribute in ("int_timestamp", "timestamp", "float_timestamp"):
            return distance(facts, one.owner)
        if (
            isinstance(one, Call)
            and one.method in ("shift", "add")
            and one.receiver is not None
            and _is_now(one.receiver)
        ):
            return max(_delta(one, facts), default=0.0) or None  # arrow and pendulum
        if (fixed := _fixed(one)) is not None:
            return fixed
        if (years := _years_on(one)) is not None:
            return years
        if (
            isinstance(one, Call)
            and one.receiver is not None
            and one.method in ("timestamp", "replace", "timetuple", "utctimetuple", "strftime", "isoformat")
        ):
            return distance(facts, one.receiver)
        if isinstance(one, Call) and one.callee.endswith("timegm") and one.args:
            return distance(facts, one.args[0])
        if isinstance(one, Unknown) and len(one.parts) >= 2 and _is_now(one.parts[0]):
            known = [_longest(facts, part) for part in one.parts[1:]]
            given = [number for number in known if number is not None]
            return sum(given) if given else None
    return None


def _fixed(value: Value) -> float | None:
    """A day that is written down, ``datetime(2099, 12, 31)`` or ``4102444800``, if it is a year or more from today."""
    end = value.value if isinstance(value, Constant) else None
    if isinstance(value, Call) and value.callee == "datetime.datetime" and value.args:
        year = value.args[0].value if isinstance(value.args[0], Constant) else None
        end = _seconds_till(year) if isinstance(year, int) else None
    if isinstance(value, Call) and value.method in ("strptime", "fromisoformat", "parse"):
        said = re.match(r"\d{4}(?=-|$)", text_of(value.argument(0)) or "")
        end = _seconds_till(int(said[0])) if said is not None else None
    if isinstance(value, Name) and value.dotted in ("datetime.datetime.max", "datetime.date.max"):
        end = _seconds_till(9999)
    if not isinstance(end, (int, float)) or isinstance(end, bool):
        return None
    left = float(end) - time.time()
    return left if left > 365 * 86400 else None


def _seconds_till(year: int) -> float:
    return (year - 1970) * 365.25 * 86400


def _years_on(value: Value) -> float | None:
    """``now.replace(year=now.year + 1)``"""
    year = value.keyword("year") if isinstance(value, Call) and value.method == "replace" else None
    added = [one.value for one in year.parts if isinstance(one, Constant)] if isinstance(year, Unknown) else []
    counts = [float(one) for one in added if isinstance(one, int) and one > 0]
    return max(counts) * UNIT_SECONDS["years"] if counts else None


def _longest(facts: SourceFacts, value: Value) -> float | None:
    found = [number for one in (value, *reached(facts, value)) if (number := seconds_of(one, facts)) is not None]
    return max(found) if found else None


_SAYS_NOW: Final = frozenset({"now", "utcnow", "time", "today", "time_ns", "gmtime", "localtime"})


def _is_now(value: Value) -> bool:
    return any(isinstance(part, Call) and part.method in _SAYS_NOW for part in walk(value, 4)) or isinstance(
        value, Unknown
    )
