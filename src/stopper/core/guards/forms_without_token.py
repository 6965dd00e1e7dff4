"""Changes by POST that ask for no token, in an application whose forms of Flask-WTF bring one each and that protects nothing else."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import SourceFacts
from stopper.core.flow.changing_calls import writes
from stopper.core.flow.view_functions import index_of
from stopper.core.place import RouteRef, Span
from stopper.core.probing.baseline import is_door

_WHOLE: Final = ("flask_wtf.CSRFProtect", "flask_wtf.CsrfProtect", "flask_wtf.csrf")
"""What protects every form, or asks for the token by hand."""
_FORMS: Final = frozenset({"validate_on_submit", "validate", "validate_csrf", "is_submitted"})
_BODIES: Final = frozenset(
    {"flask.request.get_json", "flask.request.json", "flask.request.get_data", "flask.request.data"}
)
"""What another site cannot send without being asked first."""


_COMMAND: Final = re.compile(
    r"os\.(?:system|popen|unlink|remove|rmdir|removedirs|rename|replace)|subprocess\.(?:run|call|check_call|check_output|Popen)|shutil\.(?:rmtree|move)"
    r"|pathlib\.Path\.(?:unlink|rmdir|rename)"
)


def runs_command(facts: SourceFacts, function: str) -> bool:
    """``os.system("systemctl restart …")`` or ``os.unlink(backup)``, itself or by a function that it calls."""
    called = {function, *(call.callee for call in facts.calls_in(function) if facts.function(call.callee) is not None)}
    return any(_COMMAND.fullmatch(call.callee) for name in called for call in facts.calls_in(name))


def changes_without_token(app: App, facts: SourceFacts) -> Iterator[tuple[RouteRef, Span]]:
    """Each guarded POST that changes something, with no form in its view."""
    if not facts.imports("flask_wtf") or facts.imports(*_WHOLE):
        return
    index = index_of(facts)
    for route in app.routes:
        access = route.access.get("POST")
        if access is None or access.state != "guarded" or is_door(route):
            continue
        own = [one.name for one in index.of_view(route.view, route.span, "POST")]
        function = facts.function(route.view)
        names = index.calling(own, 1)
        calls = [call for name in names for call in facts.calls_in(name)]
        if function is None or any(call.method in _FORMS or call.callee in _BODIES for call in calls):
            continue
        if any(one.source in _BODIES for one in facts.readings() if one.function in names):
            continue
        if any(writes(facts, name) for name in names):
            yield RouteRef("POST", route.path), function.span
