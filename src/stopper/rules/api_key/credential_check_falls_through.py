"""Whoever shows two bad credentials is let in, though each of them alone would be refused."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.fact import Condition, Handler
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.calls_by_place import calls_between
from stopper.core.guards.asked_only_without import asked_only_without
from stopper.core.guards.handed_to_keys import handed_to_keys, is_of_signed
from stopper.core.guards.idle_questions import only_tells
from stopper.core.guards.made_up_callers import made_up_callers
from stopper.core.keys.api_key_names import READ_FROM, is_key_name, is_key_reading, reads_keys
from stopper.core.keys.half_keys import half_judged
from stopper.core.keys.key_gates import lets_in_by_form
from stopper.core.keys.key_ways_in import ways_without_a_check
from stopper.core.keys.named_by_key import names_by_the_key
from stopper.core.place import RouteRef
from stopper.core.probe import Skipped, Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.api_key import headers_of, reads_bearer, with_header
from stopper.core.probing.baseline import NONSENSE, candidates, is_door
from stopper.core.rule import Hit, Rule
from stopper.core.tokens.jwt_names import DECODING
from stopper.core.values import (
    Call,
    Choice,
    Item,
    Name,
    Truth,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

MESSAGE: Final = "a token that does not verify falls through to an API key that nobody checks"
_WITHOUT: Final = "whoever sends another credential beside it, right or wrong, is not asked for this one's secret"
BESIDE: Final = "one of several ways in asks only whether a key was sent"
CHECKS: Final = frozenset({*DECODING, "flask_jwt_extended.verify_jwt_in_request", "flask_jwt_extended.decode_token"})
ROUTES: Final = {"quick": 3, "standard": 6, "deep": 20}


def detect(app: App) -> Iterator[Hit]:
    """A swallowed failure of a token, or a test for either credential, beside a key that is only seen to be there."""
    facts = source_of(app)
    told = list(_told(facts)) if reads_keys(facts) else []
    yield from told
    around = {facts.function_around(hit.span) for hit in told if hit.span is not None}
    tokens = [one for one in facts.handlers() if _verifies(one) or is_of_signed(one) or _asks_verifier(facts, one)]
    for span in handed_to_keys(facts, tokens, _trusting(facts), _reads_key) if tokens else ():
        function = facts.function_around(span)
        if function not in around:
            around.add(function)
            yield Hit(MESSAGE, span)
    for span, function in ways_without_a_check(facts):
        asked_from = (facts.function_around(call.span) for call in facts.calls(function) if function and call.span)
        if function not in around and around.isdisjoint(asked_from):
            around.add(function)
            yield Hit(BESIDE, span)
    if next(facts.calls("flask_httpauth.MultiAuth", "*.MultiAuth"), None) is not None:
        yield from (Hit(BESIDE, span) for span in lets_in_by_form(facts))
    yield from _by_unverified_claims(facts)
    yield from (Hit(_WITHOUT, span) for span in asked_only_without(facts, CHECKS))
    yield from _to_somebody_made_up(facts, around)


def _to_somebody_made_up(facts: SourceFacts, told: set[str]) -> Iterator[Hit]:
    """``caller = by_token()``, nothing where it does not verify, and then ``caller = by_key(key) or "printer"``."""
    swallowing: set[str] = set()
    for span in made_up_callers(facts):
        function = facts.function_around(span)
        swallowing = swallowing or _swallowing(facts)
        if function not in told and (
            function in swallowing or any(one.callee in swallowing for one in facts.calls_in(function))
        ):
            told.add(function)
            yield Hit("a token that does not verify falls through to a key that nobody has to know", span)


def _swallowing(facts: SourceFacts) -> set[str]:
    """The functions that give nothing where a token does not verify, or go on."""
    return {one.function for one in facts.handlers() if one.action in ("return", "pass", "go-on") and _verifies(one)}


def _by_unverified_claims(facts: SourceFacts) -> Iterator[Hit]:
    """Where the key is not the right one, a token is read without its signature."""
    for call in facts.calls(*CHECKS):
        unverified = any(label.kind == "unverified-claims" for label in facts.labels(call))
        if unverified and call.function and _compares_key(facts, call.function):
            yield Hit("whoever has no key is let in by a token that nobody verifies", call.span)


def _told(facts: SourceFacts) -> Iterator[Hit]:
    """What one function alone shows."""
    for handler in facts.handlers():
        if (
            handler.action in ("pass", "go-on")
            and (_verifies(handler) or _asks_verifier(facts, handler))
            and not _compares_key(facts, handler.function)
        ) and any(_reads_key(condition.value) for condition in _conditions(facts, handler.function)):
            yield Hit(MESSAGE, handler.span)
    for handler in facts.handlers():
        if handler.action == "return" and _verifies(handler) and _hands_out_the_key(facts, handler):
            yield Hit(MESSAGE, handler.span)
    for handler in facts.handlers():
        if handler.action not in ("pass", "go-on") or not names_by_the_key(facts, handler, is_key_reading):
            continue
        if _verifies(handler) or _asks_verifier(facts, handler):
            yield Hit(MESSAGE, handler.span)
    for condition in facts.conditions():
        if condition.refuses and not condition.negated and _spares_bearers(facts, condition):
            yield Hit("whoever sends something that looks like a token is not asked for a key", condition.span)
    yield from _to_half_a_key(facts)
    yield from _one_after_the_other(facts)
    yield from _where_nobody_was_found(facts)
    yield from _beside_others(facts)
    read = {"key" if is_key_name(one.key) else one.key.lower() for one in facts.all_readings if one.source in READ_FROM}
    for condition in facts.conditions() if {"key", "authorization"} <= read else ():
        if _either(condition) and not _compares_key(facts, condition.function) and not only_tells(facts, condition):
            yield Hit("either credential opens the door, and the key is never checked", condition.span)


_OTHERS: Final = re.compile(r"(?i).*(?:verify|decode|authenticate|is_authenticated|validate|check_token|load_user).*")


def _to_half_a_key(facts: SourceFacts) -> Iterator[Hit]:
    """``except PyJWTError: g.caller = by_key()``, where only the name in front of that key is looked at."""
    halves = {one.function for one in half_judged(facts)}
    for handler in facts.handlers() if halves else ():
        if handler.action in ("pass", "go-on", "return") and (_verifies(handler) or _asks_verifier(facts, handler)):
            asked = (one for one in facts.calls_in(handler.function) if one.callee in halves and one.span is not None)
            if handler.function in halves or any(one.span.line >= handler.span.line for one in asked if one.span):
                yield Hit(
                    "a token that does not verify falls through to a key of which half is looked at", handler.span
                )


def _asks_verifier(facts: SourceFacts, handler: Handler) -> bool:
    """That a function of the project is tried which verifies tokens, itself or by a step."""
    names = {name for name in handler.tried if facts.function(name) is not None}
    names |= {call.callee for name in names for call in facts.calls_in(name)}
    places = [made.span for name in names if (made := facts.function(name)) is not None]
    return any(
        call.callee in CHECKS for one in places for call in calls_between(facts, one.path, one.line, one.end_line)
    )


def _beside_others(facts: SourceFacts) -> Iterator[Hit]:
    """``if current_user.is_authenticated: … elif key: … else: verify(token)``: of several ways in, the key's asks nothing."""
    for condition in facts.conditions():
        if condition.negated or condition.stops or not condition.function or not is_key_reading(condition.value):
            continue
        function = condition.function
        refuses = any(one.refuses for one in facts.conditions_in(function))
        others = any(_OTHERS.fullmatch(call.callee) for call in facts.calls_in(function))
        kept = any("." in one.target and is_key_reading(one.value) for one in facts.assignments_in(function))
        if refuses and others and not kept and not _compares_key(facts, function):
            yield Hit(BESIDE, condition.span)


