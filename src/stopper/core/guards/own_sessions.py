"""Sessions that a project keeps itself: an id in a cookie, and what belongs to it in a store."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import Assignment
from stopper.core.facts import SourceFacts
from stopper.core.flow.held_attributes import held_under
from stopper.core.place import Span
from stopper.core.values import Call, Item, Member, Name, Value, options, text_of

_ID: Final = re.compile(r"(?i)sess|^sid$|_sid$|visit")
_KEPT: Final = "flask.g."


def ids_kept(facts: SourceFacts) -> frozenset[str]:
    """Where the id is kept for the request, as ``flask.g.sid``: it comes out of a cookie, and goes back into one."""
    return facts.once("ids of own sessions", lambda: frozenset(_ids_kept(facts)))


def _ids_kept(facts: SourceFacts) -> Iterator[str]:
    for call in facts.calls("*.set_cookie"):
        sent = call.argument(1, "value")
        held = isinstance(sent, Name) and sent.dotted.startswith(_KEPT) and _is_session(call)
        if held and isinstance(sent, Name) and facts.derives(sent, "cookie", by_name=False):
            yield sent.dotted


def written_into(facts: SourceFacts) -> Iterator[Assignment]:
    """What is put into such a session: ``g.kept["user"] = user.id``."""
    if not ids_kept(facts):
        return
    for one in facts.assignments():
        into = one.into
        if one.function and one.target.startswith("[") and isinstance(into, Name) and into.dotted.startswith(_KEPT):
            yield one


def takes_new_id(facts: SourceFacts, function: str, depth: int = 2) -> bool:
    """That the function, or one that it calls, gives the session another id, or a cookie of its own."""
    words = {one.rpartition(".")[2] for one in ids_kept(facts)}
    if any(
        one.attribute in words and "." in one.target and not any(map(is_shown, options(one.value)))
        for one in facts.assignments_in(function)
    ):
        return True
    calls = list(facts.calls_in(function))
    if any(call.method == "set_cookie" and _is_session(call) for call in calls):
        return True
    called = dict.fromkeys(call.callee for call in calls if facts.function(call.callee) is not None)
    return depth > 0 and any(takes_new_id(facts, name, depth - 1) for name in called)


def sent_back(facts: SourceFacts) -> Iterator[tuple[str, Span]]:
    """Functions that send the id which came in the cookie again: ``set_cookie("sid", request.cookies.get("sid") or new_id())``."""
    for call in facts.calls("*.set_cookie"):
        if not _is_session(call) or call.span is None:
            continue
        for value in options(call.argument(1, "value")):
            held = held_under(facts, value.owner, value.attribute) if isinstance(value, Member) else ()
            for one, function in ((value, call.function), *held):
                if function and any(map(is_shown, options(one))):
                    yield function, call.span


def is_shown(value: Value) -> bool:
    """A cookie of the request."""
    return isinstance(value, Item) and isinstance(value.owner, Name) and value.owner.dotted == "flask.request.cookies"


def _is_session(call: Call) -> bool:
    return _ID.search(text_of(call.argument(0, "key")) or "") is not None
