"""Passwords that stand where they are compared, beside no name of an account: ``if request.form["password"] == "…":``."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.account_names import is_password_name, said_name
from stopper.core.flow.labelling import labels_of
from stopper.core.guards.refusals_made import is_refusal
from stopper.core.keys.key_shapes import STANDS_IN
from stopper.core.labels import UNTRUSTED_TEXT
from stopper.core.people.literal_accounts import is_user_name
from stopper.core.values import Call, Constant, Value, is_constant, text_of, walk

if TYPE_CHECKING:
    from stopper.core.fact import Comparison, Condition
    from stopper.core.facts import SourceFacts
    from stopper.core.place import Span

_SHORTEST: Final = 3
_NO_PASSWORD: Final = re.compile(rf"(?i){STANDS_IN}|^[^\w]+$|\s{{2}}")
_JUDGES: Final = re.compile(r"(?i)weak|strong|strength|common|valid|polic|complex|safe|secure|test")
"""Functions that ask whether a password is a good one: the words in them are those that nobody may take."""
_OPENS: Final = re.compile(
    r"flask_login\.login_user|(?:.*\.)?(?:login_user|log_user_in|create_access_token|jwt\.encode)"
)


def words_that_open(facts: "SourceFacts") -> "Iterator[Span]":
    """Where what a caller sent as a password is held against a literal, and lets in whoever knows it."""
    for one in facts.comparisons("==", "!="):
        sent = _held_against_word(one)
        if sent is None or _JUDGES.search(one.function.rpartition(".")[2]) or _names_somebody(facts, one.function):
            continue
        kinds = {label.kind for label in labels_of(facts, sent)}
        if kinds & set(UNTRUSTED_TEXT) and _lets_in(facts, one):
            yield one.span


def _held_against_word(one: "Comparison") -> Value | None:
    for side, other in ((one.left, one.right), (one.right, one.left)):
        word = other.value if isinstance(other, Constant) else None
        written = isinstance(other, Constant) and other.span is not None and one.span.holds(other.span)
        if not isinstance(word, str) or not written or isinstance(side, Constant):
            continue
        if len(word) >= _SHORTEST and not _NO_PASSWORD.search(word) and is_password_name(_name_of(side)):
            return side
    return None


def _name_of(side: Value) -> str:
    """The field's name also where it is asked for: ``request.form.get("password", "")``."""
    asked = text_of(side.args[0]) if isinstance(side, Call) and side.method == "get" and side.args else None
    return asked or said_name(side)


def _names_somebody(facts: "SourceFacts", function: str) -> bool:
    """That a name is held against a literal as well: the two are an account, and another rule tells it."""
    return any(
        is_user_name(_name_of(side)) and isinstance(other, Constant)
        for one in facts.comparisons("==", "!=")
        if one.function == function
        for side, other in ((one.left, one.right), (one.right, one.left))
    )


def _lets_in(facts: "SourceFacts", one: "Comparison") -> bool:
    for asked in facts.conditions_in(one.function):
        if not (asked.span.holds(one.span) or any(part is one.left for part in walk(asked.value, 4))):
            continue  # the second: what a function gives back that is asked here
        if (one.operator == "!=") is not asked.negated:
            return asked.refuses or _says_no(facts, asked)
        return asked.body is not None and _opens(facts, asked)
    return any(back.span.holds(one.span) for back in facts.returns_of(one.function)) and one.operator == "=="


def _says_no(facts: "SourceFacts", asked: "Condition") -> bool:
    """That all which is given back there says that the caller is not let in."""
    body = asked.body
    said = [back.value for back in facts.returns_of(asked.function) if body is not None and body.holds(back.span)]
    return bool(said) and all(is_constant(one, False) or _has_status(one, 401, 403) for one in said)


def _opens(facts: "SourceFacts", asked: "Condition") -> bool:
    """That what stands behind it begins a session, gives a token, says yes, or gives what the rest of the function does not."""
    body = asked.body
    if body is None:
        return False
    if any(
        call.span is not None and body.holds(call.span) and _OPENS.fullmatch(call.callee)
        for call in facts.calls_in(asked.function)
    ):
        return True
    if any(one.function == asked.function and body.holds(one.span) for one in facts.flows("session")):
        return True
    if asked.refuses:  # with all that is left, such as a way to another page
        return False
    returns = facts.returns_of(asked.function)
    inside = [back for back in returns if body.holds(back.span)]
    if any(is_constant(back.value, True) for back in inside):
        return True
    outside = [back for back in returns if not body.holds(back.span)]
    return (
        bool(inside)
        and bool(outside)
        and not any(map(_fails, (one.value for one in inside)))
        and all(_fails(one.value) for one in outside)
    )


def _fails(value: Value) -> bool:
    return is_refusal(value) or _has_status(value, 400, 401, 403, 422)


def _has_status(value: Value, *codes: int) -> bool:
    return any(isinstance(part, Constant) and part.value in codes for part in walk(value, 2))
