"""Rights that code makes up for a caller whom no token names."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Handler
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Item,
    Mapping,
    Parameter,
    Sequence,
    Truth,
    Value,
    is_constant,
    text_of,
    walk,
)

_RIGHTS: Final = re.compile(r"(?i)^(?:scopes?|roles?|permissions?|groups?|is_\w+|admin|level|plan)$")
_WHO: Final = re.compile(r"(?i)^(?:sub|user|user_?id|uid|id|name|user_?name|e?mail)$")
_HANDLES: Final = frozenset({"jti", "sid", "session_id"})
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


def passes_as_made_up(facts: SourceFacts, handler: Handler) -> bool:
    """``claims = {"sub": "guest", "jti": ""}`` in the handler, or above the ``try`` and left as it is, where each refusal behind it lets that on:
    it wants what is written there, or looks for a handle that nobody has ended."""
    line = handler.span.line
    behind = [one for one in facts.conditions_in(handler.function) if one.refuses and one.span.line > line]
    own = facts.function(facts.function_around(handler.span))
    written = {
        id(part): part
        for one in behind
        for part in walk(one.value, 6)
        if isinstance(part, Mapping) and part.span is not None and own is not None and own.span.holds(part.span)
    }
    made = [one for one in written.values() if one.span is not None and one.span.line <= handler.span.end_line]
    return any(
        any(_WHO.match(name) and _is_said(one.get(name)) for name in one.keys())  # noqa: SIM118
        and all(_lets_on(each.value, each.negated, one) for each in behind)
        for one in made
    )


def _is_said(value: Value | None) -> bool:
    return value is not None and not is_constant(value, None, "", False)


def _lets_on(asked: Value, negated: bool, made: Mapping) -> bool:
    """That a refusal does not hold for what is written there; what else it may ask, nobody knows."""
    if isinstance(asked, Choice) and not asked.every and not negated:
        return all(_lets_on(one, False, made) for one in asked.options)
    read = [part for part in walk(asked, 8) if made.get(_member(part)) is not None]
    if not read:
        return False
    if all(_member(one) in _HANDLES for one in read):
        return not negated and any(isinstance(part, Call) for part in walk(asked, 2))
    if not isinstance(asked, Truth) or len(asked.parts) != 2:
        return False
    said = made.get(_member(read[0]))
    if asked.parts[0] is not read[0]:
        return _has(said, asked.parts) and asked.differs is not negated
    wanted = asked.parts[1]
    known = wanted.plain() if isinstance(wanted, Sequence) else (wanted.value,) if isinstance(wanted, Constant) else ()
    return isinstance(said, Constant) and bool(known) and ((said.value in known) is asked.differs) is not negated


def _member(part: Value) -> str:
    """The name in ``claims["scope"]`` and ``claims.get("scope")``."""
    key = (
        part.key
        if isinstance(part, Item)
        else part.args[0]
        if isinstance(part, Call) and part.method == "get" and part.args
        else None
    )
    return text_of(key) or ""


def _has(said: Value | None, asked: tuple[Value, ...]) -> bool:
    """``scope not in claims["scope"].split()``, where the scope that is wanted stands there."""
    wanted, inside = asked
    if not isinstance(wanted, (Constant, Parameter)) or (
        isinstance(inside, Call) and inside.method not in ("split", "get")
    ):
        return False
    words = text_of(said)
    return said == wanted or (words is not None and (text_of(wanted) or "?") in words.split())


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
