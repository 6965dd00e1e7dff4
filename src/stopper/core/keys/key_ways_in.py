"""Where an API key that nothing judges is one of several ways in, beside one that is checked."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Condition
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.keys.unjudged_keys import asks_absence, names_in, never_judged
from stopper.core.place import Span
from stopper.core.values import Call, Choice, Name, Sequence, Truth, Value, is_constant, options, walk

_OTHERS: Final = re.compile(
    r"(?i)(?!.*(?:flask\.json|_verifier$)).*(?:verify|decode|authenticate|is_authenticated|validate|check_token|check_password|load_user|get_jwt)\w*"
)
"""Calls that check another credential; ``.decode()`` of bytes is left out by its receiver."""
_PERSON: Final = re.compile(r"flask\.session\b.*|flask_(?:login|security|jwt_extended)\.(?:\w+\.)*current_user\b.*")

Place = tuple[Span, str]


def ways_without_a_check(facts: SourceFacts) -> Iterator[Place]:
    """The places, each with its function, where a key that nothing judges lets in where something else would be checked."""
    names = never_judged(facts)
    if not names:
        return
    yield from _past_the_check(facts, names)
    yield from _unless_there(facts, names)
    yield from _by_loaders(facts, names)
    yield from _either_of_two(facts, names)
    yield from _same_principal(facts, names)
    yield from _one_of_a_table(facts, names)


def _about(facts: SourceFacts, value: Value, names: frozenset[str]) -> bool:
    return next(names_in(facts, value, names), None) is not None


def _is_other(value: Value, own: str = "") -> bool:
    """That a value says whether another credential is good: the claims of a token, somebody who is logged in; what the function *own*
    says is no other."""
    for part in walk(value, 5):
        if isinstance(part, Call) and part.callee != own and _checks(part):
            return True
        if isinstance(part, Name) and _PERSON.fullmatch(part.dotted):
            return True
        if isinstance(part, Truth) and any(
            isinstance(one, Name) and one.dotted == "flask.session" for one in part.parts
        ):
            return True
    return False


def _checks(call: Call) -> bool:
    return _OTHERS.fullmatch(call.callee) is not None and call.callee != "?.decode"


def _checking_in(facts: SourceFacts, function: str, outside: Span | None = None) -> bool:
    """That the function checks another credential itself, outside that place."""
    for call in facts.calls_in(function):
        if _checks(call) and not (outside is not None and call.span is not None and outside.holds(call.span)):
            return True
    return any(_is_other(one.value, function) for one in facts.conditions_in(function))


def _refuses(facts: SourceFacts, function: str) -> bool:
    return (
        any(one.refuses for one in facts.conditions_in(function))
        or any(one.action in ("refuse", "raise") for one in facts.handlers_in(function))
        or any(call.method == "abort" for call in facts.calls_in(function))
    )


def _past_the_check(facts: SourceFacts, names: frozenset[str]) -> Iterator[Place]:
    """``if request.headers.get("X-Service-Key"): return view()`` before the check of the token."""
    for one in facts.conditions():
        if one.refuses or one.body is None or not one.function or asks_absence(one.value, one.negated):
            continue
        lets_in = _about(facts, one.value, names) and _gives(facts, one) and _refuses(facts, one.function)
        if lets_in and _checking_in(facts, one.function, one.body):
            yield one.span, one.function


def _unless_there(facts: SourceFacts, names: frozenset[str]) -> Iterator[Place]:
    """``if "X-API-Key" not in request.headers:`` and everything that checks stands below it."""
    for one in facts.conditions():
        body = one.body
        if one.refuses or body is None or not one.function or not asks_absence(one.value, one.negated):
            continue
        if not _about(facts, one.value, names):
            continue
        inside = [other for other in facts.conditions_in(one.function) if other.refuses and body.holds(other.span)]
        others = [other for other in facts.conditions_in(one.function) if other.refuses and not body.holds(other.span)]
        checks = any(
            call.span is not None and body.holds(call.span) and (_checks(call) or call.method == "compare_digest")
            for call in facts.calls_in(one.function)
        )
        if inside and not others and checks:
            yield one.span, one.function


def _by_loaders(facts: SourceFacts, names: frozenset[str]) -> Iterator[Place]:
    """``@login_manager.request_loader`` that makes somebody of whoever sends a key, beside those who have logged in."""
    for function in facts.functions():
        if any(one.name.endswith(".request_loader") for one in function.decorators):
            for one in facts.conditions_in(function.name):
                if not asks_absence(one.value, one.negated) and _about(facts, one.value, names) and one.stops:
                    yield one.span, function.name


def _gives(facts: SourceFacts, condition: Condition) -> bool:
    """That the body lets somebody in: it ends the check, runs the view or says who is calling."""
    body = condition.body
    return body is not None and (
        condition.stops
        or any(
            body.holds(one.span) and not is_constant(one.value, False) for one in facts.returns_of(condition.function)
        )
        or any(
            body.holds(one.span)
            and re.search(
                r"(?:^|[._])(?:user|principal|subject|identity|client|caller|who|tenant|account)\w*$", one.target
            )
            for one in facts.assignments_in(condition.function)
        )
    )


def _either_of_two(facts: SourceFacts, names: frozenset[str]) -> Iterator[Place]:
    """``logged_in() or key is not None``, and the same turned round where it refuses."""
    held: list[tuple[Value, Span, str, bool]] = []
    held += [(one.value, one.span, one.function, True) for one in facts.returns()]
    held += [(one.value, one.span, one.function, True) for one in facts.assignments()]
    held += [(one.value, one.span, one.function, one.negated) for one in facts.conditions() if one.refuses]
    met: set[int] = set()
    for value, span, function, negated in held:
        if isinstance(value, Choice) and value.every != negated and len(value.options) > 1:
            keyed = [_about(facts, one, names) and not _is_other(one) for one in value.options]
            other = [_is_other(one) and not _about(facts, one, names) for one in value.options]
            parts = {id(one) for one in value.options}
            if any(keyed) and any(other) and met.isdisjoint(parts):
                yield span, function
                met |= parts  # where a function gives it back, it stands in the test as well


def _same_principal(facts: SourceFacts, names: frozenset[str]) -> Iterator[Place]:
    """``g.user`` is what a token says, and where there is none, whatever was sent as a key."""
    checked = {(one.function, one.target) for one in facts.assignments() if one.function and _is_other(one.value)}
    for one in facts.assignments() if checked else ():
        if (one.function, one.target) in checked and not _is_other(one.value) and _about(facts, one.value, names):
            yield one.span, one.function


def _one_of_a_table(facts: SourceFacts, names: frozenset[str]) -> Iterator[Place]:
    """Of several functions that say who is calling, one goes by the key alone."""
    trusting: dict[str, Span] = {}
    for one in facts.returns():
        reads = any(True for condition in facts.conditions_in(one.function) if _about(facts, condition.value, names))
        if reads and not is_constant(one.value, None, False) and not _checking_in(facts, one.function):
            trusting.setdefault(one.function, one.span)
    if not trusting:
        return
    for assigned in facts.assignments():
        if isinstance(assigned.value, Sequence):
            listed = [
                name for item in assigned.value.items for option in options(item) for name in _asked(facts, option)
            ]
            if any(_checking_in(facts, name) for name in listed if name not in trusting):
                yield from ((trusting[name], name) for name in listed if name in trusting)


def _asked(facts: SourceFacts, value: Value) -> list[str]:
    """The function of a table, or the methods of an object in it: ``[BearerAuth(), KeyAuth()]``."""
    if isinstance(value, Call) and (known := classes_by_name(facts).get(value.callee)) is not None:
        return [f"{known.name}.{method}" for method in known.methods]
    return [value.dotted] if isinstance(value, Name) else []
