"""Guards that ask nobody until somebody switches them on: ``if AUTH_ENABLED and "user" not in session: abort(401)``."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.deployment.setting_facts import plain
from stopper.core.deployment.switched_on import asked_for
from stopper.core.values import Choice, ConfigValue, EnvironmentValue, Truth, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts
    from stopper.core.place import Span

_WHAT: Final = re.compile(
    r"(?i)(?:^|_)(?:auth\w*|log_?in|sign_?in|sso|oidc|api_?keys?|rbac|guards?|users?|identity)(?:_|$)"
)
_HOW: Final = re.compile(
    r"(?i)(?:^|_)(?:enabled?|required?|require|on|enforced?|active|use|check|disabled?|skip|bypass|off|no|without|optional|mock(?:ed)?|fake|dummy)(?:_|$)"
)


def switched_off(facts: "SourceFacts") -> Iterator["Span"]:
    """Where the switches stand by which such guards are off wherever nobody says anything."""
    for one in facts.conditions():
        if not one.function or facts.is_view(one.function) or not one.stops:
            continue
        several = one.value.options if isinstance(one.value, Choice) and one.value.every else (one.value,)
        switch = next((value for value in several if _is_switch(value)), None)
        if switch is None or (one.refuses and (len(several) == 1 or one.negated)):
            continue
        if not one.refuses and (
            len(several) > 1 or not any(other.refuses for other in facts.conditions_in(one.function))
        ):
            continue
        said = plain(facts, switch)
        on = (not one.negated) if not one.refuses else False
        if (
            said
            and all(bool(value) == on for value in said)
            and not asked_for(facts, one.span, by_name=True)
            and not _lets_in(facts, switch)
        ):
            yield _place(facts, switch) or one.span


def _lets_in(facts: "SourceFacts", switch: Value) -> bool:
    """``if app.config["LINK_LOGIN_ENABLED"]: login_user(person)``: a way in that is switched on, and what it must not do comes with it."""
    names = _names(switch)
    return any(
        not names.isdisjoint(_names(one.value))
        for call in facts.calls("flask_login.login_user", "*.login_user")
        if call.span is not None
        for one in facts.conditions_around(call.span)
        if not one.negated
    )


def _names(value: Value) -> set[str]:
    return {
        part.variable if isinstance(part, EnvironmentValue) else part.key
        for part in walk(value, 4)
        if isinstance(part, (EnvironmentValue, ConfigValue))
    }


def _is_switch(value: Value) -> bool:
    """A setting or variable that says in its name that it switches the asking on or off, alone or held against a word."""
    if not isinstance(value, (ConfigValue, EnvironmentValue, Truth)):
        return False
    names = _names(value)
    return len(names) == 1 and all(_WHAT.search(name) and _HOW.search(name) for name in names)


def _place(facts: "SourceFacts", switch: Value) -> "Span | None":
    """Where it is said what holds: the setting's own line, or where the variable is read."""
    for part in walk(switch, 4):
        if isinstance(part, EnvironmentValue):
            return part.span
        if isinstance(part, ConfigValue):
            return next((write.span for write in facts.config_writes(part.key)), part.span)
    return None
