"""What turns out to be a sink or a part of the request only once it is known what a function is given: ``self.store.update(…)`` of a
session, ``self.file.write(…)`` of a log."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from stopper.core.fact import Assignment, Reading
from stopper.core.outgoing.held_headers import CLIENTS
from stopper.core.place import Span
from stopper.core.values import Call, Constant, Item, Name
from stopper.scan.source.drafts import new_call, new_constant, new_flow, new_name
from stopper.scan.source.lookups import request_part
from stopper.scan.source.project import Project
from stopper.scan.source.reader import instance_of
from stopper.scan.source.sinks import record_sinks
from stopper.scan.source.wsgi_names import ENVIRON, header_of

WRITES: Final = frozenset({"write", "writelines", "write_text"})
_SESSION: Final = "flask.session"


@dataclass(frozen=True, slots=True)
class _Home:
    """Where a call stands."""

    project: Project
    function: str


def record_late(project: Project, calls: Iterable[Call]) -> None:
    """The sinks of calls that were no sinks before their function was known to be given what it is."""
    told: set[Span] = {flow.span for flow in project.flows} if calls else set()
    for call in calls:
        if call.span not in told:
            record_sinks(_Home(project, call.function), call, call.method, call.receiver)


def assigned_late(project: Project, one: Assignment) -> None:
    """``self.store["token"] = token``, where the store is the session."""
    if isinstance(one.into, Name) and one.into.dotted == _SESSION:
        project.flows.append(new_flow("session", one.value, frozenset(), one.span, one.function, one.attribute))


def read_late(project: Project, found: Item, function: str) -> Item | Call:
    """``self.environ.get("HTTP_X_USER")``, where that is the request's: a reading, and a header under the name that headers have;
    ``client.get(address)``, where that is a client for HTTP: no look-up, but a call."""
    key = found.key
    place = found.span
    made = instance_of(found.owner.callee) if type(found.owner) is Call else None
    if made in CLIENTS and place is not None and found.default is not None:
        asked = new_call(f"{made}.get", (key,), (), False, found.owner, function, place)
        project.calls.append(asked)
        record_sinks(_Home(project, function), asked, "get", found.owner)
        return asked
    if type(key) is not Constant or type(key.value) is not str or place is None:
        return found
    if type(found.owner) is Name and found.owner.dotted in (ENVIRON, "flask.request.environ"):
        header = header_of(key.value)
        if header is not None:
            owner = new_name("flask.request.headers")
            found = Item(owner, new_constant(header, place), found.default, place, found.name)
    source = request_part(found.owner)
    if source and type(found.key) is Constant:
        project.readings.append(Reading(source, str(found.key.value), found, place, function))
    return found
