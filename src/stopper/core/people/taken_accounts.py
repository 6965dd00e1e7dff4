"""Registrations that refuse an address because somebody has it, and resets that answer otherwise where nobody has it, whatever words they say it in."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Condition
from stopper.core.facts import SourceFacts
from stopper.core.people.refused_apart import constants, is_row, said_in
from stopper.core.place import Span
from stopper.core.values import Item, Truth, Value, is_constant, text_of, walk

_MAIL: Final = re.compile(r"(?i)(?:user_?)?e?-?mail(?:_?address)?")
_ACCOUNT: Final = re.compile(rf"{_MAIL.pattern}|user_?name|login(?:_?name)?|phone(?:_?number)?")
PROOF: Final = re.compile(r"(?i)token|code|otp|pin$|answer|passw|pwd|key|signature")
"""What whoever asks for a reset does not send, and whoever redeems one does."""
_CONFLICT: Final = 409


def refused_as_taken(facts: SourceFacts, name: str) -> Iterator[Span]:
    """``if row_of(email) is not None: return jsonify(…), 409``"""
    for one in facts.conditions_in(name):
        found = one.stops and one.body is not None and finds(facts, one, somebody=True)
        if found and _is_by(_MAIL, one.value):
            yield from (span for span, said in said_in(facts, name, one) if _CONFLICT in said)


def answered_apart(facts: SourceFacts, name: str) -> Span | None:
    """``if row_of(email): …; return jsonify(sent=True)`` with ``return jsonify(sent=False)`` behind it, where a reset is asked for."""
    given = facts.returns_of(name)
    if len(given) < 2 or any(one.function == name and PROOF.search(one.key) for one in facts.readings()):
        return None
    last = max(given, key=lambda one: one.span.line)
    for one in facts.conditions_in(name):
        if not one.stops or one.body is None or one.body.holds(last.span) or not is_by_account(one.value):
            continue
        if finds(facts, one, somebody=True) or finds(facts, one, somebody=False):
            said = list(said_in(facts, name, one))
            end = constants(last.value)
            if said and end and said[-1][1] and all(each != end for _, each in said):
                return last.span
    return None


def finds(facts: SourceFacts, one: Condition, *, somebody: bool) -> bool:
    """That a test holds where somebody was looked up and found; with *somebody* false, where nobody was."""
    value = one.value
    if not isinstance(value, Truth):
        return one.negated is not somebody and is_row(facts, value)
    rows = [part for part in value.parts if not is_constant(part, None)]
    there = (one.negated is not value.differs) is somebody
    return there and len(rows) == len(value.parts) - 1 == 1 and is_row(facts, rows[0])


def is_by_account(value: Value) -> bool:
    """That it is looked up by whom an account is of, as the caller wrote it."""
    return _is_by(_ACCOUNT, value)


def _is_by(name: re.Pattern[str], value: Value) -> bool:
    return any(isinstance(part, Item) and name.fullmatch(text_of(part.key) or "") for part in walk(value, 8))
