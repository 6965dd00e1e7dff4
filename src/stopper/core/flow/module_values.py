"""What a name of a module of the project is bound to, where two modules import each other and the reader had only the name, and what an
object holds that is kept in a setting."""

from typing import TYPE_CHECKING, Final

from stopper.core.flow.body_models import classes_by_name
from stopper.core.values import Call, Choice, ConfigValue, Member, Name, Value

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


PROPERTIES: Final = frozenset({"property", "functools.cached_property", "werkzeug.utils.cached_property"})
"""Decorators under which the method's name alone gives what it returns."""


def bound_to(facts: "SourceFacts", value: Value) -> Value | None:
    """``shop.settings.KEYS`` as what is assigned to ``KEYS`` in that module, ``app.config["TOKENS"].algorithms`` as that field of the
    object in the setting; None for any other value."""
    if isinstance(value, Member) and isinstance(value.owner, ConfigValue):
        return _field(facts, value.owner.key, value.attribute)
    if not isinstance(value, Name) or "." not in value.dotted:
        return None
    index = facts.once(
        "what modules bind",
        lambda: {one.target: one.value for one in facts.all_assignments if not one.function and "." in one.target},
    )
    found = index.get(value.dotted)
    if found is None:
        return _given_by_property(facts, value.dotted)
    return None if found is value else found


def _given_by_property(facts: "SourceFacts", name: str) -> Value | None:
    """What a property of a class gives, where it gives one of several things."""
    function = facts.function(name)
    if function is None or len(function.returns) < 2 or not any(one.name in PROPERTIES for one in function.decorators):
        return None
    return Choice(function.returns)


def _field(facts: "SourceFacts", key: str, name: str) -> Value | None:
    """What the one object of the setting was made with, else what its data class begins with."""
    written = facts.config_values(key)
    made = written[0] if len(written) == 1 else None
    return _given_or_begun(facts, made, name) if isinstance(made, Call) else None


def field_of(facts: "SourceFacts", value: Value) -> Value | None:
    """``Settings().algorithms``: what the object was made with under a declared field, else what the field begins with; None for any other
    value."""
    if not isinstance(value, Member) or not isinstance(value.owner, Call):
        return None
    return _given_or_begun(facts, value.owner, value.attribute)


def _given_or_begun(facts: "SourceFacts", made: Call, name: str) -> Value | None:
    known = classes_by_name(facts).get(made.callee) if not made.open else None
    if known is None or name not in known.fields or not (known.decorators or known.bases):
        return None
    given = made.argument(list(known.fields).index(name), name)
    return known.attributes.get(name) if given is None else given
