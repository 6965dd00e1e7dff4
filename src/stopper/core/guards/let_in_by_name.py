"""Headers that name somebody, whatever the application calls its callers: who is not found by the name is turned away, and nothing else is asked."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.keys.api_key_names import is_key_name
from stopper.core.naming import sensitive
from stopper.core.values import Call, Item, Value, walk

if TYPE_CHECKING:
    from stopper.core.fact import Condition, Reading
    from stopper.core.facts import SourceFacts

_NAMES: Final = re.compile(
    r"x-(?!(?:request|correlation|trace|span|parent|transaction|message|event|delivery|hook|idempotency|session|app|application|client|api|consumer"
    r"|build|version|region|locale|language|site|store|shop|channel|currency|project|workspace|organi[sz]ation|org|team|model|chat|room)-)"
    r"[a-z]+(?:-[a-z]+)?-(?:id|number|no|name|code|login|e?mail)"
)
"""What names one of several; ids of requests and of things are left out."""
_PROVES: Final = re.compile(
    r"(?i)signature|digest|authori[sz]ation|hmac|nonce|otp|password|secret|(?:^|-)(?:key|token|sig|pin)$"
)


def is_let_in_by_name(facts: "SourceFacts", reading: "Reading", name: str) -> bool:
    """``g.device = find(request.headers.get("X-Device-Id"))`` with ``if g.device is None: abort(401)`` below it, and no key, signature or
    token that the same function reads."""
    if _NAMES.fullmatch(name) is None or not reading.function:
        return False
    beside = (one.key for one in facts.readings() if one.function == reading.function)
    if any(is_key_name(key) or sensitive(key) is not None or _PROVES.search(key) for key in beside):
        return False
    return any(_hangs_on(one, reading) for one in facts.conditions_in(reading.function))


def _hangs_on(condition: "Condition", reading: "Reading") -> bool:
    """That whoever is not found by it is refused; that it was sent at all says nothing."""
    return condition.refuses and any(
        isinstance(part, Call) and part.span != reading.span and any(_holds(one, reading) for one in _given(part))
        for part in walk(condition.value, 6)
    )


def _given(call: Call) -> tuple[Value, ...]:
    return (*call.args, *(value for _, value in call.keywords))


def _holds(value: Value, reading: "Reading") -> bool:
    return any(isinstance(part, Item) and part.span == reading.span for part in walk(value, 6))
