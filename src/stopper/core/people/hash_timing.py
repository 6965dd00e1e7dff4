"""Log-ins whose time tells who has an account: a password is hashed for those who exist, and for nobody else (ASVS V6.3.8)."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import checks_password_hash, makes_password_hash
from stopper.core.facts import SourceFacts
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.labels import UNTRUSTED
from stopper.core.place import Span
from stopper.core.values import Call, Choice, Constant, Item, Member, Name, Parameter, Value, is_constant, options, walk

BY_TIME: Final = "a password is hashed only where the account exists, and the time tells which do"
_STANDS_IN: Final = re.compile(r"(?i)dummy|decoy|fake|stand_?in|burn|constant_?time|equali[sz]e")
"""A call that spends the time of a hash for nobody: passlib's ``dummy_verify``, ``burn_a_hash()``."""


def hashed_for_known_alone(index: FunctionIndex, function: str) -> Iterator[Span]:
    """The check of a hash that only a row has which the caller's name found, where nothing else is hashed in its stead."""
    facts = index.facts
    calls = tuple(facts.calls_in(function))
    checks = [call for call in calls if _checks(facts, call)]
    if len(checks) != 1 or any(_spends_as_much(call) for call in calls):
        return
    check = checks[0]
    if any(_may_be_of_nobody(facts, call) for call in facts.calls_in(check.callee) if checks_password_hash(call)):
        return
    beside = [
        name
        for name in index.calling([function], 1)
        if name.rpartition(".")[2] not in (check.method, function.rpartition(".")[2])
    ]
    if any(_spends_as_much(call) or checks_password_hash(call) for name in beside for call in facts.calls_in(name)):
        return
    given = [*check.args, *_named(check), check.receiver]
    if check.span is not None and any(_is_of_a_row(facts, value) for value in given if value is not None):
        yield check.span


def _checks(facts: SourceFacts, call: Call) -> bool:
    """By its name, or as a method of the project that does so: ``person.matches(typed)``."""
    inner = facts.calls_in(call.callee) if call.receiver is not None and facts.function(call.callee) is not None else ()
    return checks_password_hash(call) or any(map(checks_password_hash, inner))


def _spends_as_much(call: Call) -> bool:
    return (makes_password_hash(call) and not checks_password_hash(call)) or _STANDS_IN.search(call.callee) is not None


def _may_be_of_nobody(facts: SourceFacts, check: Call) -> bool:
    """``checkpw(password, stored or DUMMY)`` in a function that is given the hash: where there is none, another takes its place."""
    several = [[one for one in options(value) if not is_constant(one, None)] for value in (*check.args, *_named(check))]
    return any(
        len(ways) > 1
        and any(isinstance(one, (Parameter, Item, Member)) for one in ways)
        and any(isinstance(one, (Call, Name, Constant)) and not _is_looked_up(facts, one) for one in ways)
        for ways in several
    )


def _named(call: Call) -> Iterator[Value]:
    return (value for _, value in call.keywords)


def _is_of_a_row(facts: SourceFacts, value: Value) -> bool:
    """A member of what a look-up by the caller's words gave, or that itself, with nothing to take its place."""
    if facts.derives(value, *UNTRUSTED):
        return False  # the password itself
    met = [one for one in options(value) if not is_constant(one, None)]
    return bool(met) and all(_is_looked_up(facts, one.owner if isinstance(one, (Item, Member)) else one) for one in met)


def _is_looked_up(facts: SourceFacts, value: Value) -> bool:
    if isinstance(value, Choice):
        met = [one for one in value.options if not is_constant(one, None)]
        return bool(met) and all(_is_looked_up(facts, one) for one in met)
    if not isinstance(value, Call) or value.callee.startswith("flask.") or _has_stand_in(value):
        return False
    return any(
        facts.derives(one, *UNTRUSTED) for call in walk(value, 4) if isinstance(call, Call) for one in _given(call)
    )


def _given(call: Call) -> Iterator[Value]:
    yield from call.args
    yield from _named(call)


def _has_stand_in(call: Call) -> bool:
    """``people.get(email, NOBODY)``."""
    return call.method == "get" and len(call.args) > 1 and not is_constant(call.args[1], None)
