"""Roles that a schema of the project lets callers send, where all its fields are written into a row."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stopper.core.flow.body_models import class_of, classes_by_name
from stopper.core.guards.reached_by_admins import is_reached_by_admins
from stopper.core.owner_names import ROLE
from stopper.core.place import Span
from stopper.core.values import Call, Parameter, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_DUMPS = frozenset({"model_dump", "dict", "asdict", "items"})


def poured_roles(facts: "SourceFacts") -> Iterator[tuple[Span, str]]:
    """The place, and what is wrong there, where it is no administrator who sends it."""
    for span, function, key in _poured(facts):
        if not is_reached_by_admins(facts, function):
            yield span, f"the account gets the `{key}` that the caller sends"


def _poured(facts: "SourceFacts") -> Iterator[tuple[Span, str, str]]:
    """The place, the function and the field: ``for name, value in body.model_dump().items(): setattr(member, name, value)``."""
    for call in facts.calls("setattr"):
        if len(call.args) == 3 and call.span is not None and not _is_plain(call.args[1]):
            for key in _roles_of(facts, call.args[2]):
                yield call.span, call.function, key
    for call in facts.calls():
        for name, spread in call.keywords:
            dumped = name == "**" and isinstance(spread, Call) and spread.method in _DUMPS
            if dumped and call.span is not None and call.method[:1].isupper():
                for key in _roles_of(facts, spread):
                    yield call.span, call.function, key


def _is_plain(value: Value) -> bool:
    return not isinstance(value, (Call, Parameter)) and not any(isinstance(one, Call) for one in walk(value, 4))


def _roles_of(facts: "SourceFacts", value: Value) -> Iterator[str]:
    """The fields called like a role of the schema that what the caller sent was read by."""
    for part in walk(value, 8):
        made = class_of(facts, part) if isinstance(part, Parameter) and part.typed else None
        known = classes_by_name(facts).get(made) if made is not None else None
        if known is not None:
            yield from (name for name in {**known.fields, **known.attributes} if ROLE.search(name))
            return
