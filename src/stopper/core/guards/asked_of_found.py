"""What is asked of the caller about a thing, and what is only said of the thing that was found."""

import re
from collections.abc import Container
from typing import Final

from stopper.core.app import Route
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.owner_names import WHO
from stopper.core.values import Call, Member, Name, Parameter, Value

_OF_CALLER: Final = re.compile(r"(?:is|has|owns|follows|likes|joined)(?:_|$)")
_CHAINED: Final = frozenset(
    {"with_parent", "order_by", "join", "options", "paginate", "offset", "exists", "desc", "asc"}
)
"""What a query is told on its way."""


def is_asked_of_caller(call: Call) -> bool:
    """``current_user.is_collecting(photo)``: a method of whoever is calling, about the thing."""
    owner, _, word = call.callee.rpartition(".")
    if isinstance(call.receiver, Name):
        owner = f"{owner} {call.receiver.dotted}"  # ``User.is_moderator_of``, of ``current_user``
    return bool(call.args) and _OF_CALLER.match(word) is not None and WHO.search(owner) is not None


_CALLER: Final = re.compile(r"(?:user|identity|principal|caller|account|me)")
"""What views call whoever is calling, where a decorator hands them in."""
_OF_BODY: Final = re.compile(
    r"(?i)(?:.*[._])?(?:arguments?|args|kwargs|input|body|expects?|validate\w*|schema|json|form)"
)
"""A decorator that hands in what was sent."""


def is_callers_parameter(index: FunctionIndex, route: Route, part: Parameter) -> bool:
    """``def show(user, user_id)`` below ``@login_required``: what the view is handed beside all that the path says is who is calling. Where a part
    of the path does not arrive, the decorator may have looked somebody up by it."""
    view = index.by_name.get(part.function)
    said = {name for name, _ in route.parameters}
    return (
        view is not None
        and not any(_OF_BODY.fullmatch(one.name) for one in view.decorators)
        and part.default is None
        and _CALLER.fullmatch(part.parameter) is not None
        and part.parameter not in said
        and said <= set(view.parameters)
        and part.function.startswith(route.view)
    )


def not_of_found(call: Call, held: list[Value], queries: Container[str]) -> list[Value]:
    """What a call holds, for a query without what is only said of the thing that was found: ``Photo.query.with_parent(photo.author)``."""
    if call.method not in queries and call.method not in _CHAINED:
        return held
    return [
        part
        for part in held
        if not (isinstance(part, Member) and isinstance(part.owner, Call) and part.owner.method in queries)
    ]
