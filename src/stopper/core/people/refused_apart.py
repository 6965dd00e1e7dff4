"""A log-in that answers one way where nobody has the name, and another way where the password is wrong."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import checks_password_hash
from stopper.core.fact import Condition
from stopper.core.facts import SourceFacts
from stopper.core.flow.raising import raised_in
from stopper.core.place import Span
from stopper.core.stores.found_rows import MAY_FIND
from stopper.core.values import Call, Constant, Truth, Value, is_constant, options, walk


def refused_apart(facts: SourceFacts, name: str) -> Span | None:
    """The answer for a name that nobody has, where that for a wrong password is another one."""
    if not any(map(checks_password_hash, facts.calls_in(name))):
        return None
    asked = [one for one in facts.conditions_in(name) if one.stops and one.body is not None]
    nobody = [one for one in asked if _finds_nobody(facts, one)]
    wrong = [one for one in asked if one.negated and _checks(one.value)]
    for one in nobody:
        said = list(said_in(facts, name, one))
        other = {constants for each in wrong for _, constants in said_in(facts, name, each)}
        if said and other and all(constants not in other for _, constants in said):
            return said[0][0]
    return None


def _finds_nobody(facts: SourceFacts, one: Condition) -> bool:
    """``if not account``, ``if account is None``, of a row that was looked up; a test of a password beside it is about both."""
    value = one.value
    if isinstance(value, Truth):
        rows = [part for part in value.parts if not is_constant(part, None)]
        return one.negated is value.differs and len(rows) == len(value.parts) - 1 == 1 and is_row(facts, rows[0])
    return one.negated and is_row(facts, value)


def is_row(facts: SourceFacts, value: Value) -> bool:
    """What one look-up or another gave, and nothing else."""
    several = list(options(value))
    return bool(several) and all(isinstance(one, Call) and _reads_rows(facts, one) for one in several)


def _reads_rows(facts: SourceFacts, call: Call) -> bool:
    """By a method of a query, or by a function of the project that is called so: ``find_account(email)``."""
    if checks_password_hash(call):
        return False
    own = facts.function(call.callee) is not None and _FINDS.search(call.method) is not None
    return own or any(isinstance(part, Call) and part.method in MAY_FIND for part in walk(call, 3))


_FINDS: Final = re.compile(r"(?i)^(?:find|get|load|fetch|look_?up|select|query)(?:_|$)|_by_")


def _checks(value: Value) -> bool:
    return isinstance(value, Call) and checks_password_hash(value)


def said_in(facts: SourceFacts, name: str, one: Condition) -> Iterator[tuple[Span, tuple[object, ...]]]:
    """What the body of an ``if`` answers with: the texts and numbers of what it returns, raises or gives to an abort."""
    body = one.body
    given = [(each.value, each.span) for each in facts.returns_of(name)]
    given += [(each.value, each.span) for each in raised_in(facts, name) if each.value is not None]
    given += [(call, call.span) for call in facts.calls_in(name) if call.method == "abort" and call.span is not None]
    for value, span in given:
        if body is not None and body.holds(span):
            yield span, constants(value)


def constants(value: Value) -> tuple[object, ...]:
    """The texts and numbers of an answer."""
    return tuple(part.value for part in walk(value, 6) if isinstance(part, Constant))
