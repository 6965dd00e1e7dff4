"""What the source says of a view's own body: whether it surely refuses a request that shows nothing, may refuse it, or does not."""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import Guard, Route
from stopper.core.fact import Condition, Function
from stopper.core.facts import SourceFacts
from stopper.core.labels import LabelKind
from stopper.core.place import Span
from stopper.core.probing.baseline import is_door
from stopper.core.values import Call, Choice, Constant, Name, Truth, Value, walk
from stopper.scan.surface.honest import effect_for

SHOWN: Final[tuple[LabelKind, ...]] = (
    "authorization-header", "api-key", "cookie", "session", "claims", "unverified-claims", "token",
)  # fmt: skip
"""What a view reads when it asks who is calling."""
_HEADERS: Final[tuple[LabelKind, ...]] = ("authorization-header", "api-key")
_REFUSALS: Final = frozenset({401, 403})
_HIDING: Final = frozenset({401, 403, 404})
"""What a view answers that reads a header made for nothing but credentials."""
_ASKS: Final = re.compile(
    r"(?i)auth|logged|log_?in|token|jwt|permission|role|admin|identity|current_user|verif|credential|session|api_?key|nonce"
)
"""Names of what asks who is calling."""
_LOG_IN: Final = re.compile(r"(?i)log-?_?in|sign-?_?in")
_STEPS: Final = 1
"""How many calls deep a view's helpers are followed."""


def judged(
    facts: SourceFacts | None, route: Route, method: str, known: tuple[Guard, ...], looks: bool
) -> tuple[Guard, ...]:
    """The checks of the view itself. *known* are those that the source reader found: one that hangs on something else than who is
    calling becomes a doubt. With *looks*, a view that the reader did not judge is looked at again."""
    if facts is None:
        return known
    checked = tuple(_doubted(facts, guard) for guard in known)
    if any(guard.stops for guard in checked):
        return checked
    if is_door(route) or effect_for(route, "POST") == "login":
        return ()  # where people log in a wrong password is refused; anybody may try
    functions = tuple(_functions(facts, route, method))
    if looks and not checked:
        found = next((one for one in functions if _reads_caller(facts, one.name) and _refusal(facts, one.name)), None)
        refusal = _refusal(facts, found.name) if found is not None else None
        if refusal is not None:
            return (Guard(f"check in the view (line {refusal.span.line})", "view-body", True, "source", refusal.span),)
    if checked:
        return checked
    reached = list(_with_called(facts, [one.name for one in functions]))
    statuses = _HIDING if any(_reads_caller(facts, name, _HEADERS) for name in reached) else _REFUSALS
    asks = any(_reads_caller(facts, name) for name in reached)
    if functions and _sends_away(facts, functions[0].name):
        return (Guard(f"{functions[0].name} itself", "view-body", None, "source", functions[0].span),)
    if functions and asks and any(_says_no(facts, name, statuses) for name in reached):
        return (Guard(f"{functions[0].name} itself", "view-body", None, "source", functions[0].span),)
    return ()


def _doubted(facts: SourceFacts, guard: Guard) -> Guard:
    """*guard*, or a doubt where the `if` round it asks for more than who is calling, or where there is none."""
    if not guard.stops or guard.span is None:
        return guard
    around = [one for one in facts.conditions(tests=True) if _holds(one, guard.span)]
    if not around:  # a call that raises needs no `if`; a refusal without one stands where something else went wrong
        return replace(guard, stops=None) if guard.name.startswith("check in the view") else guard
    nearest = max(around, key=lambda one: (one.span.line, one.span.column))
    parts = nearest.value.options if isinstance(nearest.value, Choice) else (nearest.value,)
    return guard if all(_is_about_caller(facts, part) for part in parts) else replace(guard, stops=None)


def _holds(condition: Condition, span: Span) -> bool:
    body = condition.body
    return body is not None and body.path == span.path and body.line <= span.line <= body.end_line


def _is_about_caller(facts: SourceFacts, value: Value) -> bool:
    if isinstance(value, Truth) and _is_same_browser(facts, value):
        return False
    for part in walk(value, 8):
        if isinstance(part, Call) and _ASKS.search(part.callee.rpartition(".")[2]):
            return True
        if isinstance(part, Name) and _ASKS.search(part.dotted):
            return True
        if facts.derives(part, *SHOWN):
            return True
    return False


def _is_same_browser(facts: SourceFacts, value: Truth) -> bool:
    """What the caller sent is held against the caller's own session: it asks where a request comes from, and anybody has a session."""
    held = [part for part in value.parts if facts.derives(part, "session")]
    sent = [part for part in value.parts if facts.derives(part, "request-data", "query-string")]
    return bool(held) and any(part not in held for part in sent)


def _functions(facts: SourceFacts, route: Route, method: str) -> Iterator[Function]:
    """The view, or the method of the view class that answers."""
    if route.span is None:
        return
    for function in facts.functions(tests=True):
        span = function.span
        if span.path != route.span.path or not route.span.line <= span.line <= route.span.end_line:
            continue
        word = function.name.rpartition(".")[2].upper()
        if not function.owner or word in (method, "DISPATCH_REQUEST") or (method == "HEAD" and word == "GET"):
            yield function


def _refusal(facts: SourceFacts, function: str) -> Condition | None:
    return next((one for one in facts.conditions(tests=True) if one.function == function and one.refuses), None)


def _reads_caller(facts: SourceFacts, function: str, kinds: tuple[LabelKind, ...] = SHOWN) -> bool:
    values = [
        value for call in facts.calls_in(function) for value in (call, *call.args, *(held for _, held in call.keywords))
    ]
    values += [one.value for one in facts.conditions(tests=True) if one.function == function]
    values += [one.value for one in facts.assignments(tests=True) if one.function == function]
    return any(facts.derives(value, *kinds, by_name=False) for value in values)


def _says_no(facts: SourceFacts, function: str, statuses: Collection[int]) -> bool:
    """The function names such a status somewhere: as an argument, as an attribute, in an answer."""
    if _refusal(facts, function) is not None:
        return True
    values: list[Value] = [
        value for call in facts.calls_in(function) for value in (*call.args, *(held for _, held in call.keywords))
    ]
    values += [one.value for one in facts.assignments(tests=True) if one.function == function]
    values += [one.value for one in facts.returns(tests=True) if one.function == function]
    return any(
        isinstance(part, Constant) and isinstance(part.value, int) and part.value in statuses
        for value in values
        for part in walk(value, 2)
    )


def _sends_away(facts: SourceFacts, function: str) -> bool:
    """The function does nothing but redirect, and to a log-in page too."""
    values = [one.value for one in facts.returns(tests=True) if one.function == function]
    calls = [value for value in values if isinstance(value, Call) and value.callee.endswith("redirect")]
    return (
        bool(calls)
        and len(calls) == len(values)
        and any(
            isinstance(part, Constant) and isinstance(part.value, str) and _LOG_IN.search(part.value)
            for call in calls
            for part in walk(call, 4)
        )
    )


def _with_called(facts: SourceFacts, functions: list[str]) -> list[str]:
    found = list(functions)
    for _ in range(_STEPS):
        called = [call.callee for name in found for call in facts.calls_in(name)]
        found = list(dict.fromkeys([*found, *(name for name in called if facts.function(name) is not None)]))
    return found
