"""What an unexpected error shows is left to chance."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.app_wiring import Wiring
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import Span
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
"""Libraries that answer unexpected errors themselves. Stopper is the first: it is loaded wherever a running application is judged."""
APPS: Final = ("flask.Flask",)
_MESSAGE: Final = "nothing is registered for errors that nobody expected"


def detect(app: App) -> Iterator[Hit]:
    """An application that is made, has routes, and registers nothing for errors that nobody expected."""
    facts = source_of(app)
    if app.wiring is not None:
        yield from _running(app, app.wiring)
        return
    if facts.imports(*HANDLES) or not any(not facts.is_test(route.span) for route in facts.routes):
        return
    if any(one.what in LAST and not one.blueprint for one in facts.error_handlers()):
        return
    elsewhere = facts.calls("*.handle_exception", "*.init_error_handlers", "*.register_error_handlers")
    if any(facts.function(call.callee) is None for call in elsewhere):
        return  # what the project's own function of that name registers is seen
    made = _made(facts)
    if made is not None:
        yield Hit(_MESSAGE, made)


def _running(app: App, wiring: Wiring) -> Iterator[Hit]:
    """What is registered decides, whoever registered it and by whatever name."""
    if wiring.answers_errors or any(one.what in LAST and not one.blueprint for one in wiring.handlers):
        return
    facts = source_of(app)
    served = any(one.endpoint.rpartition(".")[2] != "static" and not facts.is_test(one.span) for one in app.routes)
    if served and not facts.imports(*HANDLES) and not any(name in wiring.loaded for name in HANDLES[1:]):
        yield Hit(_MESSAGE, _made(facts), reader="running")


def _made(facts: SourceFacts) -> Span | None:
    own = facts.classes(*APPS)
    return next((call.span for call in facts.calls(*APPS, *(found.name for found in own))), None)


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
    surfaces=("source", "running"),
    ends="`Stopper(app)` answers an exception that nobody catches with a 500 that says nothing.",
    certainty="likely",
    detect=detect,
)
