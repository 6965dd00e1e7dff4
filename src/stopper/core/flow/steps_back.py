"""Paths of which only the beginning is looked at: ``/srv/files/../../etc/passwd`` begins with the folder as well."""

from typing import TYPE_CHECKING, Final

from stopper.core.flow.read_parts import origins
from stopper.core.values import Call, Name, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts
    from stopper.core.place import Span

WITHOUT_STEPS_BACK: Final = frozenset({"resolve", "realpath", "abspath", "normpath", "safe_join"})
_SENT: Final = "flask.request"


def leaves_steps_back(call: Call) -> bool:
    """``path.is_relative_to(ROOT)``, ``path.startswith(ROOT)`` of what the caller has just sent, in which nothing has resolved ``..``; a beginning that
    names no folder is another question."""
    said = text_of(call.argument(0))
    if call.receiver is None or (said is not None and "/" not in said):
        return False
    inside = list(walk(call.receiver, 12))
    sent = any(isinstance(one, Name) and one.dotted.startswith(_SENT) for one in inside)
    return sent and not any(isinstance(one, Call) and one.method in WITHOUT_STEPS_BACK for one in inside)


def begins_like_others(facts: "SourceFacts", path: Value, function: str, at: "Span | None") -> bool:
    """``if not path.startswith("/srv/files"): abort(404)``: ``/srv/files-of-others`` begins so too."""
    mine = origins(path)
    return any(
        isinstance(part, Call)
        and part.method == "startswith"
        and part.receiver is not None
        and bool(mine & origins(part.receiver))
        and _names_folder(text_of(part.argument(0)) or "")
        for one in facts.conditions_in(function)
        if one.stops and (at is None or one.span < at)
        for part in walk(one.value, 4)
    )


def _names_folder(said: str) -> bool:
    return said.startswith("/") and said.count("/") > 1 and not said.endswith("/")
