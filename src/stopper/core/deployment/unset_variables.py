"""Which tests of the environment hold where nobody sets anything."""

import re
from collections.abc import Mapping
from typing import Final

from stopper.core.values import (
    Choice,
    Constant,
    EnvironmentValue,
    Item,
    Name,
    Parameter,
    Truth,
    Value,
    is_constant,
    walk,
)

_SAY_NO: Final = ("0", "false", "no", "off")


def holds_unset(value: Value, switches: re.Pattern[str]) -> bool:
    """``"TRACE" not in os.environ or os.environ["TRACE"] != "0"``: it holds where nobody says anything. A variable whose name is one of
    *switches*, which is left out for a purpose, says nothing."""
    match value:
        case Choice(options=options, every=False):
            return any(holds_unset(one, switches) for one in options)
        case Choice(options=options):
            return all(holds_unset(one, switches) for one in options)
        case Truth(parts=(Constant(value=str(name)), Name(dotted="os.environ")), differs=True):
            return switches.search(name) is None
        case Truth(parts=(EnvironmentValue(variable=name, default=default), Constant(value=said)), differs=True):
            return (
                said in _SAY_NO
                and default is not None
                and not is_constant(default, said)
                and switches.search(name) is None
            )
        case _:
            return False


def is_unset(value: Value, switches: re.Pattern[str]) -> bool:
    """A variable that nothing is told to stand in for. One whose name is one of *switches* says what this is for."""
    return (
        isinstance(value, EnvironmentValue)
        and (value.default is None or is_constant(value.default, None, "", False))
        and switches.search(value.variable) is None
    )


def literal_words(value: Value) -> set[str]:
    return {str(one.value).lower() for one in walk(value) if isinstance(one, Constant)}


def default_text(value: Value, told: Mapping[str, Value]) -> str | None:
    """What a variable of the environment is as long as nobody sets it."""
    for one in walk(value, 4):
        if isinstance(one, EnvironmentValue) or (
            isinstance(one, Item) and isinstance(one.owner, Name) and one.owner.dotted == "os.environ"
        ):
            default = told.get(one.default.parameter) if isinstance(one.default, Parameter) else one.default
            return str(default.value).lower() if isinstance(default, Constant) else None
    return None


def is_none_unless_set(value: Value | None) -> bool:
    """``float(LONGEST) if LONGEST else None`` and ``int(environ.get("MOST", 0)) or None``: nothing, as long as nobody sets the variable."""
    if not isinstance(value, Choice) or value.every or not any(is_constant(one, None) for one in value.options):
        return False
    others = [one for one in value.options if not is_constant(one, None)]
    return all(any(map(_is_nothing_unset, walk(one, 3))) for one in others)


def _is_nothing_unset(value: Value) -> bool:
    return isinstance(value, EnvironmentValue) and is_constant(value.default, None, "", "0", 0)
