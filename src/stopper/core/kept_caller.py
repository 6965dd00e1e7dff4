"""What a function keeps of its caller for others (``g.user = …``), and whether those others refuse where nobody was kept."""

from typing import TYPE_CHECKING, Final

from stopper.core.facts import source_of
from stopper.core.values import Name, walk

if TYPE_CHECKING:
    from stopper.core.app import App, Guard
    from stopper.core.facts import SourceFacts

_HOMES: Final = {
    "g.": "flask.g.",
    "request.": "flask.request.",
    "flask.g.": "flask.g.",
    "flask.request.": "flask.request.",
}


def is_asked_for_later(facts: "SourceFacts", function: str) -> bool:
    """That *function* only finds out who is calling: it hangs that on ``g`` or the request, and another function refuses by it."""
    kept = {
        full + one.target.removeprefix(short)
        for one in facts.assignments_in(function)
        for short, full in _HOMES.items()
        if one.target.startswith(short)
    }
    return bool(kept) and any(
        condition.refuses
        and condition.function != function
        and any(isinstance(part, Name) and part.dotted in kept for part in walk(condition.value, 6))
        for condition in facts.conditions()
    )


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
