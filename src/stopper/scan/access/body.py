"""What the source says of a view's own body, where the source reader met no route that leads to it (Connexion, a loop, a table)."""

from typing import Final

from stopper.core.app import Guard, Route
from stopper.core.facts import SourceFacts
from stopper.core.labels import LabelKind

SHOWN: Final[tuple[LabelKind, ...]] = (
    "authorization-header",
    "api-key",
    "cookie",
    "session",
    "claims",
    "unverified-claims",
)
"""What a view reads when it asks who is calling."""


def body_guard(facts: SourceFacts | None, route: Route, method: str) -> Guard | None:
    """The check in the view: it reads what a caller shows, and refuses. None where it does not do both."""
    if facts is None or route.span is None:
        return None
    for function in facts.functions(tests=True):
        span = function.span
        if span.path != route.span.path or not route.span.line <= span.line <= route.span.end_line:
            continue
        if function.owner and function.name.rpartition(".")[2].upper() not in (method, "DISPATCH_REQUEST"):
            continue
        refusals = [one for one in facts.conditions(tests=True) if one.function == function.name and one.refuses]
        if refusals and _reads_caller(facts, function.name):
            return Guard(
                f"check in the view (line {refusals[0].span.line})", "view-body", True, "source", refusals[0].span
            )
    return None


def _reads_caller(facts: SourceFacts, function: str) -> bool:
    return any(
        facts.derives(value, *SHOWN, by_name=False)
        for call in facts.calls_in(function)
        for value in (*call.args, *(held for _, held in call.keywords))
    ) or any(
        facts.derives(one.value, *SHOWN, by_name=False)
        for one in facts.conditions(tests=True)
        if one.function == function
    )
