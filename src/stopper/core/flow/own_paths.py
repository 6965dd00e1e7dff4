"""The path that was asked, in a view whose routes have no variable part: it is one that the application has."""

from typing import TYPE_CHECKING, Final

from stopper.core.values import Call, Item, Member, Name, Parameter, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_REQUEST: Final = "flask.request"
_PATH: Final = "flask.request.path"


def is_own_path(facts: "SourceFacts", value: Value, function: str) -> bool:
    """That all which comes from the request is ``request.path`` or a part of it, and every route of the view is fixed."""
    inside = list(walk(value))
    asked = [said for part in inside if (said := _said(part)).startswith(_REQUEST)]
    if not asked or any(said != _PATH and not said.startswith(f"{_PATH}.") for said in asked):
        return False
    if any(isinstance(part, Parameter) or _is_of_another(part) for part in inside):
        return False
    routes = facts.routes_of_view(function)
    return bool(routes) and not any(one.parameters or "<" in one.path for one in routes)


def _said(part: Value) -> str:
    return part.dotted if isinstance(part, Name) else part.callee if isinstance(part, Call) else ""


def _is_of_another(part: Value) -> bool:
    """An element or a member of anything but the path: ``request.path.split("/")[1]`` is of it."""
    return isinstance(part, (Item, Member)) and not any(_said(one).startswith(_PATH) for one in walk(part.owner, 4))
