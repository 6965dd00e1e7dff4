"""Routes that take nothing but JSON: another site's page cannot send that with the visitor's cookie without being asked first."""

import re
from typing import Final

from stopper.core.app import App, Route
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.view_functions import index_of
from stopper.core.probing.baseline import is_door
from stopper.core.values import Name, is_constant, walk

CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_FORMS: Final = frozenset(
    {
        "flask.request.form",
        "flask.request.values",
        "flask.request.files",
        "flask.request.data",
        "flask.request.get_data",
    }
)
"""What a form of another site can send, or a text that is no form."""
_LENIENT: Final = ("force", "silent")
"""What makes ``get_json`` read a body of any type, or go on without one."""
_LETS: Final = re.compile(r"(?i)access-control-allow-credentials|supports_credentials")


def changes_take_json_alone(app: App) -> bool:
    """Whether each route that changes something reads its body as JSON and refuses anything else, and no other site is let in by CORS."""
    facts = source_of(app)
    changing = [
        (route, method) for route in app.routes for method in route.methods if method in CHANGING and not is_door(route)
    ]
    return bool(changing) and all(takes_json_alone(facts, *one) for one in changing)


def takes_json_alone(facts: SourceFacts, route: Route, method: str) -> bool:
    """Whether that one does. What is no POST is asked for first, whatever its body is."""
    if _lets_others_in(facts):
        return False
    if method != "POST":
        return True
    index = index_of(facts)
    own = [one.name for one in index.of_view(route.view, route.span, method)]
    names = index.calling(own, 1)
    calls = [call for name in names for call in facts.calls_in(name)]
    read = [call for call in calls if call.callee == "flask.request.get_json"]
    if any(
        call.open or any(name in _LENIENT and not is_constant(value, False) for name, value in call.keywords)
        for call in read
    ):
        return False
    if any(call.args or call.callee in _FORMS for call in (*read, *(call for call in calls if call.callee in _FORMS))):
        return False
    sources = {one.source for one in facts.readings() if one.function in names}
    if sources & _FORMS or _goes_on_without(facts, names):
        return False
    return bool(read) or "flask.request.json" in sources


def _goes_on_without(facts: SourceFacts, names: list[str]) -> bool:
    """Whether it asks what the body is, and does not refuse what is no JSON."""
    return any(
        isinstance(part, Name)
        and part.dotted in ("flask.request.is_json", "flask.request.content_type", "flask.request.mimetype")
        for name in names
        for one in facts.conditions_in(name)
        if not one.refuses
        for part in walk(one.value, 4)
    )


def _lets_others_in(facts: SourceFacts) -> bool:
    """Whether CORS lets other sites send what the visitor's browser knows."""
    told = any(
        name == "supports_credentials" and not is_constant(value, False)
        for call in facts.calls("flask_cors.CORS", "flask_cors.cross_origin", "flask_cors.CORS.init_app")
        for name, value in call.keywords
    )
    return (
        told
        or facts.says_like("access-control-allow-credentials", _LETS)
        or bool(list(facts.config_writes("CORS_SUPPORTS_CREDENTIALS")))
    )
