"""Views that notice that a credential is wrong, or that nobody is there, say so and do their work all the same."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.account_names import LOGS_IN, REGISTERS, RESETS
from stopper.core.fact import Condition
from stopper.core.facts import SourceFacts
from stopper.core.flow.steps_run import only_runs, run_within
from stopper.core.guards.asked_together import COMPARES
from stopper.core.keys.api_key_names import is_key_name
from stopper.core.naming import may_be_key, sensitive
from stopper.core.place import Span
from stopper.core.values import Call, ConfigValue, EnvironmentValue, Name, Truth, Value, is_constant, options, walk

_CHANGES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_SHOWN: Final = ("flask.request.headers", "flask.request.authorization", "flask.request.cookies")
_CALLING: Final = ("flask.session", "flask_login.current_user", "flask_security.current_user", "flask.g.")
_LETS_IN: Final = frozenset({"login_user", "create_access_token"})
_SAYS: Final = re.compile(
    r"(?:.*\.)?(?:debug|info|warning|warn|error|exception|critical|log|print|flash|logout_user)|flask\.session\.(?:clear|pop)"
)
"""What says something, or ends the session: the request goes on behind it."""


def told_and_let_on(facts: SourceFacts) -> Iterator[tuple[Span, str]]:
    """``if not compare_digest(shown, key): message = "not allowed"``, and ``if person is None: session.clear()``, in a view that changes something."""
    for one in facts.conditions():
        if not (one.tells or _only_steps(facts, one)) or not _is_work(facts, one.function):
            continue
        if _compares(one):
            yield one.span, "a wrong credential is only noted, and the request goes on"
        elif _is_nobody(one) and _ends_session(facts, one):
            yield one.span, "the session of nobody is ended, and the request goes on"


def _is_work(facts: SourceFacts, view: str) -> bool:
    """That the view changes something, and is none that lets people in."""
    routes = facts.routes_of_view(view)
    about_people = any(one.search(f"{route.path} {view}") for route in routes for one in (LOGS_IN, REGISTERS, RESETS))
    changes = any(_CHANGES & set(route.methods) for route in routes)
    return changes and not about_people and not any(call.method in _LETS_IN for call in facts.calls_in(view))


def _compares(one: Condition) -> bool:
    """That what the caller shows is held against what is known, and is another one where the test holds."""
    value = one.value
    if isinstance(value, Call):
        in_test = value.span is not None and one.span.holds(value.span)  # else it has a name, which others may ask
        return in_test and one.negated and value.callee in COMPARES and any(map(_is_shown, value.args))
    if isinstance(value, Truth) and len(value.parts) == 2 and value.differs is not one.negated:
        known = any(map(_is_secret, value.parts))
        return known and any(map(_is_shown, value.parts))
    return False


def _is_secret(value: Value) -> bool:
    """A setting that is called as a key is; a version is held against a header too."""
    match value:
        case ConfigValue(key=name) | EnvironmentValue(variable=name):
            return sensitive(name) is not None or is_key_name(name) or may_be_key(name)
        case _:
            return False


def _is_shown(value: Value) -> bool:
    return any(isinstance(part, Name) and part.dotted.startswith(_SHOWN) for part in walk(value, 6))


def _is_nobody(one: Condition) -> bool:
    """``not session.get("user")``, ``person is None``: one way of the test is that nobody is calling."""
    for value in options(one.value):
        if isinstance(value, Truth) and len(value.parts) == 2:
            there = not any(is_constant(part, None) for part in value.parts) or value.differs is not one.negated
        else:
            there = not (one.negated or (isinstance(value, Truth) and len(value.parts) == 1))
        if not there and any(isinstance(part, Name) and part.dotted.startswith(_CALLING) for part in walk(value, 8)):
            return True
    return False


def _ends_session(facts: SourceFacts, one: Condition) -> bool:
    return one.body is not None and any(map(_ends, run_within(facts, one.function, one.body)))


def _ends(call: Call) -> bool:
    return call.method == "logout_user" or (call.method == "clear" and "session" in call.callee)


def _only_steps(facts: SourceFacts, one: Condition) -> bool:
    """That its body, which ends the session, is nothing but calls that say something or end it, also in functions of the project, and that the
    view asks nothing afterwards."""
    body = one.body
    if body is None or one.stops or one.skips or not facts.is_view(one.function):
        return False
    if any(
        other.span.line > body.end_line or (other is not one and other.span == one.span)
        for other in facts.conditions_in(one.function)
    ):
        return False
    said = [call.span for call in facts.calls_in(one.function) if call.span is not None and body.holds(call.span)]
    lines = {line for span in said for line in range(span.line, span.end_line + 1)}
    return (
        lines.issuperset(range(body.line, body.end_line + 1))
        and not any(body.holds(kept.span) for kept in facts.assignments_in(one.function))
        and only_runs(facts, one.function, body, _SAYS)
    )
