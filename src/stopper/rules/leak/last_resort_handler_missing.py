"""What an unexpected error shows is left to chance."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import source_of
from stopper.core.rule import Hit, Rule

LAST: Final = frozenset(
    {
        "Exception", "BaseException", "500", "werkzeug.exceptions.InternalServerError", "werkzeug.exceptions.HTTPException", "?",
    }
)  # fmt: skip
"""What a handler is registered for that also gets what nobody expected; ``?`` may be any of them."""
HANDLES: Final = (
    "stopper", "apiflask", "connexion", "flask_smorest", "flask_restx", "flask_restplus", "flask_rebar", "quart", "flask_errors_handler",
    "flask_rest_jsonapi", "flask_exceptions", "safrs",
)  # fmt: skip
"""Libraries that answer unexpected errors themselves."""
APPS: Final = ("flask.Flask",)


def detect(app: App) -> Iterator[Hit]:
    """An application that is made, has routes, and registers nothing for errors that nobody expected."""
    facts = source_of(app)
    if facts.imports(*HANDLES) or not any(not facts.is_test(route.span) for route in facts.routes):
        return
    if any(one.what in LAST and not one.blueprint for one in facts.error_handlers()):
        return
    if next(facts.calls("*.handle_exception", "*.init_error_handlers", "*.register_error_handlers"), None) is not None:
        return
    own = list(facts.classes(*APPS))
    if any("handle_exception" in found.methods or "handle_user_exception" in found.methods for found in own):
        return
    made = next(facts.calls(*APPS, *(found.name for found in own)), None)
    if made is not None:
        yield Hit("nothing is registered for errors that nobody expected", made.span)


RULE = Rule(
    slug="last-resort-handler-missing",
    family="leak",
    title="No last-resort error handler",
    harm="What an unexpected error shows is left to chance.",
    severity="low",
    check="data-exposure",
    cwe=(755,),
    owasp="API8:2023",
    asvs=("V16.5.4",),
    surfaces=("source",),
    ends="`Stopper(app)` answers an exception that nobody catches with a 500 that says nothing.",
    certainty="likely",
    detect=detect,
)
