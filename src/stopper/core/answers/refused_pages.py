"""Pages of handlers that show why somebody was turned away: ``abort(400, "no such kind: " + kind)``, and ``f"<p>{error.description}</p>"``."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Function
from stopper.core.facts import SourceFacts
from stopper.core.labels import LabelKind
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Constant,
    Format,
    Member,
    Name,
    Parameter,
    Sequence,
    Unknown,
    Value,
    options,
    text_of,
)

_TAG: Final = re.compile(r"<[a-z!/]", re.IGNORECASE)
_HANDLES: Final = ("errorhandler", "app_errorhandler")
_EVERY: Final = frozenset({"Exception", "HTTPException"})


def refused_with_words(facts: SourceFacts, *kinds: LabelKind) -> Iterator[Span]:
    """Where a handler puts the description of a refusal into a page, and a view aborts with what a caller sent in it."""
    shown = [
        (code, returned.span)
        for function in facts.functions()
        for code in _handled(function)
        for returned in facts.returns_of(function.name)
        if any(_shows(option, function.name) for option in options(returned.value))
    ]
    if not shown:
        return
    said = {
        call.args[0].value
        for call in facts.calls("flask.abort", "werkzeug.exceptions.abort")
        if call.args and isinstance(call.args[0], Constant)
        if (words := call.argument(1, "description")) is not None and facts.derives(words, *kinds)
    }
    yield from dict.fromkeys(span for code, span in shown if said and (code is None or code in said))


def _handled(function: Function) -> Iterator[int | None]:
    """The statuses of which a function is the handler; None for one of every refusal."""
    for one in function.decorators:
        given = one.call.argument(0) if one.call is not None and one.call.method in _HANDLES else None
        if isinstance(given, Constant) and isinstance(given.value, int):
            yield given.value
        elif isinstance(given, Name) and given.dotted.rpartition(".")[2] in _EVERY:
            yield None


def _shows(answer: Value, handler: str) -> bool:
    """A text with a tag in it and the error's description as it is; an object for a template, or what is escaped, is none."""
    page = answer.items[0] if isinstance(answer, Sequence) and answer.items else answer
    pieces = list(_pieces(page))
    return any(_TAG.search(text_of(part) or "") for part in pieces) and any(
        isinstance(part, Member)
        and part.attribute == "description"
        and isinstance(part.owner, Parameter)
        and part.owner.function == handler
        for part in pieces
    )


def _pieces(text: Value, depth: int = 4) -> Iterator[Value]:
    """What a text is put together of, also by ``"".join([…])``."""
    match text:
        case Format(parts=inner) | Unknown(parts=inner) | Sequence(items=inner) if depth:
            for part in inner:
                yield from _pieces(part, depth - 1)
        case Call(method="join" | "str", args=(inner,)) if depth:
            yield from _pieces(inner, depth - 1)
        case _:
            yield text
