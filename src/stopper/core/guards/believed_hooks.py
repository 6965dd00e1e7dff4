"""Webhooks that look at their signature, and believe what came whatever they find."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Condition
from stopper.core.facts import SourceFacts
from stopper.core.flow.view_functions import index_of
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    EnvironmentValue,
    Item,
    Truth,
    Value,
    is_constant,
    text_of,
    walk,
)

_INCOMING: Final = re.compile(
    r"(?i)/(?:sms|voice|calls?|whatsapp|telegram|e?mails?)[/_-](?:incoming|inbound|received?|reply|status|events?)/?$|/(?:incoming|inbound)[/_-](?:sms|calls?|mails?|messages?)/?$"
)
"""Where the services that carry messages tell what came."""
_VERIFIES: Final = re.compile(
    r"(?i)(?:^|[._])(?:construct_event|verify\w*|validate\w*|compare_digest|check_signature)$"
)
_IS_CHECK: Final = re.compile(
    r"(?i)verif|validat|signature|authentic|genuine|^(?:is|has|check)_(?:valid|signed|sender)"
)
_REFUSAL: Final = re.compile(r"(?i)signature|invalid|verif|^Exception$|^\*$")
_DIGESTS: Final = re.compile(r"hmac\.|compare_digest|hexdigest")
_SECRET: Final = re.compile(r"(?i)secret|token|(?:^|_)key$")
_MAKES: Final = ("hmac.new", "hmac.digest")


def looks_at_a_proof(facts: SourceFacts, name: str) -> bool:
    """That a function is a check by what it is called or calls, or holds what a header brought against something: its answer says whether
    somebody may be believed. What writes a log or a row says whether it could, and judges nobody."""
    names = index_of(facts).calling([name], 3)
    called = {one for own in names if (known := facts.function(own)) is not None for one in known.calls}
    return (
        any(
            isinstance(part, Call) and _DIGESTS.search(part.callee)
            for one in facts.returns_of(name)
            for part in walk(one.value, 4)
        )
        or any(_IS_CHECK.search(one.rpartition(".")[2]) for one in names)
        or any(_VERIFIES.search(one) or _DIGESTS.search(one) for one in called)
        or any(one.function in names and "headers" in one.source for one in facts.readings())
        or any(
            facts.derives(side, "request-header", "authorization-header")
            for own in names
            for one in facts.comparisons_in(own)
            for side in (one.left, one.right)
        )
    )


def is_incoming(path: str) -> bool:
    """That the path is one at which a service tells of messages and calls."""
    return _INCOMING.search(path) is not None


_OF_MESSAGES: Final = frozenset({"MessageSid", "SmsSid", "CallSid", "SmsMessageSid", "Body", "From"})
"""Fields by which Twilio says what came; one alone is anybody's."""


def tells_of_messages(facts: SourceFacts, view: str) -> bool:
    """``request.form["From"]`` and ``request.form["Body"]``: a service that carries messages asks that view, whatever its path is."""
    read = {one.key for one in facts.readings() if one.function == view}
    return len(read & _OF_MESSAGES) > 1 or any(one.endswith("Sid") for one in read & _OF_MESSAGES)


_EVENTS: Final = re.compile(
    r"(?:charge|invoice|payment_intent|payment_method|checkout\.session|customer|subscription|payout|setup_intent|transfer|account)(?:\.[a-z_]+){1,3}"
    r"|(?:PAYMENT|CHECKOUT|BILLING|CUSTOMER)(?:\.[A-Z_]+){1,3}"
)
"""How Stripe and PayPal call what has happened."""
_TOPICS: Final = frozenset({"x-github-event", "x-gitlab-event", "x-shopify-topic", "x-event-key", "x-paddle-event"})


def tells_of_events(facts: SourceFacts, view: str) -> bool:
    """``if event["type"] == "invoice.paid"``, ``request.headers["X-GitHub-Event"]``, a header with a signature of the body: a service says what has
    happened, whatever the path is."""
    headers = (one.key.lower() for one in facts.readings("flask.request.headers") if one.function == view)
    if any(one in _TOPICS or one.endswith(("-signature", "-signature-256")) for one in headers):
        return True
    return any(
        _EVENTS.fullmatch(text_of(said) or "") is not None and any(isinstance(part, Item) for part in walk(held, 3))
        for one in facts.comparisons_in(view)
        if one.operator in ("==", "!=")
        for said, held in ((one.left, one.right), (one.right, one.left))
    )


