"""Functions that only answer with errors: handlers of them, and what nobody but such handlers calls."""

import re
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.passing import callers

_STEPS: Final = 4
_NAMED: Final = re.compile(r"(?i)(?:^|_)(?:error|exception)_handler$|^handle_(?:\w+_)?(?:error|exception)$")
"""What a library is told by a setting to answer errors with is called so."""


def answers_errors(facts: SourceFacts, function: str, steps: int = _STEPS) -> bool:
    """That the function is a registered handler of errors, or that every call of it stands in one."""
    if facts.error_handlers_of(function) or _NAMED.search(function.rpartition(".")[2]):
        return True
    calls = [call.function for call in callers(facts, function)] if function and steps else []
    return bool(calls) and all(one != function and answers_errors(facts, one, steps - 1) for one in calls)
