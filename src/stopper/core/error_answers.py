"""Functions that only answer with errors: handlers of them, and what nobody but such handlers calls."""

from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.passing import callers

_STEPS: Final = 4


def answers_errors(facts: SourceFacts, function: str, steps: int = _STEPS) -> bool:
    """That the function is a registered handler of errors, or that every call of it stands in one."""
    if facts.error_handlers_of(function):
        return True
    calls = [call.function for call in callers(facts, function)] if function and steps else []
    return bool(calls) and all(one != function and answers_errors(facts, one, steps - 1) for one in calls)
