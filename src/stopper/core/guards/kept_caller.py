"""What a function keeps of its caller for others (``g.user = …``), and whether those others refuse where nobody was kept."""

from typing import TYPE_CHECKING, Final

from stopper.core.facts import source_of
from stopper.core.flow.nested_functions import inside
from stopper.core.text_words import mentions
from stopper.core.values import Call, Name, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stopper.core.app import App, Guard
    from stopper.core.fact import Condition
    from stopper.core.facts import SourceFacts

_HOMES: Final = {
    "g.": "flask.g.",
    "request.": "flask.request.",
    "flask.g.": "flask.g.",
    "flask.request.": "flask.request.",
}


def is_asked_for_later(facts: "SourceFacts", function: str) -> bool:
    """That *function* only finds out who is calling: it hangs that on ``g`` or the request, and another function refuses by it."""
    kept = _kept_in(facts, function)
    return (
        bool(kept)
        and any(one.refuses and one.function != function and _asks_about(one, kept) for one in facts.conditions())
        and not _guards_alone(facts, function, kept)
    )


def _kept_in(facts: "SourceFacts", function: str) -> "set[str]":
    return {
        full + one.target.removeprefix(short)
        for one in facts.assignments_in(function)
        for short, full in _HOMES.items()
        if one.target.startswith(short)
    }


def _asks_about(condition: "Condition", kept: "set[str]") -> bool:
    return any(isinstance(part, Name) and part.dotted in kept for part in walk(condition.value, 6))


def _guards_alone(facts: "SourceFacts", function: str, kept: "set[str]") -> bool:
    """That it is the wrapper of a decorator which turns some away itself, and some view has no other that asks: who passes it is in."""
    if not any(one.refuses for one in facts.conditions_in(function)):
        return False
    outer = function.rpartition(".")[0]
    for view in facts.functions() if facts.function(outer) is not None else ():
        names = [one.name for one in view.decorators]
        if outer not in names or not facts.is_view(view.name):
            continue
        others = [view.name, *(inner for name in names if name != outer for inner in inside(facts, name))]
        if not any(one.refuses and _asks_about(one, kept) for name in others for one in facts.conditions_in(name)):
            return True
    return False


def dispatches_views(facts: "SourceFacts", function: str) -> bool:
    """``dispatch_request`` of a view class, or of one that view classes derive from, where none of them refuses by what it keeps on ``self``."""
    owner, _, word = function.rpartition(".")
    if word != "dispatch_request":
        return False
    below = [one.name for one in facts.classes(owner)] if owner else []
    kept = [one for one in facts.assignments_in(function) if one.target.startswith("self.")]
    spans = {part.span for one in kept for part in walk(one.value, 3) if isinstance(part, Call)}
    asked = [one for name in (owner, *below) for one in _conditions_of(facts, name) if one.refuses]
    return any(facts.is_view(name) for name in (owner, *below)) and not any(
        any(mentions(one.value, put.attribute) for put in kept)
        or any(isinstance(part, Call) and part.span in spans for part in walk(one.value, 6))
        for one in asked
        if one.function != function
    )


def _conditions_of(facts: "SourceFacts", owner: str) -> "Iterator[Condition]":
    found = next((one for one in facts.classes() if one.name == owner), None)
    for method in found.methods if found is not None else ():
        yield from facts.conditions_in(f"{owner}.{method}")


def hooks_before_guards(app: "App") -> frozenset[str]:
    """The hooks behind which views have guards of their own: such a hook only finds out who is calling, and closes nothing."""
    return source_of(app).once("hooks before guards", lambda: _hooks_before_guards(app))


def _hooks_before_guards(app: "App") -> frozenset[str]:
    facts = source_of(app)
    closed = {
        (route.path, route.view)
        for route in app.routes
        for access in route.access.values()
        if any(guard.stops and guard.kind != "before_request" and _closes(facts, guard) for guard in access.guards)
    }
    routes = facts.routes
    return frozenset(hook for route in routes if (route.path, route.view) in closed for hook in route.hooks)


def _closes(facts: "SourceFacts", guard: "Guard") -> bool:
    """That it turns strangers away: not ``if not write(page, text, g.editor): abort(404)``, which says what the work found."""
    around = [] if guard.span is None or guard.kind != "view-body" else list(facts.conditions_around(guard.span))
    return not around or any(one.refuses for one in around)
