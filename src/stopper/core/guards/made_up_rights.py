"""Rights that code makes up for a caller whom no token names."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Handler
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.values import Call, Constant, Mapping, Parameter, Sequence, Value, is_constant, text_of

_RIGHTS: Final = re.compile(r"(?i)^(?:scopes?|roles?|permissions?|groups?|is_\w+|admin|level|plan)$")
_NOBODYS: Final = ("guest", "visitor", "public", "viewer", "unknown")
"""Roles of those who are nobody, which code behind asks about."""


def makes_up_rights(facts: SourceFacts, handler: Handler) -> bool:
    """``g.claims = {"sub": "guest", "scope": "orders:read"}`` in the handler: a bad token is given rights of its own."""
    return any(
        handler.span.holds(one.span)
        and isinstance(one.value, Mapping)
        and any(_RIGHTS.search(text_of(key) or "") and _grants(held) for key, held in one.value.items)
        for one in facts.assignments_in(handler.function)
    )


def is_made_up(facts: SourceFacts, made: Call) -> bool:
    """``return Account(scopes=["orders:read"])``: somebody who has rights and whom no token names."""
    given = [one.value for one in facts.returns_of(made.callee)]
    if len(given) == 1 and isinstance(given[0], Call) and made.callee not in classes_by_name(facts):
        made = given[0]  # a step of its own
    if made.callee not in classes_by_name(facts):
        return False
    return any(_RIGHTS.search(name) and _grants(value) for name, value in made.keywords) or (
        not made.open and any(_grants(value) for value in _rights_by_default(facts, made))
    )


def _rights_by_default(facts: SourceFacts, made: Call) -> Iterator[Value]:
    """What ``Account()`` may do because nothing is said: ``def __init__(self, sub=None, role="customer")``."""
    for one in facts.assignments_in(f"{made.callee}.__init__"):
        value = one.value
        if not isinstance(value, Parameter) or value.default is None or not _RIGHTS.search(one.attribute):
            continue
        if made.argument(value.index - 1, value.parameter) is None and not is_constant(value.default, *_NOBODYS):
            yield value.default
    known = classes_by_name(facts)[made.callee]
    for place, name in enumerate(known.fields if "__init__" not in known.methods else ()):
        held = known.attributes.get(name) if _RIGHTS.search(name) else None
        if isinstance(held, Constant) and made.argument(place, name) is None and not is_constant(held, *_NOBODYS):
            yield held


def _grants(value: Value) -> bool:
    if isinstance(value, Sequence):
        return bool(value.items)
    return isinstance(value, Constant) and bool(value.value) and value.value not in ("anonymous", "none", "nobody")
