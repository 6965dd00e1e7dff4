"""Log-ins that note a wrong password and go on: ``if not user.check_password(typed): flash("wrong")`` and then ``login_user(user)``."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Assignment, Condition
from stopper.core.facts import SourceFacts
from stopper.core.flow.steps_run import only_runs
from stopper.core.people.password_checks import checks_password
from stopper.core.place import Span
from stopper.core.values import Call, Choice, Name, Truth, Value

_LETS_IN: Final = (
    "*.login_user",
    "flask_jwt_extended.create_access_token",
    "flask_login.login_user",
    "flask_security.login_user",
)
_KEPT: Final = re.compile(r"(?i)user(?:_?(?:id|name))?|uid|logged_?in|account(?:_?id)?|member(?:_?id)?|email")
"""What a session has of who has logged in."""
_ONLY_NOTES: Final = re.compile(
    r"(?:.*\.)?(?:debug|info|warning|warn|error|exception|critical|log|print|flash|get|format|gettext|lazy_gettext|_|strip|lower|commit|add|append|now|utcnow|incr|sleep)"
)
"""Calls that end nothing; any other one may raise."""


def let_in_anyway(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    """The tests of passwords behind whose failure the same log-in follows, whatever they found."""
    places = [(call.function, call.span) for call in facts.calls(*_LETS_IN) if call.span is not None]
    places += [(one.function, one.span) for one in facts.assignments() if _says_who(one)]
    told: set[Span] = set()
    for function, place in places:
        around = {one.span for one in facts.conditions_around(place)}
        for one in facts.conditions_in(function) if function else ():
            if (
                one.span not in told
                and one.body is not None
                and one.body.end_line < place.line
                and _is_failure(facts, one)
                and around <= {outer.span for outer in facts.conditions_around(one.span)}
                and _only_notes(facts, function, one)
                and not _leaves_between(facts, function, one.body, place)
            ):
                told.add(one.span)
                yield one.span, "a wrong password is only noted: whoever sent it is logged in all the same"


def _says_who(one: Assignment) -> bool:
    kept = isinstance(one.into, Name) and one.into.dotted == "flask.session"
    return kept and _KEPT.fullmatch(one.attribute) is not None


def _is_failure(facts: SourceFacts, one: Condition) -> bool:
    """``if not check(…)``, also as one way of an ``or``."""
    if one.stops or one.refuses or one.skips:
        return False
    if one.negated:
        return _checks(facts, one.value)
    ways = one.value.options if isinstance(one.value, Choice) and not one.value.every else ()
    return any(isinstance(way, Truth) and len(way.parts) == 1 and _checks(facts, way.parts[0]) for way in ways)


def _checks(facts: SourceFacts, value: Value) -> bool:
    return isinstance(value, Call) and checks_password(facts, value)


def _only_notes(facts: SourceFacts, function: str, one: Condition) -> bool:
    """Nothing in its body ends the request, or says that it is somebody else who comes."""
    body = one.body
    return (
        body is not None
        and only_runs(facts, function, body, _ONLY_NOTES)
        and not any("." not in said.target for said in facts.assignments_in(function) if body.holds(said.span))
    )


def _leaves_between(facts: SourceFacts, function: str, body: Span, place: Span) -> bool:
    """A test further down by which somebody leaves first: ``if errors: return render_template(…)``."""
    return any(
        (one.stops or one.refuses) and body.end_line < one.span.line < place.line
        for one in facts.conditions_in(function)
    )
