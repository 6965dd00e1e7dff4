"""Secrets that no name and no label tells: what was drawn at random under a text that says what it is, and answers that hold a token."""

import re
from typing import Final

from stopper.core.answers.shown_as_text import shown_in
from stopper.core.deployment.server_addresses import is_server_address
from stopper.core.fact import Condition, Flow
from stopper.core.facts import SourceFacts
from stopper.core.flow.handed_through import handed_through
from stopper.core.labels import Label
from stopper.core.naming import sensitive
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Mapping, Member, Truth, Value, text_of, walk

_PASSWORD: Final = re.compile(r"(?i)\bpass(?:word|wort|phrase)\b")
_CODE: Final = re.compile(
    r"(?i)\botp\b|\bone[- ]time\b|\bpass ?code\b|\b(?:verification|security|log-?in|reset|2fa) code\b"
)
_DRAWN: Final = re.compile(
    r"secrets\.(?:randbelow|choice|token_urlsafe|token_hex)|random\.(?:\w+\.)?(?:randint|randrange|choices?|sample)|pyotp\..*\.(?:now|at)"
)
ADDRESS: Final = "address"
"""What says of a label that the address of a server is shown, with what stands in it."""
ANSWER: Final = "answer"
"""What says of a label that all of an answer is shown."""
_FIRST_SUCCESS: Final = 200
_FIRST_REFUSAL: Final = 400
_ASKS: Final = frozenset({"client_secret", "grant_type", "refresh_token"})
"""What is sent to the door where RFC 6749 §4 hands out tokens."""


def _told_by_text(value: Value) -> frozenset[Label]:
    """``log.info("the code for %s is a one-time code: %s", phone, code)``, and all that such a door has answered."""
    texts = [text for part in walk(value, 3) if (text := text_of(part)) is not None]
    shown = list(shown_in(value))
    found = {Label("token", True, ANSWER) for one in shown if _is_token_answer(one)}
    found |= {Label("password", True, ADDRESS) for one in shown if is_server_address(one)}
    found |= {Label("password", source="form") for one in shown if _is_of_password_field(one)}
    kind = next(
        (kind for text in texts for kind, said in (("password", _PASSWORD), ("token", _CODE)) if said.search(text)),
        None,
    )
    if kind is not None and any(_is_drawn(one) for one in shown):
        found.add(Label("password" if kind == "password" else "token", True, "text"))
    return frozenset(found)


def _is_of_password_field(value: Value) -> bool:
    """``form.secret.data`` where WTForms is told that it is a password."""
    return (
        isinstance(value, Member)
        and value.attribute in ("data", "raw_data")
        and isinstance(value.owner, Call)
        and value.owner.method == "PasswordField"
    )


def told_at(facts: SourceFacts, flow: Flow) -> frozenset[Label]:
    """The same at a place where it is shown, with what goes through a decorator that logs it. Whoever starts a command that prints the
    address of its database knows it."""
    told = _told_by_text(flow.value)
    told |= {
        Label(kind, True, name)
        for name in handed_through(facts, flow.value, flow.function)
        if (kind := sensitive(name)) is not None
    }
    if flow.sink == "print" and flow.function and not facts.routes_reaching(flow.function):
        told = frozenset(one for one in told if one.source != ADDRESS)
    answered = {one for one in told if one.source == ANSWER}
    return told - answered if answered and is_of_a_refusal(facts, flow.span) else told


def is_of_a_refusal(facts: SourceFacts, place: Span, depth: int = 2) -> bool:
    """``if answer.status_code != 200: log.error(answer.text)``, also in a function that is only called there: who was refused a token got none."""
    if any(_has_failed(one) for one in facts.conditions_around(place)):
        return True
    function = facts.function_around(place) if depth else ""
    calls = [call.span for call in facts.calls(function) if call.span is not None] if function else []
    return bool(calls) and all(is_of_a_refusal(facts, one, depth - 1) for one in calls)


def _has_failed(asked: Condition) -> bool:
    value = asked.value
    if isinstance(value, Member) and value.attribute in ("ok", "is_success"):
        return asked.negated
    if not isinstance(value, Truth) or not any(_is_status(part) for part in value.parts):
        return False
    said = [part.value for part in value.parts if isinstance(part, Constant) and type(part.value) is int]
    status = max(said, default=0)
    if status >= _FIRST_REFUSAL:
        return asked.negated == value.differs
    return status >= _FIRST_SUCCESS and asked.negated != value.differs


def _is_status(value: Value) -> bool:
    return isinstance(value, Member) and value.attribute in ("status_code", "status")


def _is_drawn(value: Value) -> bool:
    """That it is put together of what was drawn; one of several texts, as it stands, is a text."""
    return any(
        isinstance(part, Call) and _DRAWN.fullmatch(part.callee) and not (part is value and part.method == "choice")
        for part in walk(value, 5)
    )


def _is_token_answer(value: Value) -> bool:
    """``post(url, data={"grant_type": …}).json()``, its text, its content."""
    match value:
        case (
            Call(method="json", receiver=Call() as asked) | Member(attribute="text" | "content", owner=Call() as asked)
        ):
            sent = (asked.keyword("data"), asked.keyword("json"), *asked.args[1:2])
            return asked.method == "post" and any(
                isinstance(one, Mapping) and not _ASKS.isdisjoint(text_of(key) or "" for key, _ in one.items)
                for one in sent
            )
        case _:
            return False
