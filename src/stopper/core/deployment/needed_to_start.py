"""The settings without which an application does not start, because something refuses first."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stopper.core.values import ConfigValue, Constant, EnvironmentValue, Name, Value, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts


def needed_to_start(facts: "SourceFacts") -> frozenset[str]:
    """The settings and variables without which the application refuses to start."""
    return facts.once("settings needed to start", lambda: frozenset(_tested_at_start(facts)))


def _tested_at_start(facts: "SourceFacts") -> Iterator[str]:
    for one in facts.conditions():
        asks_caller = any(
            isinstance(part, Name) and part.dotted.startswith("flask.request") for part in walk(one.value, 6)
        )
        if one.refuses and not asks_caller and not (one.function and facts.routes_reaching(one.function)):
            yield from _said_names(facts, one.value)


def setting_names(facts: "SourceFacts", *values: Value) -> set[str]:
    return {name for value in values for name in _said_names(facts, value)}


def _said_names(facts: "SourceFacts", value: Value) -> Iterator[str]:
    """The variables and settings in a value, the literal names among which one is asked for, and what a setting was made of."""
    for inner in walk(value, 6):
        match inner:
            case EnvironmentValue(variable=name):
                yield name
            case ConfigValue(key=key):
                yield key
                for held in facts.followed(inner):
                    yield from (one.variable for one in walk(held, 3) if isinstance(one, EnvironmentValue))
            case Constant(value=str(name)) if name.isupper():
                yield name
            case _:
                pass
