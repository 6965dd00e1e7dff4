"""Whether a value from a request was held against something before it is used: a list, a pattern, a check of the project."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Item, Member, Parameter, Value, text_of, walk

Origin = tuple[str, object]
_CHECKS: Final = re.compile(
    r"(?i)isdigit|isalnum|isalpha|isidentifier|isnumeric|isdecimal|isinstance|match|fullmatch|endswith|hasattr|"
    r"\w*(valid|safe|allow|check|verify|permit|known|whitelist|accept|trust|local)\w*|is_\w+"
)
_PARSED: Final = frozenset({"netloc", "hostname", "host", "scheme"})


def origins(value: Value | None) -> frozenset[Origin]:
    """What of the request, or of the parameters of its function, a value is made of, by where it is read."""
    return frozenset(_origins(value))


def _origins(value: Value | None) -> Iterator[Origin]:
    for part in walk(value):
        if isinstance(part, Item) and part.span is not None:
            yield ("read", _place(part.span))
        elif isinstance(part, Parameter):
            yield ("parameter", (part.function, part.parameter))


def _place(span: Span) -> tuple[str, int, int]:
    return (span.path, span.line, span.column)


def is_checked(facts: SourceFacts, value: Value, function: str, *, prefix_counts: bool = False) -> bool:
    """That the function holds a part of *value* against a list, a pattern, a type or a check whose name says that it is one.

    That the value is there at all, or is not empty, is no check. ``prefix_counts`` takes ``startswith`` for one too.
    """
    mine = origins(value)
    if not mine:
        return False
    for one in facts.comparisons():
        if one.function == function and _holds_against(one.operator, one.left, one.right, mine):
            return True
    return any(
        (isinstance(part, Call) and _is_check(part, prefix_counts) and bool(mine & origins(part)))
        or (isinstance(part, Member) and part.attribute in _PARSED and bool(mine & origins(part.owner)))
        for condition in facts.conditions()
        if condition.function == function
        for part in walk(condition.value)
    )


def _holds_against(operator: str, left: Value, right: Value, mine: frozenset[Origin]) -> bool:
    if operator in ("in", "not in"):
        return not isinstance(left, Constant) and bool(mine & origins(left)) and not mine & origins(right)
    if operator not in ("==", "!="):
        return False
    return any(
        isinstance(part, Member) and part.attribute in _PARSED and mine & origins(part.owner)
        for side in (left, right)
        for part in walk(side)
    )


def _is_check(call: Call, prefix_counts: bool) -> bool:
    if call.method == "startswith":
        said = text_of(call.argument(0))
        return prefix_counts or (said is not None and said not in ("/", "http"))
    return bool(_CHECKS.fullmatch(call.method))
