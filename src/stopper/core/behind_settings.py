"""Whether a place is reached only where a setting of the application is on, and nothing in sight turns it on."""

from collections.abc import Callable

from stopper.core.facts import SourceFacts
from stopper.core.place import Span
from stopper.core.switched_on import is_on
from stopper.core.values import ConfigValue, Name, Value

_DEBUG = frozenset({"flask.current_app.debug", "flask.Flask.debug"})


def is_behind_setting(facts: SourceFacts, span: Span | None, wanted: Callable[[str], object], steps: int = 2) -> bool:
    """That the place, or every call of the function in which it stands, stands behind a setting whose key is *wanted*, and that is off:
    ``if current_app.config.get("API_SHOW_STACKTRACE"):``; of Flask's DEBUG also ``if current_app.debug:``."""
    if span is None:
        return False
    for one in facts.conditions_around(span):
        key = "" if one.negated else _key(one.value)
        if key and wanted(key):
            return not any(is_on(facts, value) for value in (one.value, *facts.config_values(key)))
    around = facts.function_around(span) if steps else ""
    called = list(facts.calls(around)) if around and not facts.routes_of_view(around) else []
    return bool(called) and all(is_behind_setting(facts, call.span, wanted, steps - 1) for call in called)


def _key(asked: Value) -> str:
    match asked:
        case ConfigValue(key=key):
            return key
        case Name(dotted=dotted) if dotted in _DEBUG:
            return "DEBUG"
        case _:
            return ""
