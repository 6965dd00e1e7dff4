"""The functions of a project that look at what the caller shows, themselves or through functions that they call."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.fact import Comparison, Condition, Return
from stopper.core.owner_names import OF_ANYBODY
from stopper.core.values import Call, Item, Name, Value, holds_unmet, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_SHOWN: Final = (
    "flask.request.authorization", "flask_login.current_user", "flask_security.current_user", "flask_jwt_extended.current_user",
)  # fmt: skip
_BRINGS: Final = (
    "flask_jwt_extended.verify_jwt_in_request", "flask_jwt_extended.get_jwt", "flask_jwt_extended.get_jwt_identity",
    "flask_jwt_extended.get_current_user",
)  # fmt: skip
_CREDENTIAL: Final = re.compile(
    r"(?i)auth|(?<!idempotency-)(?<!idempotency_)key|token|jwt|user|login|sess|[su]id$|secret|signature|account|principal|identity|bearer"
)
_READ_FROM: Final = ("flask.request.headers", "flask.request.cookies", "flask.session")
_ROUNDS: Final = 4
"""How far what a function finds out is followed to those who call it."""


def askers(facts: "SourceFacts") -> frozenset[str]:
    """Their qualified names."""

    def found() -> frozenset[str]:
        made = {
            one.function
            for one in facts.readings(*_READ_FROM)
            if one.function and _CREDENTIAL.search(one.key) and not OF_ANYBODY.search(one.key)
        }
        made |= {call.function for call in facts.calls(*_BRINGS) if call.function}
        made.update(
            call.function
            for callee in facts.callees()
            if callee.startswith(_SHOWN)
            for call in facts.calls(callee)
            if call.function
        )
        met: dict[int, int] = {}
        asked: list[Condition | Return] = [*facts.conditions(), *facts.returns()] if _may_show(facts) else []
        for one in asked:
            if one.function and one.function not in made and holds_unmet(one.value, _is_shown, met, 5):
                made.add(one.function)
        made |= {one.function for one in facts.comparisons("in", "not in") if one.function and _is_in_session(one)}
        for _ in range(_ROUNDS):
            behind = {call.function for name in made for call in facts.calls(name) if call.function} - made
            if not behind:
                break
            made |= behind
        return frozenset(made)

    return facts.once("functions that look at what the caller shows", found)


def asks_caller(facts: "SourceFacts", value: Value) -> bool:
    """That a value is made of what the caller shows, or of what a function of the project found out about the caller."""
    known = askers(facts)
    return any(
        _is_shown(part)
        or (isinstance(part, Name) and part.dotted.startswith("flask.session"))
        or (isinstance(part, Call) and part.callee in known)
        or (isinstance(part, Item) and _is_credential(part))
        for part in walk(value, 6)
    )


def _may_show(facts: "SourceFacts") -> bool:
    """That anything could be called as what the caller shows is."""
    return facts.says("authorization") or facts.imports("flask_login", "flask_security", "flask_jwt_extended")


def _is_credential(part: Item) -> bool:
    """``request.headers["Authorization"]``"""
    if not isinstance(part.owner, Name) or part.owner.dotted not in _READ_FROM:
        return False
    key = text_of(part.key) or ""
    return _CREDENTIAL.search(key) is not None and OF_ANYBODY.search(key) is None


def _is_in_session(one: Comparison) -> bool:
    """``"user_id" not in session``"""
    return (
        isinstance(one.right, Name)
        and one.right.dotted == "flask.session"
        and _CREDENTIAL.search(text_of(one.left) or "") is not None
    )


def _is_shown(part: Value) -> bool:
    return isinstance(part, Name) and part.dotted.startswith(_SHOWN)
