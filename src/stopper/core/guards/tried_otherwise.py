"""Handlers behind which a bad credential gets no further: they try another check, raise where somebody has to be known, or
only say where to go next."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.fact import Handler
from stopper.core.flow.places_in_steps import is_behind
from stopper.core.flow.raising import raised_in
from stopper.core.text_words import mentions
from stopper.core.values import Call, ConfigValue, EnvironmentValue, Name, Parameter, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_SAYS: Final = re.compile(
    r"flask\.(?:redirect|url_for|flash)|(?:.*\.)?(?:debug|info|warning|warn|error|exception|critical|log|print|gettext|_)"
)


def is_tried_otherwise(facts: "SourceFacts", handler: Handler) -> bool:
    """``except PyJWTError: verify_oauth_token()``, which raises in its turn, and ``except Exception: if required: raise``, where a parameter
    says whether views behind this decorator are for nobody in particular too."""
    checks = any(
        call.span is not None
        and handler.span.holds(call.span)
        and call.function == handler.function
        and facts.function(call.callee) is not None
        and raised_in(facts, call.callee)
        for call in facts.calls_in(handler.function)
    )
    return checks or any(
        (one.refuses or one.stops)
        and not one.negated
        and isinstance(one.value, Parameter)
        and handler.span.holds(one.span)
        for one in facts.conditions_in(handler.function)
    )


def only_leads_on(facts: "SourceFacts", handler: Handler) -> bool:
    """``try: person.confirm(code)`` and behind its ``except`` nothing but a word in the log and an address to go to, in a view: what the code
    opens stands in the ``try``."""
    name, end = handler.function, handler.span.line
    later = [one.value for one in facts.returns_of(name) if one.span.line > end]
    called = [one for one in facts.calls_in(name) if one.span is not None and one.span.line > end]
    return (
        facts.is_view(name)
        and bool(later)
        and all(isinstance(one, Call) and one.callee == "flask.redirect" for one in later)
        and all(_SAYS.fullmatch(one.callee) for one in called)
        and not any(one.span.line > end for one in facts.assignments_in(name))
    )


REFUSING: Final = frozenset({"abort", "unauthorized", "HTTPException", "Unauthorized", "Forbidden", "HTTPAbort"})
"""Calls that end a request."""


def is_turned_away_behind(facts: "SourceFacts", handler: Handler) -> bool:
    """An ``abort(401)`` behind it that no test stands round: in the ``else`` of a loop that a good credential leaves, or behind a ``with`` out of
    which one has gone on."""
    around = {one.span for one in facts.conditions_around(handler.span)}
    others = [one.span for one in facts.handlers_in(handler.function) if one.span != handler.span]
    return any(
        call.method in REFUSING
        and call.span is not None
        and call.span.path == handler.span.path
        and call.span.line > handler.span.end_line
        and not any(one.holds(call.span) for one in others)
        and {one.span for one in facts.conditions_around(call.span)} <= around
        for call in facts.calls_in(handler.function)
    )


def tries_what_it_is_given(facts: "SourceFacts", handler: Handler, steps: set[str]) -> bool:
    """``safely(read, raw)``: the function calls what a caller hands it, and one of them hands it a step that verifies."""
    return "?" in handler.tried and any(
        isinstance(given, Name) and given.dotted in steps
        for call in facts.calls(handler.function)
        for given in call.args
    )


def stops_somebody(facts: "SourceFacts", function: str) -> bool:
    """That a caller leaves by a test behind the call, whatever it answers: ``claims, error = attempt(raw)`` and ``if error: return error``."""
    return any(
        one.stops and is_behind(facts, one.span, call)
        for call in facts.calls(function)
        for one in facts.conditions_in(call.function)
    )


def refuses_in(facts: "SourceFacts", handler: Handler) -> bool:
    """An abort in the handler, or a refusal by what a function of the project says: ``if not is_service_call(): return unauthorized()``."""
    return asks_otherwise(facts, handler) or any(
        call.method in REFUSING
        and call.span is not None
        and handler.span.holds(call.span)
        and not any(
            handler.span.holds(one.span) and _asks_where_it_runs(one.value)
            for one in facts.conditions_around(call.span)
        )
        for call in facts.calls_in(handler.function)
    )


_OF_A_DESK: Final = re.compile(r"(?i)debug|(?:^|_)env(?:ironment)?$|development")


def _asks_where_it_runs(value: Value) -> bool:
    """``if not app.debug: abort(401)``: on somebody's desk nobody is turned away."""
    settings = [one for one in walk(value, 4) if isinstance(one, (EnvironmentValue, ConfigValue))]
    return mentions(value, _OF_A_DESK) or any(
        _OF_A_DESK.search(one.key if isinstance(one, ConfigValue) else one.variable) for one in settings
    )


def asks_otherwise(facts: "SourceFacts", handler: Handler) -> bool:
    """That the handler refuses whoever does not prove it in another way: ``if not compare_digest(shown, KEY): return unauthorized()``."""
    asked = [one for one in facts.conditions_in(handler.function) if one.refuses and handler.span.holds(one.span)]
    tested = [part for one in asked for part in walk(one.value, 3)]
    if any(isinstance(one, Call) and (facts.function(one.callee) or one.method == "compare_digest") for one in tested):
        return True
    inside = [one for one in facts.calls_in(handler.function) if one.span is not None and handler.span.holds(one.span)]
    steps = [made.span for one in inside if (made := facts.function(one.callee)) is not None]
    compared = [one.span for one in facts.calls("*.compare_digest") if one.span is not None]
    return any(step.holds(span) for step in steps for span in compared) and any(
        one.stops and handler.span.holds(one.span) for one in facts.conditions_in(handler.function)
    )