def _spares_bearers(facts: SourceFacts, condition: Condition) -> bool:
    """``if key is None and not header.startswith("Bearer "): refuse``, in a function that does nothing else with that header."""
    value = condition.value
    if not isinstance(value, Choice) or not value.every:
        return False
    denied = [one.parts[0] for one in value.options if isinstance(one, Truth) and len(one.parts) == 1]
    if len(denied) == len(value.options) or not any(_is_bearer_seen(one) for one in denied):
        return False
    return not any(
        facts.derives(given, "authorization-header")
        for call in facts.calls_in(condition.function)
        if not call.callee.startswith("flask.request.") and call.method not in ("startswith", "get")
        for given in (*call.args, *(one for _, one in call.keywords))
    )


def _is_bearer_seen(value: Value) -> bool:
    """``request.headers.get("Authorization", "").startswith("Bearer ")``, or the header alone."""
    if isinstance(value, Call) and value.method == "startswith" and value.receiver is not None:
        value = value.receiver
    return (
        isinstance(value, Item)
        and isinstance(value.owner, Name)
        and value.owner.dotted == "flask.request.headers"
        and (text_of(value.key) or "").lower() == "authorization"
    )


def _trusting(facts: SourceFacts) -> set[str]:
    """The functions that make somebody out of whatever key is sent."""
    reading = {one.function for one in facts.readings("flask.request.headers") if is_key_name(one.key)}
    reading |= facts.once(
        "functions that test for a key",
        lambda: frozenset(one.function for one in facts.conditions() if _reads_key(one.value)),
    )
    return {name for name in reading if name and _trusts_the_key(facts, name)}


