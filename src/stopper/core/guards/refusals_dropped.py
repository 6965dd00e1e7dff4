"""Checks that answer with a refusal, called where nothing looks at what they answer."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts
from stopper.core.flow.raising import raised_in
from stopper.core.flow.standing_alone import stands_alone
from stopper.core.guards.refusals_made import SENT_AWAY, answers_only_some, is_refusal
from stopper.core.place import Span
from stopper.core.values import Call, Member, Name, Sequence, Value, walk

_ASKS_OR_ANSWERS: Final = frozenset({
    "get", "getlist", "jsonify", "make_response", "Response", "redirect", "url_for", "render_template", "dumps", "compare_digest",
    "split", "partition", "startswith", "removeprefix", "strip", "lower", "upper", "encode", "issubset", "intersection", "isdisjoint",
    "set", "len", "str", "any", "all", "isinstance", "debug", "info", "warning", "error", "format",
})  # fmt: skip
"""Calls by which nothing is done that is still there afterwards, and that end no request."""
_MORE: Final = re.compile(
    r"(?i)(?:^|[._])(?:is_?)?(?:admin\w*|staff|superuser|super_?admin|moderator|roles?|permissions?|scopes?|privileges?|can_\w+)$"
)
"""What people are or may beyond being logged in."""


def refusals_dropped(
    app: App, facts: SourceFacts, asks_who: Callable[[Value], bool]
) -> Iterator[tuple[Span, str, bool]]:
    """Each place where such a check is called for nothing, what is wrong there, and whether the check does nothing besides."""
    for function in facts.functions():
        name = function.name
        returns = facts.returns_of(name)
        asking = [one for one in facts.conditions_in(name) if one.refuses or one.stops] if returns else ()
        if not any(asks_who(asked.value) or _asked_by_function(facts, asked.value, asks_who) for asked in asking):
            continue
        if not any(_refuses_by(facts, one.value) for one in returns) and not answers_only_some(facts, name):
            continue
        if facts.routes_of_view(name) or raised_in(facts, name):
            continue
        if len(returns) > 1 and all(isinstance(one.value, Sequence) for one in returns):
            continue  # it gives several things, which are taken apart where it is called
        only_asks = _does_nothing_else(facts, name)
        for call in (inner for each in (name, *_handing_on(facts, name)) for inner in facts.calls(each)):
            if call.span is None or not call.function or not stands_alone(facts, call):
                continue
            if not _is_guarded_besides(app, call.function) or any(_asks_for_more(one.value) for one in asking):
                message = f"{call.method}() answers with a refusal, and nothing looks at its answer here"
                yield call.span, message, only_asks


def _asks_for_more(value: Value) -> bool:
    """``if not g.user.is_staff``: a guard that only asks who is there does not ask that."""
    return any(
        _MORE.search(said) is not None
        for part in walk(value, 4)
        if (said := part.dotted if isinstance(part, Name) else part.attribute if isinstance(part, Member) else "")
    )


def _asked_by_function(facts: SourceFacts, value: Value, asks_who: Callable[[Value], bool]) -> bool:
    """``if not Access.is_logged_in()``, where that function of the project gives what says who is calling."""
    return any(
        asks_who(one.value)
        for part in walk(value, 3)
        if isinstance(part, Call)
        for one in facts.returns_of(part.callee)
    )


def _does_nothing_else(facts: SourceFacts, name: str, depth: int = 3) -> bool:
    """That a function asks and answers, and whoever does not take its answer has called it for nothing."""
    if any(one.into is not None for one in facts.assignments_in(name)):
        return False
    return all(
        call.method in _ASKS_OR_ANSWERS
        or (depth > 0 and facts.function(call.callee) is not None and _does_nothing_else(facts, call.callee, depth - 1))
        for call in facts.calls_in(name)
    )


def _is_guarded_besides(app: App, function: str) -> bool:
    """That the method of a view class, or the view, has a guard of its own: its routes are closed without that call."""
    owner, _, word = function.rpartition(".")
    return any(
        route.view == owner and (access := route.access.get(word.upper())) is not None and access.state == "guarded"
        for route in app.routes
    )


def _refuses_by(facts: SourceFacts, value: Value) -> bool:
    """That a value is a refusal, or a call of a function of the project that only gives one."""
    if is_refusal(value):
        return True
    given = facts.returns_of(value.callee) if isinstance(value, Call) else ()
    return bool(given) and all(isinstance(one.value, Call) and one.value.callee in SENT_AWAY for one in given)


def _handing_on(facts: SourceFacts, name: str) -> list[str]:
    """Functions that do nothing but give what that one gives."""
    return [
        call.function
        for call in facts.calls(name)
        if call.function
        and len(returns := facts.returns_of(call.function)) == 1
        and isinstance(returns[0].value, Call)
        and returns[0].value.callee == name
    ]
