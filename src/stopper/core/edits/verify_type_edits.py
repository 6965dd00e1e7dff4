"""The edit by which a guard of Flask-JWT-Extended takes tokens of one type again."""

from stopper.core.app import App
from stopper.core.edits.call_edits import calls_at, passing
from stopper.core.facts import source_of
from stopper.core.rule import Edit, Hit
from stopper.core.values import Call, is_constant


def of_one_type(app: App, hit: Hit) -> Edit | None:
    """``verify_type`` as it is by default. A view that makes tokens is meant for refresh tokens, and is left to a person."""
    for call in calls_at(source_of(app), hit.span):
        if is_constant(call.keyword("verify_type"), False) and not _makes_tokens(app, call):
            return passing(call, ("verify_type", "True"), safe=False)
    return None


def _makes_tokens(app: App, call: Call) -> bool:
    """That the view which the guard stands at, or the function that asks, makes tokens."""
    facts = source_of(app)
    guarded = [one.name for one in facts.functions() if any(by.span == call.span for by in one.decorators)]
    return any(
        made.method.startswith("create_") for name in guarded or [call.function] for made in facts.calls_in(name)
    )