def _one_after_the_other(facts: SourceFacts) -> Iterator[Hit]:
    """``bearer() or by_key()``: the first gives nothing where the token does not verify, the second only asks whether a key is there."""
    trusting = _trusting(facts)
    if not trusting:
        return
    swallowing = _swallowing(facts)
    held = [(one.value, one.span) for one in facts.assignments()]
    held += [(one.value, one.span) for one in facts.returns()]
    held += [(one.value, one.span) for one in facts.conditions()]
    for value, span in held:
        for one in walk(value, 3):
            if isinstance(one, Choice) and not one.every:
                asked = [option.callee for option in one.options if isinstance(option, Call)]
                if any(name in trusting for name in asked) and any(name in swallowing for name in asked):
                    yield Hit(MESSAGE, span)
                    break


def _where_nobody_was_found(facts: SourceFacts) -> Iterator[Hit]:
    """``g.caller = by_token()`` and ``if g.caller is None:``, below which a key is asked for and not looked at."""
    swallowing = {one.function for one in facts.handlers() if one.action == "return" and _verifies(one)}
    for condition in facts.conditions() if swallowing else ():
        body = condition.body
        asked = (part.callee for part in walk(condition.value, 3) if isinstance(part, Call))
        if body is None or condition.refuses or not any(name in swallowing for name in asked):
            continue
        inside = [one for one in facts.conditions_in(condition.function) if one.refuses and body.holds(one.span)]
        looked_at = any(
            call.span is not None and body.holds(call.span) and any(map(_reads_key, call.args))
            for call in facts.calls_in(condition.function)
            if not call.callee.startswith("flask.")
        )
        for one in inside if not looked_at and not _compares_key(facts, condition.function) else ():
            if _reads_key(one.value):
                yield Hit(MESSAGE, one.span)


def _trusts_the_key(facts: SourceFacts, function: str) -> bool:
    """That the function makes somebody out of a key which nothing compares, looks up or gives on."""
    gives = [option for one in facts.returns_of(function) for option in options(one.value)]
    return (
        not _compares_key(facts, function)
        and any(not is_constant(one, None, False) for one in gives)
        and not any(is_key_reading(one) or isinstance(one, Call) for one in gives)
    )


def _hands_out_the_key(facts: SourceFacts, handler: Handler) -> bool:
    """The handler's answer is the key as it was sent, and those who get it only ask whether there is one."""
    function = handler.function
    handed = [one.value for one in facts.returns_of(function) if handler.span.holds(one.span)]
    if not function or not any(is_key_reading(option) for value in handed for option in options(value)):
        return False
    callers = {call.function for call in facts.calls(function)}
    looked_up = any(
        isinstance(part, Call) and part.callee == function
        for caller in callers
        for call in facts.calls_in(caller)
        for given in (call.receiver, *call.args, *(value for _, value in call.keywords))
        for part in walk(given, 4)
    )
    compared = any(
        isinstance(part, Call) and part.callee == function
        for one in facts.comparisons()
        if one.function in callers and not any(is_constant(side, None, "") for side in (one.left, one.right))
        for side in (one.left, one.right)
        for part in walk(side, 4)
    )
    return bool(callers) and not looked_up and not compared


