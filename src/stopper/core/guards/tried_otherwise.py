"""Handlers behind which a bad credential gets no further: they try another check, or raise where somebody has to be known."""

from typing import TYPE_CHECKING

from stopper.core.fact import Handler
from stopper.core.flow.raising import raised_in
from stopper.core.values import Parameter

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


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
