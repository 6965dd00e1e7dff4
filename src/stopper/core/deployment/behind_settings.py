"""Whether a place is reached only where a setting of the application is on, and nothing in sight turns it on."""

import re
from collections.abc import Callable
from typing import Final

from stopper.core.deployment.setting_facts import plain
from stopper.core.deployment.settings_set_aside import is_in_tests_settings
from stopper.core.deployment.switched_on import is_on
from stopper.core.fact import Condition, Flow
from stopper.core.facts import SourceFacts
from stopper.core.labels import UNTRUSTED
from stopper.core.place import Span
from stopper.core.text_words import mentions
from stopper.core.values import ConfigValue, EnvironmentValue, Name, Truth, Value, is_constant, walk

_DEBUG: Final = frozenset({"flask.current_app.debug", "flask.Flask.debug"})
_SAYS_DEBUG: Final = re.compile(r"(?i)debug")


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


def is_off_at_first(facts: SourceFacts, flow: Flow) -> bool:
    """``if not settings.SSO_DEBUG: abort(403)`` before it, ``if app.config["SAFE_MODE"]:`` around it: a setting that is off at first."""
    around = facts.conditions_around(flow.span)
    return any(not _is_denied(one) and _is_false_at_first(facts, one.value) for one in around) or any(
        one.stops
        and _is_denied(one)
        and one.span.line < flow.span.line
        and (_is_false_at_first(facts, one.value) or (_says_debug(one.value) and not is_on(facts, one.value)))
        and not any(label.kind in UNTRUSTED for label in facts.labels(one.value))
        and not any(True for _ in facts.conditions_around(one.span))
        for one in facts.conditions_in(flow.function)
    )


def _is_denied(one: Condition) -> bool:
    return one.negated != (isinstance(one.value, Truth) and one.value.differs)


def _is_false_at_first(facts: SourceFacts, value: Value) -> bool:
    """That it is a setting of the project whose every value, those for tests aside, is made of a literal ``False`` at first, or of what stands
    for it where the environment says nothing."""
    held = isinstance(value, Truth) and len(value.parts) == 2 and is_constant(value.parts[1], True)
    asked = value.parts[0] if held and isinstance(value, Truth) else value
    if not isinstance(asked, ConfigValue):
        return False
    writes = [one for one in facts.config_writes(asked.key) if not is_in_tests_settings(facts, one.span)]
    return bool(writes) and all(
        not is_on(facts, one.value)
        and (any(is_constant(part, False) for part in walk(one.value, 6)) or plain(facts, one.value) == (False,))
        for one in writes
    )


def _says_debug(value: Value) -> bool:
    settings = (
        one.variable if isinstance(one, EnvironmentValue) else one.key
        for one in walk(value, 4)
        if isinstance(one, (EnvironmentValue, ConfigValue))
    )
    return mentions(value, _SAYS_DEBUG) or any(map(_SAYS_DEBUG.search, settings))


def is_switched_by_environment(facts: SourceFacts, place: Span) -> bool:
    """``if os.environ.get("DISABLE_CORS"):`` around it, with no default of its own: off until somebody sets the variable."""
    return any(
        not _is_denied(one)
        and any(
            isinstance(part, EnvironmentValue) and part.default is None for part in (one.value, *walk(one.value, 4))
        )
        for one in facts.conditions_around(place)
    )