def _verifies(handler: Handler) -> bool:
    for callee in handler.tried:
        if callee in CHECKS or any(
            word in callee.lower() for word in ("decode", "verify_token", "verify_jwt", "check_token")
        ):
            return True
    return False


def _conditions(facts: SourceFacts, function: str) -> Iterator[Condition]:
    yield from (one for one in facts.conditions_in(function) if not facts.is_test(one.span))


def _reads_key(value: Value) -> bool:
    for one in walk(value, 6):
        if is_key_reading(one):
            return True
        if (
            isinstance(one, Truth)
            and len(one.parts) == 2
            and isinstance(one.parts[1], Name)
            and (one.parts[1].dotted == "flask.request.headers" and "key" in (text_of(one.parts[0]) or "").lower())
        ):
            return True
    return False


def _either(condition: Condition) -> bool:
    """``if token or key``: two credentials that are only tested for being there."""
    if condition.negated:
        return False
    for one in walk(condition.value, 4):
        if isinstance(one, Item):
            sides: tuple[Value | None, ...] = (one, one.default)
        elif isinstance(one, Choice) and not one.every:
            sides = one.options
        else:
            continue  # two look-ups are needed, and nothing else holds two
        items = [side for side in sides if isinstance(side, Item)]
        keys = any(is_key_reading(side) for side in items)
        if keys and any((text_of(side.key) or "").lower() == "authorization" for side in items):
            return True
    return False


def _compares_key(facts: SourceFacts, function: str) -> bool:
    for comparison in facts.comparisons_in(function):
        sides = (comparison.left, comparison.right)
        if (
            not facts.is_test(comparison.span)
            and not any(is_constant(side, None, "") for side in sides)
            and any(is_key_reading(one) for side in sides for one in walk(side, 6))
        ):
            return True
    for call in facts.calls_in(function):
        if call.callee in ("bool", "len", "print", "str") or call.callee.startswith("flask."):
            continue
        if any(is_key_reading(one) for value in call.args for one in walk(value, 6)):
            return True
        if any(is_key_reading(one) for _, value in call.keywords for one in walk(value, 6)):
            return True
    return any(
        isinstance(one, Item) and any(is_key_reading(inner) for inner in walk(one.key, 3))
        for assignment in facts.assignments_in(function)
        if not facts.is_test(assignment.span)
        for one in walk(assignment.value, 5)
    )


def probe(target: Target) -> Steps[Verdict]:
    """A bad token alone is refused; a bad token with a bad key is let in."""
    if not reads_bearer(target.app):
        return not_applicable("nothing says that a bearer token is read beside an API key")
    tried = 0
    for route, method in candidates(target):
        if tried == ROUTES[target.depth] or is_door(route):
            continue
        request = target.request_for(route, method)
        token = with_header(request, "Authorization", f"Bearer {target.forge.garbage()}")
        try:
            alone = yield from send(token)
            if not alone.response.refused:
                continue  # open, or any token is let in: that is a weakness of its own
            tried += 1
            for name in headers_of(target.app):
                both = yield from send(with_header(token, name, NONSENSE))
                if both.response.succeeded and not both.response.error:
                    evidence = [
                        Evidence("exchange", "control: a token that nobody issued is refused", alone),
                        Evidence("exchange", "the same token with a key that nobody issued is let in", both),
                    ]
                    return failed(
                        f"{method} {route.path} lets two bad credentials in", [RouteRef(method, route.path)], evidence
                    )
        except Skipped:
            continue
    if not tried:
        return not_applicable("no route that can be read is closed to a bad token")
    return passed(f"{tried} closed routes refuse a bad token with a bad key")


RULE = Rule(
    slug="credential-check-falls-through",
    family="api-key",
    title="One credential's failure falls through to an unchecked one",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(288,),
    owasp="API2:2023",
    asvs=("V6.3.4",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="Stopper's `@(bearer | api_key)` verifies whatever is shown and refuses a bad one.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
