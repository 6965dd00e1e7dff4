"""How long a lifetime is that a setting says, in seconds and in words."""

from typing import Final

from stopper.core.deployment.setting_facts import plain, under_key
from stopper.core.facts import SourceFacts
from stopper.core.flow.unpacked_calls import unpacked
from stopper.core.values import Call, Choice, ConfigValue, Constant, EnvironmentValue, Item, Mapping, Unknown, Value

_UNITS: Final = {
    "weeks": 604800.0,
    "days": 86400.0,
    "hours": 3600.0,
    "minutes": 60.0,
    "seconds": 1.0,
    "milliseconds": 0.001,
    "microseconds": 0.000001,
}
_ORDER: Final = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")
"""The parameters of ``datetime.timedelta`` in their order."""
_LONG_UNITS: Final = {**_UNITS, "months": 2629800.0, "years": 31557600.0}


def seconds(facts: SourceFacts, value: Value | None, depth: int = 6) -> float | None:
    """The longest time that a lifetime may come to; infinite for False, None where it cannot be told."""
    if value is None or depth == 0:
        return None
    match value:
        case Constant(value=bool(said)):
            return None if said else float("inf")
        case Call() if value.method in ("timedelta", "relativedelta"):
            lengths = [_timedelta(facts, one) for one in unpacked(facts, value)]
            return max((one for one in lengths if one is not None), default=None)
        case (
            Call(method="total_seconds", receiver=inner)
            | Call(callee="int" | "float" | "round", args=(Call() as inner,))
        ):
            return seconds(facts, inner, depth - 1)
        case EnvironmentValue(default=Constant(value=False) as never):
            return seconds(facts, never, depth - 1)
        case Item(owner=Mapping(open=False) as table, key=key):
            several = [seconds(facts, one, depth - 1) for one in under_key(table, key)]
            return max((one for one in several if one is not None), default=None)
        case Choice() | ConfigValue():
            found = [
                seconds(facts, one, depth - 1)
                for one in (value.options if isinstance(value, Choice) else facts.followed(value))
                if one is not value
            ]
            known = [one for one in found if one is not None]
            return max(known) if known else None
        case Unknown(parts=(left, right)):
            first, second = seconds(facts, left, depth - 1), seconds(facts, right, depth - 1)
            return first * second if first is not None and second is not None else None
        case _:
            return _number(facts, value)


def _number(facts: SourceFacts, value: Value | None) -> float | None:
    found = [
        float(one)
        for one in plain(facts, value)
        if (isinstance(one, (int, float)) and not isinstance(one, bool))
        or (isinstance(one, str) and one.strip().isdigit())
    ]
    return max(found) if found else None


def _timedelta(facts: SourceFacts, call: Call) -> float | None:
    named = [*zip(_ORDER, call.args, strict=False), *call.keywords]
    if not named:
        return None
    total = 0.0
    for unit, value in named:
        number = _number(facts, value)
        if number is None or unit not in _LONG_UNITS:
            return None
        total += number * _LONG_UNITS[unit]
    return total


def lasting(value: object) -> float | None:
    """The seconds of a lifetime as a running application holds it; infinite for False, None where it is none."""
    if value is False:
        return float("inf")
    total = getattr(value, "total_seconds", None)
    if callable(total):
        return float(str(total()))
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def said_time(length: float) -> str:
    """A lifetime in words."""
    if length == float("inf"):
        return "for ever"
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if length >= 2 * size:
            return f"{length / size:g} {unit}"
    return f"{length:g} seconds"
