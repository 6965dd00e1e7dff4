"""What type an answer says that it is of: ``mimetype="text/html"``, ``{"Content-Type": "text/plain"}`` beside it, a header that is set afterwards."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.values import Call, Constant, Mapping, Sequence, Value, text_of

if TYPE_CHECKING:
    from stopper.core.fact import Flow
    from stopper.core.facts import SourceFacts

PLAIN: Final = re.compile(
    r"(?i)text/plain|application/(?:json|xml|csv|octet-stream|problem\+json)|text/csv|application/pdf"
)
"""Types that no browser makes a page of."""
_PAGE: Final = re.compile(r"(?i)\s*(?:text/html|application/xhtml\+xml|image/svg)")
_SETS: Final = frozenset({"content-type", "mimetype", "content_type"})


def is_plain(call: Call) -> bool:
    """That a response which is made there is plain text, data, or a file."""
    return any(PLAIN.search(text) for text in _said_by(call))


def is_called_page(facts: "SourceFacts", flow: "Flow") -> bool:
    """That the answer says of itself that it is a page, where it is made, beside it, or in the function afterwards."""
    return any(_PAGE.match(text) for text in _said(facts, flow))


def is_shown(facts: "SourceFacts", flow: "Flow") -> bool:
    """That the answer says no type, for which Flask takes that of pages, or that of a page."""
    said = [*_said(facts, flow)]
    return not said or any(_PAGE.match(text) or text == "?" for text in said)


def _said(facts: "SourceFacts", flow: "Flow") -> Iterator[str]:
    for call in facts.calls(flow.detail):
        if call.span == flow.span:
            yield from _said_by(call)
    for given in facts.returns_of(flow.function):
        if given.span.holds(flow.span) and isinstance(given.value, Sequence):
            for part in given.value.items[1:]:
                yield from _of_headers(part)
    for one in facts.assignments_in(flow.function):
        key = one.attribute or one.target.strip("[]\"'")
        if key.lower() in _SETS and isinstance(one.value, Constant):
            yield text_of(one.value) or ""


def _said_by(call: Call) -> Iterator[str]:
    for given in (call.keyword("mimetype", "content_type"), call.argument(3, "mimetype")):
        if given is not None:
            yield text_of(given) or "?"
    for given in (*call.args[1:3], call.keyword("headers")):
        yield from _of_headers(given)


def _of_headers(value: Value | None) -> Iterator[str]:
    for key, said in value.items if isinstance(value, Mapping) else ():
        if (text_of(key) or "").lower() == "content-type":
            yield text_of(said) or "?"
