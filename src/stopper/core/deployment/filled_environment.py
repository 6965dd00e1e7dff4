"""Variables of the environment that the code itself fills with a literal: ``os.environ.setdefault("SECRET_KEY", "dev")``."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.place import Span
from stopper.core.values import Constant, Mapping, Name, Value, text_of

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_TESTS: Final = re.compile(r"(?i)(?:unit|integration|e2e)?_?tests?(?:ing)?")


def filled_by_code(facts: "SourceFacts") -> dict[str, tuple[Constant, Span]]:
    """Each variable with the literal that it is filled with, and where; the first of several. What says beside it that it starts the
    application for tests fills it for these alone."""
    found: dict[str, tuple[Constant, Span]] = {}
    put = list(_put(facts))
    for_tests = {
        facts.function_around(span)
        for _, value, span in put
        if span is not None and _TESTS.fullmatch(text_of(value) or "")
    } - {""}
    for name, value, span in put:
        if span is not None and facts.function_around(span) in for_tests:
            continue
        if name and isinstance(value, Constant) and isinstance(value.value, str) and value.value and span is not None:
            found.setdefault(name, (value, span))
    return found


def _put(facts: "SourceFacts") -> Iterator[tuple[str, Value | None, Span | None]]:
    for call in facts.calls("os.environ.setdefault", "os.putenv"):
        yield text_of(call.argument(0, "key")) or "", call.argument(1, "default", "value"), call.span
    for call in facts.calls("os.environ.update"):
        said = call.args[0] if call.args else None
        for key, value in said.items if isinstance(said, Mapping) else ():
            yield text_of(key) or "", value, call.span
        yield from ((name, value, call.span) for name, value in call.keywords if name != "**")
    for one in facts.assignments() if facts.imports("os") else ():
        if one.target[:1] == "[" and isinstance(one.into, Name) and one.into.dotted == "os.environ":
            yield one.attribute, one.value, one.span
