"""Exceptions that are caught and never come: a broken constraint, where nothing that was tried writes, or what writes makes another error of it."""

import re
from typing import Final

from stopper.core.fact import Handler
from stopper.core.facts import SourceFacts

_OF_A_CONSTRAINT: Final = re.compile(r"(?:.*\.)?IntegrityError")
_ANY_FAILURE: Final = re.compile(
    r"\*|(?:.*\.)?(?:Exception|BaseException|SQLAlchemyError|DBAPIError|IntegrityError|DatabaseError)"
)
_WRITES: Final = re.compile(
    r"(?i)_*(?:commit|flush|exec\w*|merge|add|add_all|delete\w*|remove|save\w*|bulk\w*|insert\w*|upsert\w*|update\w*|create\w*|begin\w*|get_or_create\w*|store\w*"
    r"|write\w*|put\w*|post\w*|persist\w*|register\w*|setattr|run\w*|process\w*|perform\w*|handle\w*|import\w*)"
)
"""What may write rows. A query writes what was assigned before it, so ``setattr`` is one of these."""


def is_never_raised(facts: SourceFacts, handler: Handler) -> bool:
    """That it waits for a broken constraint alone, and nothing that it tries can bring one."""
    constraint = bool(handler.catches) and all(map(_OF_A_CONSTRAINT.fullmatch, handler.catches))
    known = bool(handler.tried) and "?" not in handler.tried
    return constraint and known and not any(_may_bring_one(facts, one, 4) for one in handler.tried)


def _may_bring_one(facts: SourceFacts, callee: str, depth: int) -> bool:
    """That the function writes, where it does not answer every failure of the database with an error of its own."""
    function = facts.function(callee)
    word = callee.rpartition(".")[2]
    if function is None or not depth:
        return _WRITES.fullmatch(word) is not None
    kept = {
        tried
        for one in facts.handlers_in(callee)
        if any(map(_ANY_FAILURE.fullmatch, one.catches)) and _raises_another(facts, one)
        for tried in one.tried
    }
    heirs = [f"{one.name}.{word}" for one in facts.classes(function.owner)] if function.owner else []
    return any(one not in kept and _may_bring_one(facts, one, depth - 1) for one in function.calls) or any(
        facts.function(one) is not None and _may_bring_one(facts, one, depth - 1) for one in heirs
    )


def _raises_another(facts: SourceFacts, handler: Handler) -> bool:
    """That it swallows what it catches, or makes something else of it."""
    if handler.action != "raise":
        return True
    return any(
        handler.span.holds(one.span) and one.exception and _ANY_FAILURE.fullmatch(one.exception) is None
        for one in facts.raises()
        if one.function == handler.function
    )
