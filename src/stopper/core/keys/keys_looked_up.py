"""Keys whatever they are called: what is handed to ``client_by_key(…)`` by a function that turns callers away."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.guards.refusals_made import is_refusal
from stopper.core.values import Call, Value, is_constant

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_LOOKS_UP: Final = re.compile(
    r"(?i)_*(?:\w+_)?(?:by|for|from|with)_(?:api_?)?key|_*(?:is_)?(?:check|verify|validate|valid|authenticate|authori[sz]e|resolve|known|accept)_(?:\w+_)?key"
    r"|_*(?:api_?)?key_(?:owner|is_valid|is_known|ok|valid)"
)


def keys_looked_up(facts: "SourceFacts") -> Iterator[tuple[Call, Value]]:
    """Each such call with what it is given, where the function around it answers 401 or 403."""
    names = [callee for callee in facts.callees() if _LOOKS_UP.fullmatch(callee.rpartition(".")[2])]
    for call in facts.calls(*names) if names else ():
        if call.args and turns_away(facts, call.function):
            yield call, call.args[0]


def turns_away(facts: "SourceFacts", function: str) -> bool:
    """That the function answers 401 or 403 somewhere."""
    return any(is_refusal(one.value) for one in facts.returns_of(function)) or any(
        call.method == "abort" and any(is_constant(said, 401, 403) for said in call.args[:1])
        for call in facts.calls_in(function)
    )
