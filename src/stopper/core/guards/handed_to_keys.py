"""What an error of a token is handled by: another way in, which asks for nothing that a stranger could not send."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from stopper.core.fact import Handler
from stopper.core.facts import SourceFacts
from stopper.core.keys.api_key_names import is_key_reading
from stopper.core.keys.unjudged_keys import asks_absence
from stopper.core.place import Span
from stopper.core.values import Call, Item, Name, Value, is_constant, options, text_of, walk

_SAYS_WHO: Final = re.compile(
    r"(?i)(?:.*[-_])?(?:user|service|client|account|principal|tenant|subject|member|caller)(?:[-_](?:name|id|email))?"
)
"""Headers by which callers say who they are."""
_OF_TOKENS: Final = re.compile(r"itsdangerous(?:\.\w+)*\.(?:loads|unsign)")
Asks = Callable[[Value], bool]


def handed_to_keys(
    facts: SourceFacts, tokens: Iterable[Handler], trusting: Collection[str], reads_key: Asks
) -> Iterator[Span]:
    """Handlers of a token's error that let in whoever sends a key or a name: *trusting* are the functions that only ask whether one is there."""
    for handler in tokens:
        back = [one.value for one in facts.returns_of(handler.function) if handler.span.holds(one.span)]
        given = [option for value in back for option in options(value)]
        kept = [one.value for one in facts.assignments_in(handler.function) if handler.span.holds(one.span)]
        asked = [option for value in kept for option in options(value)]
        ways = (
            any(_is_of_trusting(facts, one, trusting) for one in (*given, *asked)),
            handler.action == "return" and any(map(_is_name_sent, given)),
            handler.action in ("pass", "go-on", "return") and _only_asks_whether(facts, handler, reads_key),
        )
        if any(ways):
            yield handler.span


def _is_of_trusting(facts: SourceFacts, value: Value, trusting: Collection[str], depth: int = 2) -> bool:
    """A call of one of these, or of a step that gives back what such a call gives."""
    if not isinstance(value, Call) or value.callee in trusting:
        return isinstance(value, Call)
    made = facts.returns_of(value.callee) if depth else ()
    return any(_is_of_trusting(facts, one, trusting, depth - 1) for back in made for one in options(back.value))


def is_of_signed(handler: Handler) -> bool:
    """That a text signed by itsdangerous is read in what it handles."""
    return any(map(_OF_TOKENS.fullmatch, handler.tried))


def _is_name_sent(value: Value) -> bool:
    """``request.headers.get("X-Service-Name")``"""
    return (
        isinstance(value, Item)
        and isinstance(value.owner, Name)
        and value.owner.dotted == "flask.request.headers"
        and _SAYS_WHO.fullmatch(text_of(value.key) or "") is not None
    )


def _only_asks_whether(facts: SourceFacts, handler: Handler, reads_key: Asks) -> bool:
    """``except NoAuthorizationError: if key is None: abort(401)`` and then somebody is said to call: the key itself is asked for nowhere."""
    inside = [one for one in facts.conditions_in(handler.function) if handler.span.holds(one.span)]
    refusing = [one for one in inside if one.refuses]
    if not refusing or not all(asks_absence(one.value, one.negated) and reads_key(one.value) for one in refusing):
        return False
    lets_in = any(
        handler.span.holds(one.span) and one.target.startswith(("g.", "[", "request."))
        for one in facts.assignments_in(handler.function)
    ) or any(
        handler.span.holds(one.span) and not is_constant(one.value, None, False)
        for one in facts.returns_of(handler.function)
        if not any(one.span == other.body for other in refusing)
    )
    return lets_in and not _is_judged(facts, handler)


def _is_judged(facts: SourceFacts, handler: Handler) -> bool:
    """That something in the handler is given the key, or holds it against another."""
    for call in facts.calls_in(handler.function):
        if call.span is not None and handler.span.holds(call.span) and not call.callee.startswith("flask."):
            given = (*call.args, *(value for _, value in call.keywords))
            if any(is_key_reading(part) for value in given for part in walk(value, 6)):
                return True
    return any(
        handler.span.holds(one.span)
        and not any(is_constant(side, None, "") for side in (one.left, one.right))
        and any(is_key_reading(part) for side in (one.left, one.right) for part in walk(side, 6))
        for one in facts.comparisons_in(handler.function)
    )
