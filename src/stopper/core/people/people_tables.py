"""Models, tables and collections of people by what they are called."""

import re
from typing import Final

from stopper.core.values import Call, Name, walk

_OF_SOMEBODY: Final = re.compile(
    r"(?i)(?:^|_)(?:users?|accounts?|customers?|members?|persons?|people|employees?|students?|patients?|clients?|log_?ins?|drivers?|players?)$"
)
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def is_of_people(kind: str) -> bool:
    """That a model, a table or a collection of that name holds people."""
    return _OF_SOMEBODY.search(_HUMP.sub("_", kind)) is not None


def kind_of_query(call: Call) -> str:
    """``User`` of ``User.query.filter_by`` and of ``session.get(User, …)``, ``users`` of ``db.users.find_one``."""
    first = call.args[0] if call.args else None
    if call.method == "get" and isinstance(first, Name) and len(call.args) > 1:
        return first.dotted.rpartition(".")[2]
    words = call.callee.removesuffix(f".{call.method}").removesuffix(".query").rpartition(".")[2]
    if words != "?":
        return words
    return next((one.dotted.rpartition(".")[2] for one in walk(call.receiver, 3) if isinstance(one, Name)), "")
