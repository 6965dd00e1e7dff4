"""What is asked of the caller about a thing, and what is only said of the thing that was found."""

import re
from collections.abc import Container
from typing import Final

from stopper.core.owner_names import WHO
from stopper.core.values import Call, Member, Value

_OF_CALLER: Final = re.compile(r"(?:is|has|owns|follows|likes|joined)(?:_|$)")
_CHAINED: Final = frozenset(
    {"with_parent", "order_by", "join", "options", "paginate", "offset", "exists", "desc", "asc"}
)
"""What a query is told on its way."""


def is_asked_of_caller(call: Call) -> bool:
    """``current_user.is_collecting(photo)``: a method of whoever is calling, about the thing."""
    owner, _, word = call.callee.rpartition(".")
    return bool(call.args) and _OF_CALLER.match(word) is not None and WHO.search(owner) is not None


def not_of_found(call: Call, held: list[Value], queries: Container[str]) -> list[Value]:
    """What a call holds, for a query without what is only said of the thing that was found: ``Photo.query.with_parent(photo.author)``."""
    if call.method not in queries and call.method not in _CHAINED:
        return held
    return [
        part
        for part in held
        if not (isinstance(part, Member) and isinstance(part.owner, Call) and part.owner.method in queries)
    ]
