"""The sentences that a function answers with, wherever they are written."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.raising import raised_in
from stopper.core.place import Span
from stopper.core.values import Call, Member, Value, text_of, walk

_SAID: Final = re.compile(r"(?i)err|message|msg|notice|reason|problem")
"""What an answer that is put together is kept under: ``errors["name"] = "…"``."""
_CODE: Final = re.compile(r"[A-Za-z]+(?:[_-][A-Za-z]+)+")
"""``user_not_found``, ``WRONG-PASSWORD``: a code of an answer says what a sentence would."""


def answers_of(facts: SourceFacts, name: str) -> Iterator[tuple[Span, str]]:
    """The literal texts that a function answers with: returned, flashed, put beside a field of a form, or given to an abort."""
    for one in facts.returns_of(name):
        yield from ((one.span, text) for text in texts_in(one.value))
    for call in facts.calls_in(name):
        if call.span and (
            call.method in ("abort", "flash", "Unauthorized", "NotFound", "BadRequest", "add_error")
            or _is_beside_field(call)
        ):
            values = [*call.args, *(value for _, value in call.keywords)]
            yield from ((call.span, text) for value in values for text in texts_in(value))
    for kept in facts.assignments_in(name):
        if _SAID.search(kept.target):
            yield from ((kept.span, text) for text in texts_in(kept.value))
    for raised in raised_in(facts, name):
        yield from ((raised.span, text) for text in (*texts_in(raised.value), *_of_error(facts, raised.exception)))


def _is_beside_field(call: Call) -> bool:
    """``form.email.errors.append("…")``, which the page shows beside the field."""
    held = call.receiver.attribute if isinstance(call.receiver, Member) else call.callee.rpartition(".")[0]
    return call.method == "append" and held.rpartition(".")[2] == "errors"


def _of_error(facts: SourceFacts, exception: str) -> Iterator[str]:
    """What an exception of the project says by itself (``message = "…"`` in its class, ``super().__init__("…")``), and what it is
    turned into by the handler that is registered for it."""
    known = classes_by_name(facts).get(exception)
    for value in known.attributes.values() if known is not None else ():
        yield from texts_in(value)
    for call in facts.calls_in(f"{exception}.__init__") if known is not None else ():
        yield from (text for value in call.args for text in texts_in(value))
    for handler in facts.error_handlers() if known is not None else ():
        if handler.what == exception:
            yield from (text for one in facts.returns_of(handler.function) for text in texts_in(one.value))


def texts_in(value: Value | None) -> Iterator[str]:
    """The sentences in a value, and codes as sentences; no statements in SQL."""
    for part in walk(value, 6):
        text = text_of(part)
        if text is None or len(text) >= 200 or "SELECT" in text:
            continue
        if " " in text:
            yield text
        elif _CODE.fullmatch(text):
            yield re.sub("[_-]", " ", text)
