"""Checks of the old password that only whoever sends one meets."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.values import Call, Choice, Constant, Item, Truth, Value, options, text_of, walk

if TYPE_CHECKING:
    from stopper.core.fact import Condition
    from stopper.core.facts import SourceFacts
    from stopper.core.place import Span

_OLD_KEY: Final = re.compile(r"(?i)^(?:old|current|existing|present|previous|original)")
_NEW: Final = re.compile(
    r"(?i)set_password|generate_password_hash|hashpw|hash(?:_password)?|(?:change|update|make|encrypt)_password"
)


def is_optional(facts: "SourceFacts", name: str, check: Call) -> bool:
    """``if "current" in data and not check(…)``, ``if old: …`` around it and the new one set below: who leaves it out is not asked."""
    span = check.span
    if span is None:
        return False
    around = [one for one in facts.conditions_in(name) if one.span.holds(span) or _asks(one.value, span)]
    if around and all(any(_asks_whether_sent(test, one) for test in _tests(one)) for one in around):
        return True
    return any(
        one.body is not None
        and one.body.holds(span)
        and any(_asks_whether_sent(test, one) for test in _tests(one))
        and _is_set_outside(facts, name, one.body)
        for one in facts.conditions_in(name)
    )


def _asks(test: Value, check: "Span") -> bool:
    """A test that was given a name before: ``wrong = old and not check(old)``."""
    return any(isinstance(part, Call) and part.span == check for part in walk(test, 3))


def _tests(one: "Condition") -> tuple[Value, ...]:
    """What all has to hold for the body to run: ``not (a or b)`` wants none, and ``a or b`` wants neither of the two."""
    if not isinstance(one.value, Choice):
        return (one.value,)
    return tuple(options(one.value)) if one.value.every or one.negated else ()


def _asks_whether_sent(value: Value, one: "Condition") -> bool:
    match value:
        case Truth(parts=(Constant(value=str(key)), _)):
            return value.differs is one.negated and _OLD_KEY.search(key) is not None
        case Truth(parts=(Item() as sent, Constant(value=None | ""))):
            return value.differs is not one.negated and _is_old(sent)
        case Item():
            return not one.negated and _is_old(value)
        case _:
            return False


def _is_old(sent: Item) -> bool:
    return _OLD_KEY.search(text_of(sent.key) or "") is not None


def _is_set_outside(facts: "SourceFacts", name: str, body: "Span") -> bool:
    """That the new password is made elsewhere than in the body that checks."""
    made = [call.span for call in facts.calls_in(name) if _NEW.fullmatch(call.method) and call.span is not None]
    return bool(made) and not any(body.holds(span) for span in made)
