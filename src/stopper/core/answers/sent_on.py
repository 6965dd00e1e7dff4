"""Answers that send a browser on without ``redirect()``: by a header beside a status, by a property, or by the header that HTMX follows."""

from collections.abc import Iterator

from stopper.core.answers.response_headers import SetHeader
from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Constant, Mapping, Sequence, options, text_of


def sent_on(facts: SourceFacts) -> Iterator[SetHeader]:
    """``return "", 302, {"Location": address}``, ``response.location = address``, ``{"HX-Redirect": address}``; a ``Location`` beside a 201
    sends nobody on."""
    for returned in facts.returns():
        for option in options(returned.value):
            items = option.items if isinstance(option, Sequence) else ()
            codes = [one.value for one in items if isinstance(one, Constant) and type(one.value) is int]
            for key, place in (pair for one in items if isinstance(one, Mapping) for pair in one.items):
                name = (text_of(key) or "").lower()
                if name == "hx-redirect" or (name == "location" and any(300 <= code < 400 for code in codes)):
                    yield SetHeader(place, returned.span, returned.function)
    for one in facts.assignments():
        made = one.into.callee if isinstance(one.into, Call) else ""
        if one.attribute == "location" and made.startswith("flask."):
            yield SetHeader(one.value, one.span, one.function)
