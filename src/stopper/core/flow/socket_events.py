"""The events of a WebSocket of Flask-SocketIO: which functions they run, and whether those look at who has opened it."""

from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Function
from stopper.core.facts import SourceFacts
from stopper.core.flow.message_parameters import NAMESPACES, SOCKETS
from stopper.core.flow.view_functions import index_of
from stopper.core.guards.asking_views import is_who
from stopper.core.values import Name, Value, text_of, walk

_STEPS: Final = 2
_COOKIES: Final = ("flask.request.cookies", "flask_login.", "flask_security.", "flask_jwt_extended.")


def events_of(facts: SourceFacts) -> Iterator[Function]:
    """The functions that events run."""
    named = {text for call in facts.calls("*.on_event") if (text := _handler(call.argument(1, "handler")))}
    spaces = {name for one in facts.classes(*NAMESPACES) for name in one.methods}
    for function in facts.functions():
        word = function.name.rpartition(".")[2]
        if (
            any(one.name in SOCKETS for one in function.decorators)
            or function.name in named
            or (word.startswith("on_") and (function.name in spaces or (word in spaces and bool(function.owner))))
        ):
            yield function


def _handler(value: Value | None) -> str:
    return value.dotted if isinstance(value, Name) else text_of(value) or ""


def hears_nobody(facts: SourceFacts) -> bool:
    """That events are there, and that none looks at the session, the cookies or who is logged in: whose browser opened the socket makes no
    difference."""
    events = list(events_of(facts))
    names = index_of(facts).calling([one.name for one in events], _STEPS)
    return bool(events) and not any(_looks(facts, name) for name in names)


def _looks(facts: SourceFacts, name: str) -> bool:
    function = facts.function(name)
    if function is not None and any(one.name.startswith(_COOKIES) for one in function.decorators):
        return True
    values: list[Value] = [*facts.calls_in(name), *(one.value for one in facts.conditions_in(name))]
    values += [one.value for one in facts.assignments_in(name)]
    values += [one.value for one in facts.returns_of(name)]
    return any(
        is_who(part) or (isinstance(part, Name) and part.dotted.startswith(_COOKIES))
        for value in values
        for part in walk(value, 5)
    ) or any(call.callee.startswith(_COOKIES) for call in facts.calls_in(name))
