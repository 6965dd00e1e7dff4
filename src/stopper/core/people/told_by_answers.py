"""Answers that say by a flag, or by an error that nobody catches, whether somebody has the account that the caller names."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from stopper.core.account_names import checks_password_hash
from stopper.core.answers.reworded_exceptions import reached
from stopper.core.fact import Handler
from stopper.core.facts import SourceFacts
from stopper.core.flow.raising import raised_in
from stopper.core.people.refused_apart import constants, is_row, said_in
from stopper.core.people.taken_accounts import PROOF, finds, is_by_account
from stopper.core.place import Span
from stopper.core.values import Call, Choice, Constant, Item, Truth, Value, parts, text_of, walk

_YES_OR_NO: Final = frozenset({"bool", "len", "int"})
_FAIL_FOR_NOBODY: Final = frozenset({"one", "get", "scalar_one", "get_one"})
"""Look-ups that raise where there is nothing."""
_NOBODY: Final = re.compile(r"(?:.*\.)?(?:\w*DoesNotExist|NoResultFound)")
_NOT_FOUND: Final = 404


def told_by_flag(facts: SourceFacts, name: str, *, of_reset: bool) -> Span | None:
    """``return jsonify(sent=bool(person))``, ``sent=person is not None``; of a reset also what ``if person:`` has set before."""
    given = facts.returns_of(name)
    for one in given:
        if any(_is_of_found(facts, part) for part in _told(one.value, 6)):
            return one.span
    found = [
        one.body
        for one in facts.conditions_in(name)
        if of_reset
        and not one.stops
        and one.body is not None
        and finds(facts, one, somebody=True)
        and is_by_account(one.value)
    ]
    for one in given if found else ():
        for part in walk(one.value, 6):
            said = [each for each in part.options if isinstance(each, Constant)] if isinstance(part, Choice) else []
            there = [each for each in said if each.span is not None and any(body.holds(each.span) for body in found)]
            if 0 < len(there) < len(said) and len({each.value for each in said}) > 1:
                return one.span
    return None


def _told(value: Value, depth: int) -> Iterator[Value]:
    """The value and what it is made of, but not what is only one of several things that have to hold: ``person is not None and person.knows(word)``."""
    if isinstance(value, Choice) and value.every:
        return
    yield value
    for part in parts(value) if depth else ():
        yield from _told(part, depth - 1)


def _is_of_found(facts: SourceFacts, value: Value) -> bool:
    """That the value says yes or no by whether somebody was found, and by nothing else."""
    match value:
        case Call(callee=named, args=(row,)) if named in _YES_OR_NO:
            pass
        case Truth(parts=(row, Constant(value=None))):
            pass
        case _:
            return False
    return is_row(facts, row) and is_by_account(row) and not _is_proven(row)


def _is_proven(row: Value) -> bool:
    """``filter_by(email=…, password=…)``: who finds it knows a secret of the account."""
    return any(isinstance(part, Item) and PROOF.search(text_of(part.key) or "") for part in walk(row, 8))


def told_by_error(facts: SourceFacts, name: str) -> Span | None:
    """``User.get(User.email == address)``, which raises where nobody has it: what catches that answers otherwise than a wrong password or an end."""
    for call in facts.calls_in(name):
        if call.method not in _FAIL_FOR_NOBODY or call.span is None or not is_by_account(call) or _is_proven(call):
            continue
        apart = _answered_otherwise(facts, name)
        wanted = {call.callee, facts.function_around(call.span)}  # what the ``try`` calls may look up
        catching = [one for one in facts.handlers_in(name) if _catches(one)]
        caught = [one for one in catching if wanted & {*one.tried, *reached(facts, one.tried)}]
        for one in caught:
            for span, said in _answers_of(facts, name, one):
                if apart(said):
                    return span
        if not caught and any(
            apart(constants(answer.value))
            for one in facts.error_handlers()
            if _NOBODY.fullmatch(one.what)
            for answer in facts.returns_of(one.function)
        ):
            return call.span
    return None


def _catches(one: Handler) -> bool:
    return any(caught == "*" or _NOBODY.fullmatch(caught) for caught in one.catches)


def _answered_otherwise(facts: SourceFacts, name: str) -> Callable[[tuple[object, ...]], bool]:
    """What tells an answer for nobody from the one for a wrong password; where no password is asked for, from the last one of all."""
    wrong = {
        said
        for one in facts.conditions_in(name)
        if one.stops and one.negated and isinstance(one.value, Call) and _asks_for_proof(one.value)
        for _, said in said_in(facts, name, one)
    }
    if not wrong and not any(map(_asks_for_proof, facts.calls_in(name))):
        given = facts.returns_of(name)
        wrong = {constants(each.value) for each in sorted(given, key=lambda one: one.span.line)[-1:]}
    return lambda said: bool(said) and (said not in wrong if wrong else _NOT_FOUND in said)


def _asks_for_proof(call: Call) -> bool:
    return checks_password_hash(call) or any(map(_is_proven, call.args))


def _answers_of(facts: SourceFacts, name: str, one: Handler) -> Iterator[tuple[Span, tuple[object, ...]]]:
    """What the body of an ``except`` answers with."""
    given = [(each.value, each.span) for each in facts.returns_of(name)]
    given += [(each.value, each.span) for each in raised_in(facts, name) if each.value is not None]
    given += [(call, call.span) for call in facts.calls_in(name) if call.method == "abort" and call.span is not None]
    return ((span, constants(value)) for value, span in given if one.span.holds(span))
