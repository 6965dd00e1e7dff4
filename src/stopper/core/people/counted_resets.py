"""Links and codes of resets that are the number of a row: ``f"https://…/reset/{row.id}"``, of which the next one is known."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Format, Member, Value, text_of

_SENDS: Final = re.compile(r"(?i)mail|send|notify|deliver|smtp|Message")
_SAYS: Final = re.compile(
    r"(?i)(?:reset|recover\w*|code|token|restore)\W[^\s{]*$|(?:reset|recovery|your) code (?:is|:)\W*$"
)
"""What stands right before the part of a text that opens the account."""
_NUMBER: Final = frozenset({"id", "pk"})


def counted_resets(facts: SourceFacts, functions: Iterable[str]) -> Iterator[Span]:
    """Where such a text is sent, in what asks for a reset."""
    for name in functions:
        for call in facts.calls_in(name):
            given = (*call.args, *(value for _, value in call.keywords))
            if call.span is not None and _SENDS.search(call.method) and any(map(_is_counted, given)):
                yield call.span


def _is_counted(value: Value) -> bool:
    """That the number is all of it which is no literal: beside a drawn token it only says whose it is."""
    if not isinstance(value, Format):
        return False
    filled = [part for part in value.parts if not isinstance(part, Constant)]
    if len(filled) != 1 or not _is_number(filled[0]):
        return False
    before = value.parts[: value.parts.index(filled[0])]
    return _SAYS.search("".join(text_of(part) or "" for part in before)) is not None


def _is_number(value: Value) -> bool:
    if isinstance(value, Call) and value.callee == "str" and value.args:
        return _is_number(value.args[0])
    return isinstance(value, Member) and value.attribute in _NUMBER
