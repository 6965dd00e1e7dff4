"""Handlers behind which a bad credential gets no further: they try another check, raise where somebody has to be known, or
only say where to go next."""

import re
from typing import TYPE_CHECKING, Final

from stopper.core.fact import Handler
from stopper.core.flow.raising import raised_in
from stopper.core.values import Call, Parameter

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
