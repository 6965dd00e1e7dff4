"""Where a password is shown with each request: Flask-HTTPAuth asks a function of the project, at every route that it guards."""

from collections.abc import Iterator

from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.people.login_throttle import counts_attempts
from stopper.core.people.password_checks import checks_password
from stopper.core.place import Span


def unslowed_basic(index: FunctionIndex, layers: int) -> Iterator[Span]:
    """The functions that Basic authentication asks about a password of people, where neither they nor any route counts what was tried."""
    facts = index.facts
    if not facts.imports("flask_httpauth"):
        return
    for function in facts.functions():
        if not any(one.name.endswith(".verify_password") for one in function.decorators) or facts.is_test(
            function.span
        ):
            continue
        functions = index.calling([function.name], layers)
        asks = any(checks_password(facts, call) for name in functions for call in facts.calls_in(name))
        if asks and facts.routes and not any(counts_attempts(index, one, functions) for one in facts.routes):
            yield function.span
