"""What a look-up in a store finds: the methods that give one row, and what is taken out of such a row."""

import re
from typing import Final

from stopper.core.values import Call, Item, Member, Truth, Value, is_constant, text_of, walk

MAY_FIND: Final = frozenset(
    {"first", "one_or_none", "scalar", "scalar_one_or_none", "find_one", "fetchone", "get_or_none"}
)
"""What gives one row, or None where there is none."""
FINDS: Final = MAY_FIND | {"one", "first_or_404", "get_or_404", "one_or_404", "fetchrow", "fetch_one"}
"""What gives one row, whatever it does where there is none."""
_SELECTS: Final = re.compile(r"(?i)\s*select\s")


def is_found(value: Value) -> bool:
    """A row, several rows, or a column or member of one, whatever it was asked by."""
    while isinstance(value, (Item, Member)):
        value = value.owner
    return isinstance(value, Call) and (value.method in FINDS or value.method == "fetchall")


def asks_whether_found(asked: Value) -> bool:
    """Whether a row was found is all that is asked: ``row is None``."""
    rows = asked.parts if isinstance(asked, Truth) else (asked,)
    found = [one for one in rows if not is_constant(one, None)]
    return len(found) == 1 and isinstance(found[0], Call) and any(map(_reads_rows, walk(found[0], 4)))


def _reads_rows(part: Value) -> bool:
    return (isinstance(part, Call) and part.method in MAY_FIND) or _SELECTS.match(text_of(part) or "") is not None
