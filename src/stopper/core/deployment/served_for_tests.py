"""Where the application that people are served is made with the settings of the tests."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from stopper.core.deployment.stages_of_settings import is_for_tests
from stopper.core.deployment.switched_on import asked_for, is_on
from stopper.core.facts import SourceFacts
from stopper.core.flow.passing import passed
from stopper.core.place import Span
from stopper.core.values import Call, Item, Mapping, Name, Parameter, Value, options, text_of

_SERVED: Final = re.compile(r"(?i)(?:^|/)(?:\w*wsgi|asgi|app|application|main|run|server|serve|start)\.py$")
"""Files that a server is told."""
_OF_TESTS: Final = re.compile(r"(?i)(?:^|[/_.])(?:conf)?tests?(?:ing)?(?:[/_.]|$)")
"""Functions and files that make the application of the tests."""


def served_for_tests(facts: SourceFacts, *keys: str) -> Iterator[Span]:
    """``app = create_app("testing")`` in the file that a server is told, ``app.config.from_object("config.TestingConfig")`` for everybody; of
    classes that turn one of these settings on."""
    owners = {
        one.owner for one in facts.config_writes(*keys) if one.owner and is_for_tests(one) and is_on(facts, one.value)
    }
    for load in facts.calls("*.from_object") if owners else ():
        chosen = load.argument(0, "obj")
        if chosen is None or load.span is None or asked_for(facts, load.span):
            continue
        if _says(chosen, owners) and not _OF_TESTS.search(f"{load.span.path} {load.function.rpartition('.')[2]}"):
            yield load.span
            continue
        told = chosen.key if isinstance(chosen, Item) else chosen
        if isinstance(told, Parameter):
            yield from _made(facts, chosen, told, owners)


def _made(facts: SourceFacts, chosen: Value, told: Parameter, owners: Collection[str]) -> Iterator[Span]:
    """The calls, at the top of a file that is served, which choose such a class."""
    for call in facts.calls(told.function):
        if call.function or call.span is None or not _SERVED.search(call.span.path) or asked_for(facts, call.span):
            continue
        for given in passed(facts, told, call):
            held = _held(chosen, given)
            if held is not None and _says(held, owners):
                yield call.span
                break


def _held(chosen: Value, given: Value) -> Value | None:
    """What a table has under the name that is given; what is given itself, where there is no table."""
    if not isinstance(chosen, Item):
        return given
    name = text_of(given)
    return chosen.owner.get(name) if isinstance(chosen.owner, Mapping) and name is not None else None


def _says(value: Value, owners: Collection[str]) -> bool:
    """That each of what it may be is one of these classes, or its name."""
    several = [_named(one) for one in options(value)]
    return bool(several) and all(
        name
        and any(name == owner or (owner.endswith(f".{name.rpartition('.')[2]}") and "." in name) for owner in owners)
        for name in several
    )


def _named(value: Value) -> str:
    if isinstance(value, Name):
        return value.dotted
    return value.callee if isinstance(value, Call) else text_of(value) or ""
