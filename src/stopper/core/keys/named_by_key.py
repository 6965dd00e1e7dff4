"""Whose a request is by a part of the key that was sent, which nobody looked at."""

from collections.abc import Callable
from typing import Final

from stopper.core.fact import Handler
from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Item, Value

_OF_TEXTS: Final = frozenset({"split", "partition", "rpartition", "strip", "lower", "upper", "removeprefix"})


def names_by_the_key(facts: SourceFacts, handler: Handler, is_key: Callable[[Value], bool]) -> bool:
    """``except PyJWTError: g.team = request.headers["X-API-Key"].split("-")[0]``"""
    inside = [one for one in facts.assignments_in(handler.function) if handler.span.holds(one.span)]
    return any(one.target.startswith(("g.", "flask.g.", "session[")) and _is_piece(one.value, is_key) for one in inside)


def _is_piece(value: Value, is_key: Callable[[Value], bool]) -> bool:
    """That it is the key as it was sent, or a piece of its text."""
    while not is_key(value):
        if isinstance(value, Item):
            value = value.owner
        elif isinstance(value, Call) and value.method in _OF_TEXTS and value.receiver is not None:
            value = value.receiver
        else:
            return False
    return True
