"""Guards that take whoever names this machine in the ``Host`` header for somebody who sits at it."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Condition
from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.values import Call, Choice, Constant, Item, Name, Truth, Value, options, text_of, walk

_HERE: Final = re.compile(
    r"(?i)localhost(?::\d+)?|127\.0\.0\.1(?::\d+)?|127\.|::1|0\.0\.0\.0|10\.|192\.168\.|https?://localhost(?::\d+)?/?"
)
_HOST: Final = "flask.request.host"
_SAID: Final = "the host that the caller names, which any client can set, decides who may pass"
_CUTS: Final = frozenset({"split", "rsplit", "partition", "lower", "strip"})


def let_in_by_host(facts: SourceFacts) -> Iterator[tuple[str, Span]]:
    """``if request.host.split(":")[0] != "localhost": abort(403)``, also by a function of the project that says so."""
    asking = (
        {one.function for one in facts.returns() if one.function and any(_is_here(part) for part in walk(one.value, 4))}
        if _says_host(facts)
        else set[str]()
    )
    for one in facts.conditions() if _says_host(facts) else ():
        told = one.refuses and one.body is not None and (_turns_others_away(one) or _asks(one, asking))
        if told and not _is_asked_everywhere(facts, one):
            yield _SAID, one.span


def _is_asked_everywhere(facts: SourceFacts, one: Condition) -> bool:
    """Before every route, whatever is asked for: so a program of one's own machine keeps off pages that give its address another name."""
    whole = bool(facts.routes) and all(one.function in route.hooks for route in facts.routes)
    return whole and not any(True for _ in facts.conditions_around(one.span))


def _says_host(facts: SourceFacts) -> bool:
    return facts.says("host", "Host")


def _turns_others_away(one: Condition) -> bool:
    value = one.value
    if isinstance(value, Choice):
        tests = list(options(value))
        return bool(tests) and all(_is_here(test) and _says_no(test, one.negated) for test in tests)
    return _is_here(value) and _says_no(value, one.negated)


def _says_no(test: Value, negated: bool) -> bool:
    """That the test holds where somebody names another host."""
    return test.differs is not negated if isinstance(test, Truth) else negated


def _asks(one: Condition, asking: set[str]) -> bool:
    return one.negated and isinstance(one.value, Call) and one.value.callee in asking


def _is_here(test: Value) -> bool:
    """That the host which the caller names is held against this machine."""
    if isinstance(test, Call):
        asked = test.callee == f"{_HOST}.startswith" or _is_host(test.receiver)
        return test.method == "startswith" and asked and _names_here(test.argument(0))
    if isinstance(test, Truth) and len(test.parts) == 2:
        left, right = test.parts
        return (_is_host(left) and _names_here(right)) or (_is_host(right) and _names_here(left))
    return False


def _names_here(value: Value | None) -> bool:
    said = [text for part in walk(value, 2) if (text := text_of(part)) is not None] if value is not None else []
    return bool(said) and all(_HERE.fullmatch(text) for text in said)


def _is_host(value: Value | None, depth: int = 5) -> bool:
    """The header, or what is left of it without its port."""
    match value:
        case Name(dotted=dotted):
            return dotted == _HOST
        case Item(owner=Name(dotted="flask.request.headers"), key=Constant(value=str(key))):
            return key.lower() in ("host", "x-forwarded-host")
        case Item(owner=inner) if depth:
            return _is_host(inner, depth - 1)
        case Call(callee=callee, receiver=inner) if value.method in _CUTS and depth:
            return callee == f"{_HOST}.{value.method}" or _is_host(inner, depth - 1)
        case _:
            return False
