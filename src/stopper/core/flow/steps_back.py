"""Paths of which only the beginning is looked at: ``/srv/files/../../etc/passwd`` begins with the folder as well."""

from typing import TYPE_CHECKING, Final

from stopper.core.flow.places_in_steps import comes_before, ways_to
from stopper.core.flow.read_parts import Origin, origins
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
    asked = [
        one.span
        for one in facts.conditions_in(function)
        if one.stops and any(_asks_beginning(part, mine) for part in walk(one.value, 4))
    ]
    return bool(asked) and (at is None or _is_behind(facts, at, asked, function))


def _is_behind(facts: "SourceFacts", place: "Span", asked: "list[Span]", function: str, steps: int = 4) -> bool:
    """That one of them is asked before the place, or before a call by which the function comes to it."""
    return any(comes_before(facts, one, place) for one in asked) or (
        steps > 0 and any(_is_behind(facts, one, asked, function, steps - 1) for one in ways_to(facts, place, function))
    )


def _asks_beginning(part: Value, mine: frozenset[Origin]) -> bool:
    return (
        isinstance(part, Call)
        and part.method == "startswith"
        and part.receiver is not None
        and bool(mine & origins(part.receiver))
        and _names_folder(text_of(part.argument(0)) or "")
    )


def _names_folder(said: str) -> bool:
    return said.startswith("/") and said.count("/") > 1 and not said.endswith("/")
