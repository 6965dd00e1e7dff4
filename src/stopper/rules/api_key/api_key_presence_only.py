"""Anybody gets in with any text in the header."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import said_name
from stopper.core.app import App
from stopper.core.exchange import Exchange
from stopper.core.fact import Condition
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.guards.made_up_callers import made_up_callers
from stopper.core.keys.api_key_names import is_key_name, is_key_reading, reads_keys
from stopper.core.keys.half_keys import half_judged
from stopper.core.keys.key_gates import idle_gates, lets_in_by_form
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Skipped, Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.api_key import headers_of, with_header
from stopper.core.probing.baseline import NONSENSE, candidates, is_door
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Name,
    Truth,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

MESSAGE: Final = "any text passes as a key: only whether one was sent is looked at"
HALF: Final = "only the name in front of the key is looked up: what stands behind it may be anything"
_QUIET: Final = frozenset({"bool", "len", "print", "isinstance", "str", "flask.abort", "flask.jsonify"})
_TEXT: Final = frozenset(
    {
        "strip",
        "lower",
        "upper",
        "encode",
        "startswith",
        "get",
        "info",
        "debug",
        "warning",
        "error",
        "route",
        "match",
        "fullmatch",
    }
)
ROUTES: Final = {"quick": 3, "standard": 6, "deep": 20}


def detect(app: App) -> Iterator[Hit]:
    """A refusal that hangs on the presence of a key which nothing else looks at."""
    facts = source_of(app)
    told = list(_told(facts)) if reads_keys(facts) else []
    told += [Hit(MESSAGE, span) for span in lets_in_by_form(facts)]
    told += _in_a_text(facts)
    told += [Hit(HALF, one.span) for one in half_judged(facts)]
    told += [Hit("a key that nobody knows passes: a caller is made up for it", span) for span in made_up_callers(facts)]
    yield from told
    around = {facts.function_around(hit.span) for hit in told if hit.span is not None}
    yield from (Hit(MESSAGE, gate.span) for gate in idle_gates(facts, around))


def _in_a_text(facts: SourceFacts) -> Iterator[Hit]:
    """``request.headers.get("X-API-Key", "") not in API_KEY``: an empty text, and each part of the key, stands in every text."""
    for one in facts.comparisons("in", "not in"):
        bare = _bare(one.left)
        empty = bare is not None and text_of(bare.default) == ""
        if empty and isinstance(one.right, (EnvironmentValue, ConfigValue)) and is_key_name(said_name(one.right)):
            yield Hit("an empty key stands in every text, and so does each part of the right one", one.span)


def _told(facts: SourceFacts) -> Iterator[Hit]:
    """What one function alone shows."""
    for condition in facts.conditions():
        if (
            (condition.refuses and (condition.negated or _holds_presence(condition.value)))
            and any(_is_presence(value) for value in _tests(condition.value))
            and not _looked_at(facts, condition)
        ) or _lets_in(facts, condition):
            yield Hit(MESSAGE, _asked_at(facts, condition))
    yield from _asked_elsewhere(facts)


def _lets_in(facts: SourceFacts, condition: Condition) -> bool:
    """``if "X-API-Key" in request.headers: return view()`` in a wrapper that refuses whoever does not come that far."""
    body = condition.body
    asked = condition.value
    every = asked.options if isinstance(asked, Choice) and asked.every else (asked,)
    shown = all(_is_presence(one) or _only_whether(one) for one in every) or _is_kept_reading(facts, condition)
    if condition.negated or condition.refuses or body is None or not shown:
        return False
    if condition.stops and _runs_before(facts, condition.function):
        kept = condition.value.dotted if isinstance(condition.value, Name) else ""
        looked = _used(facts, kept) if kept else _looked_at(facts, condition)
        return _refuses_after(facts, condition) and not looked
    returned = facts.returns_of(condition.function)
    inside = [one for one in returned if body.holds(one.span) and isinstance(one.value, Call)]
    if all(not isinstance(one.value, Call) or one.value.callee != "?" for one in inside):
        return False
    refused = any(is_constant(part, 401, 403) for one in returned if one not in inside for part in walk(one.value, 3))
    aborted = any(call.method == "abort" for call in facts.calls_in(condition.function))
    return (refused or aborted) and not _looked_at(facts, condition)


def _is_kept_reading(facts: SourceFacts, condition: Condition) -> bool:
    """``g.api_key``, which the same function has just read from the request."""
    said = condition.value.dotted if isinstance(condition.value, Name) else ""
    return said.startswith("flask.g.") and any(
        one.target == said.removeprefix("flask.") and _bare(one.value) is not None
        for one in facts.assignments_in(condition.function)
    )


def _used(facts: SourceFacts, kept: str) -> bool:
    """That something is done with ``g.api_key`` anywhere: it is compared, handed on or looked up."""
    given = [one for call in facts.calls() for one in (*call.args, *(value for _, value in call.keywords))]
    compared = [side for one in facts.comparisons() for side in (one.left, one.right)]
    return any(
        isinstance(part, Name) and part.dotted == kept for value in (*given, *compared) for part in walk(value, 4)
    )


def _runs_before(facts: SourceFacts, function: str) -> bool:
    return any(function in route.hooks for route in facts.routes)


def _refuses_after(facts: SourceFacts, condition: Condition) -> bool:
    """That whoever does not come into the body is turned away below it."""
    below = [one.value for one in facts.returns_of(condition.function) if one.span.line > condition.span.end_line]
    aborted = any(
        call.method == "abort" and call.span is not None and call.span.line > condition.span.line
        for call in facts.calls_in(condition.function)
    )
    return aborted or any(is_constant(part, 401, 403) for value in below for part in walk(value, 3))


def _asked_elsewhere(facts: SourceFacts) -> Iterator[Hit]:
    """A check of its own whose whole answer is whether a key was sent, and a refusal that hangs on that answer."""
    for condition in facts.conditions():
        if any(map(_only_whether, _denied(condition))) and not _looked_at(facts, condition):
            yield Hit(MESSAGE, _asked_at(facts, condition))
        for asked in _refused_by(condition):
            answers = facts.returns_of(asked.callee)
            if len(answers) == 1 and _only_whether(answers[0].value) and not _is_known_to(facts, asked.callee):
                yield Hit(MESSAGE, answers[0].span)


def _asked_at(facts: SourceFacts, condition: Condition) -> Span:
    """Where the question is written: in a function that does nothing but ask it, else in the ``if``."""
    inside = [part for part in walk(condition.value, 3) if isinstance(part, Truth) and len(part.parts) == 2]
    elsewhere = (
        one.span
        for one in facts.comparisons()
        for part in inside
        if one.left is part.parts[0] and one.right is part.parts[1] and not condition.span.holds(one.span)
    )
    return next(elsewhere, condition.span)


def _denied(condition: Condition) -> Iterator[Value]:
    """What is said no to where that refuses: ``if not …``, ``if elsewhere and not …``."""
    if condition.refuses and condition.negated:
        yield condition.value
    for option in options(condition.value) if condition.refuses and not condition.negated else ():
        if isinstance(option, Truth) and len(option.parts) == 1:
            yield option.parts[0]


def _refused_by(condition: Condition) -> Iterator[Call]:
    """The calls whose "no" refuses: ``if not asked()``, ``if elsewhere and not asked()``."""
    if not condition.refuses:
        return
    if condition.negated and isinstance(condition.value, Call):
        yield condition.value
    for option in options(condition.value):
        if not condition.negated and isinstance(option, Truth) and len(option.parts) == 1:
            yield from (part for part in option.parts if isinstance(part, Call))


_KEY_SCHEME: Final = re.compile(r"(?i)^(?:api[-_ ]?key|key|apikey|token) ?$")


def _by_scheme(value: Value) -> bool:
    """``header.startswith("ApiKey ") and len(header) > 7``: the form of what was sent, and nothing of what it says."""
    if not isinstance(value, Choice) or not value.every:
        return False
    named = False
    for option in value.options:
        if isinstance(option, Call) and option.method == "startswith" and isinstance(option.receiver, Item):
            of_header = isinstance(sent := option.receiver.owner, Name) and sent.dotted == "flask.request.headers"
            named = named or (of_header and any(_KEY_SCHEME.match(text_of(one) or "") for one in option.args))
        elif not (isinstance(option, Truth) and any(_is_length(one) for one in option.parts)) and not isinstance(
            option, Item
        ):
            return False
    return named


def _only_whether(value: Value) -> bool:
    if _by_scheme(value):
        return True
    if isinstance(value, Truth) and len(value.parts) == 2:  # "X-API-Key" in request.headers, key is not None
        first, second = value.parts
        counted = isinstance(first, Call) and first.callee == "len" and isinstance(second, Constant)
        if counted and isinstance(first, Call) and any(_bare(one) is not None for one in first.args[:1]):
            return True
        return _is_presence(value) or (is_constant(second, None) and _bare(first) is not None)
    return isinstance(value, Call) and value.callee == "bool" and any(_bare(one) is not None for one in value.args[:1])


def _is_known_to(facts: SourceFacts, function: str) -> bool:
    return any(
        _reads(side)
        for one in facts.comparisons_in(function)
        for side in (one.left, one.right)
        if not is_constant(side, None) and not (isinstance(side, Call) and side.callee == "len")
    )


def _holds_presence(value: Value) -> bool:
    return any(isinstance(one, Truth) for one in options(value))


def _tests(value: Value) -> Iterator[Value]:
    """What a condition tests: the value, each side of ``or``, and what was compared with None, "" or by ``in``."""
    for option in options(value):
        if isinstance(option, Truth):
            yield from option.parts
            if _is_empty_test(option.parts):
                yield from (one for part in option.parts if isinstance(part, Call) for one in part.args)
            if not (len(option.parts) == 2 and not any(is_constant(one, None, "") for one in option.parts)):
                for part in option.parts:
                    yield from options(part)
            if len(option.parts) == 2 and isinstance(option.parts[0], Constant):
                yield option
        elif isinstance(option, Call) and (option.callee in ("bool", "len") or option.method in ("match", "fullmatch")):
            yield from option.args  # its form at most
        else:
            yield option


def _is_empty_test(sides: tuple[Value, ...]) -> bool:
    """``len(key) == 0``, which asks no more than ``not key``, or ``len(key) < 20``, which asks little more."""
    return any(isinstance(one, Constant) and type(one.value) is int for one in sides) and any(
        isinstance(one, Call) and one.callee == "len" for one in sides
    )


def _is_presence(value: Value) -> bool:
    if isinstance(value, Truth):  # "X-API-Key" in request.headers
        name, owner = value.parts[0], value.parts[-1]
        return (
            isinstance(name, Constant)
            and isinstance(name.value, str)
            and is_key_name(name.value)
            and isinstance(owner, Name)
            and owner.dotted in ("flask.request.headers", "flask.request.args")
        )
    return _bare(value) is not None


def _bare(value: Value) -> Item | None:
    while isinstance(value, Call) and value.receiver is not None and value.method in ("strip", "encode", "lower"):
        value = value.receiver
    return value if isinstance(value, Item) and is_key_reading(value) else None


def _looked_at(facts: SourceFacts, condition: Condition) -> bool:
    """That the function does something else with the key: compares it, hands it on, looks it up, keeps it."""
    function = condition.function
    for comparison in facts.comparisons():
        if (
            comparison.function == function
            and not any(is_constant(side, None, "") for side in (comparison.left, comparison.right))
            and any(_reads(side) and not _is_length(side) for side in (comparison.left, comparison.right))
        ):
            return True
    for call in facts.calls_in(function):
        if call.callee in _QUIET or (call.method in _TEXT and not _looks_up(call)):
            continue
        if any(_reads(value) or _is_request(value) for value in (*call.args, *(given for _, given in call.keywords))):
            return True
    for returned in facts.returns():
        if returned.function == function and any(_bare(one) is not None for one in options(returned.value)):
            return True
        if returned.function == function and any(_is_item_by_key(one) for one in walk(returned.value, 6)):
            return True
    return any(
        one.function == function
        and (any(_is_item_by_key(inner) for inner in walk(one.value, 6)) or ("." in one.target and _reads(one.value)))
        for one in facts.assignments()
    )


def _is_request(value: Value) -> bool:
    """The whole request, or all its headers: whoever is given them may look at the key."""
    return isinstance(value, Name) and value.dotted in ("flask.request", "flask.request.headers")


def _is_length(value: Value) -> bool:
    return isinstance(value, Call) and value.callee == "len"


def _looks_up(call: Call) -> bool:
    return call.method == "get" and not call.callee.startswith("flask.request")


def _reads(value: Value) -> bool:
    return any(is_key_reading(one) for one in walk(value, 6))


def _is_item_by_key(value: Value) -> bool:
    return isinstance(value, Item) and any(is_key_reading(one) for one in walk(value.key, 4))


def _empty(ref: RouteRef, bare: Exchange, wrong: Exchange, empty: Exchange) -> Verdict:
    evidence = [
        Evidence("exchange", "control: closed without a key", bare),
        Evidence("exchange", "control: a key that nobody issued is refused", wrong),
        Evidence("exchange", "a header with no key in it is let in", empty),
    ]
    return failed(f"{ref} takes an empty key", [ref], evidence)


def probe(target: Target) -> Steps[Verdict]:
    """A route that is closed without a key and opens for nonsense."""
    tried = 0
    for route, method in candidates(target):
        if tried == ROUTES[target.depth] or is_door(route):
            continue
        request = target.request_for(route, method)
        try:
            bare = yield from send(request)
            if not bare.response.refused:
                continue
            tried += 1
            for name in headers_of(target.app):
                shown = yield from send(with_header(request, name, NONSENSE))
                if not shown.response.succeeded or shown.response.error:
                    empty = (
                        (yield from send(with_header(request, name, "")))
                        if tried == 1 and shown.response.refused
                        else None
                    )
                    if empty is not None and empty.response.succeeded:
                        return _empty(RouteRef(method, route.path), bare, shown, empty)
                    continue
                other = yield from send(with_header(request, name, "another-" + NONSENSE))
                if other.response.succeeded:
                    evidence = [
                        Evidence("exchange", "control: closed without a key", bare),
                        Evidence("exchange", "a key that nobody issued is let in", shown),
                        Evidence("exchange", "and so is another one", other),
                    ]
                    return failed(
                        f"{method} {route.path} takes any text as a key", [RouteRef(method, route.path)], evidence
                    )
        except Skipped:
            continue
    if not tried:
        return not_applicable("no route that can be read is closed without a credential")
    return passed(f"{tried} closed routes refuse a key that nobody issued")


RULE = Rule(
    slug="api-key-presence-only",
    family="api-key",
    title="Only the presence of an API key is checked",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(287,),
    owasp="API2:2023",
    asvs=("V8.3.1",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="Stopper's `@api_key` lets in only a key that its store knows.",
    certainty="likely",
    repeats=("credential-check-falls-through",),
    detect=detect,
    probe=probe,
)