def believed_all_the_same(facts: SourceFacts, functions: set[str]) -> Iterator[Span]:
    """Where the failure of the check is caught and the function goes on, or where the right signature is made and held against nothing."""
    for name in sorted(functions):
        for handler in facts.handlers_in(name):
            checked = any(_VERIFIES.search(tried) for tried in handler.tried)
            caught = any(_REFUSAL.search(one.rpartition(".")[2]) for one in handler.catches)
            if handler.action in ("pass", "go-on") and checked and caught:
                yield handler.span
    made = [call for name in sorted(functions) for call in facts.calls_in(name) if call.callee in _MAKES]
    if made and made[0].span is not None and not any(_is_used(facts, functions, call) for call in made):
        yield made[0].span


_NOTES: Final = frozenset(
    {
        "debug",
        "info",
        "warning",
        "warn",
        "error",
        "exception",
        "critical",
        "log",
        "print",
        "capture_message",
        "incr",
        "inc",
    }
)


def noted_and_believed(facts: SourceFacts, functions: set[str]) -> Iterator[Span]:
    """``if not compare_digest(shown, wanted): log.warning("wrong signature")``, and the function goes on as if it were right."""
    for name in sorted(functions):
        asked_here = facts.conditions_in(name)
        for asked in asked_here:
            body = asked.body
            if asked.stops or asked.refuses or body is None or not _was_wrong(facts, asked):
                continue
            within = [call for call in facts.calls_in(name) if call.span is not None and body.holds(call.span)]
            after = [call for call in facts.calls_in(name) if call.span is not None and call.span.line > body.end_line]
            decides = any(
                other.span == asked.span or (other.span.line > asked.span.line and (other.stops or other.refuses))
                for other in asked_here
                if other is not asked
            )
            ends = any(body.holds(one.span) for one in facts.returns_of(name)) or any(
                body.holds(one.span) for one in facts.raises()
            )
            if within and after and not decides and not ends and all(_only_notes(call) for call in within):
                yield asked.span


def _was_wrong(facts: SourceFacts, asked: Condition) -> bool:
    """That a test holds where the proof is not right: ``not compare_digest(…)``, ``hexdigest() != shown``, ``not is_genuine()``."""
    value = asked.value
    if asked.negated:
        return isinstance(value, Call) and (
            _DIGESTS.search(value.callee) is not None
            or (facts.function(value.callee) is not None and looks_at_a_proof(facts, value.callee))
        )
    made = any(isinstance(part, Call) and _DIGESTS.search(part.callee) for part in walk(value, 4))
    return isinstance(value, Truth) and value.differs and made


def _only_notes(call: Call) -> bool:
    return call.method in _NOTES or call.method in ("get", "format") or call.callee.startswith("flask.request.")


def _is_used(facts: SourceFacts, functions: set[str], made: Call) -> bool:
    """That what was made is compared, handed to a function or given back."""
    for name in functions:
        values = [side for one in facts.comparisons_in(name) for side in (one.left, one.right)]
        values += [one.value for one in facts.conditions_in(name)]
        values += [
            value
            for call in facts.calls_in(name)
            if call.callee in facts.callees()
            and (facts.function(call.callee) is not None or _VERIFIES.search(call.callee))
            for value in (*call.args, *(given for _, given in call.keywords))
        ]
        if facts.function(name) is not None and not facts.is_view(name):
            values += [one.value for one in facts.returns_of(name)]
        if any(
            part is made or (isinstance(part, Call) and part.span == made.span)
            for value in values
            for part in walk(value, 8)
        ):
            return True
    return False


def believed_unset(facts: SourceFacts, functions: set[str]) -> Iterator[Span]:
    """``if not SECRET: return True`` in what checks the signature, ``if SECRET and not right: abort``, and ``if SECRET:`` around the check."""
    for name in sorted(functions):
        digests = [call.span for call in facts.calls_in(name) if _DIGESTS.search(call.callee) and call.span is not None]
        for asked in facts.conditions_in(name) if digests else ():
            body, value = asked.body, asked.value
            if asked.negated and _is_kept_secret(value):
                given = [one for one in facts.returns_of(name) if body is not None and body.holds(one.span)]
                yield from (one.span for one in given if is_constant(one.value, True))
            elif (
                isinstance(value, Choice) and value.every and asked.refuses and any(map(_is_kept_secret, value.options))
            ):
                yield asked.span
            elif _is_kept_secret(value) and body is not None and all(map(body.holds, digests)):
                elsewhere = [one for one in facts.conditions_in(name) if not body.holds(one.span)]
                closed = any(one.refuses or (one.negated and one.stops and one.value == value) for one in elsewhere)
                yield from () if closed else (asked.span,)


def _is_kept_secret(value: Value) -> bool:
    """A secret of the settings, which may not be set."""
    kept = (
        value.variable if isinstance(value, EnvironmentValue) else value.key if isinstance(value, ConfigValue) else ""
    )
    return _SECRET.search(kept) is not None
