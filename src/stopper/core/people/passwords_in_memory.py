"""Passwords that a registration keeps in a list or a dict as they were typed: ``users[name] = password``, ``users.append({…})``."""

from collections.abc import Callable, Iterator
from typing import Final

from stopper.core.account_names import REGISTERS, is_password_name
from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import Mapping, Value, text_of

_UNDER_A_NAME: Final = "[]"
"""What an item of a container is assigned to whose key is no literal."""


def kept_in_memory(facts: SourceFacts, is_typed: Callable[[Value], bool]) -> Iterator[Span]:
    """The places where something is put into a container, in a view that registers people by its name or path."""
    for one in facts.assignments():
        if (
            one.target == _UNDER_A_NAME
            and one.function
            and _registers(facts, one.function)
            and _holds(one.value, is_typed)
        ):
            yield one.span
    for call in facts.calls("*.append", "*.insert", "*.add"):
        given = call.args[-1] if call.args else None
        if isinstance(given, Mapping) and call.span and _registers(facts, call.function) and _holds(given, is_typed):
            yield call.span


def _holds(value: Value, is_typed: Callable[[Value], bool]) -> bool:
    if isinstance(value, Mapping):
        return any(is_password_name(text_of(key) or "") and is_typed(held) for key, held in value.items)
    return is_typed(value)


def _registers(facts: SourceFacts, function: str) -> bool:
    return REGISTERS.search(function.rpartition(".")[2]) is not None or any(
        REGISTERS.search(route.path) for route in facts.routes_of_view(function)
    )
