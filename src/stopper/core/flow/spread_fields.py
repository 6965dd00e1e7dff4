"""What a call is told by ``**asdict(options)`` or ``**settings.headers.model_dump()``: the fields of a record of the project."""

from collections.abc import Iterator
from typing import Final

from stopper.core.fact import ClassFact
from stopper.core.facts import SourceFacts
from stopper.core.flow import passing
from stopper.core.flow.body_models import classes_by_name
from stopper.core.values import Call, ConfigValue, Mapping, Member, Name, Parameter, Value, options

_FUNCTIONS: Final = frozenset({"dataclasses.asdict", "attrs.asdict", "attr.asdict", "vars"})
_METHODS: Final = frozenset({"_asdict", "model_dump", "dict"})
_DEEPEST: Final = 4


def given_as(facts: SourceFacts, call: Call, word: str, position: int | None = None) -> tuple[Value, ...]:
    """What *call* may be told as *word*: by itself, else by a record whose fields it is given."""
    said = call.keyword(word) if position is None else call.argument(position, word)
    if said is not None:
        return (said,)
    spread = [value for name, value in call.keywords if name == "**"]
    return (
        *(value for one in spread for made in _dumped(one) for value in _field(facts, made, word, _DEEPEST)),
        *(value for one in spread for value in _of_setting(facts, one, word)),
    )


def _of_setting(facts: SourceFacts, spread: Value, word: str) -> Iterator[Value]:
    """``**app.config["TALISMAN"]``, where a mapping was written there."""
    for written in facts.followed(spread) if isinstance(spread, ConfigValue) else ():
        for one in options(written):
            if isinstance(one, Mapping) and (value := one.get(word)) is not None:
                yield value


def _dumped(spread: Value) -> tuple[Value, ...]:
    """The record that is taken apart."""
    if isinstance(spread, Member) and spread.attribute == "__dict__":
        return (spread.owner,)
    if not isinstance(spread, Call):
        return ()
    if spread.callee in _FUNCTIONS:
        return spread.args[:1]
    return (spread.receiver,) if spread.method in _METHODS and spread.receiver is not None else ()


def is_seen_record(facts: SourceFacts, spread: Value) -> bool:
    """That it is a record of the project which is taken apart, so that everything in it is seen: ``Settings().model_dump()``."""
    known = classes_by_name(facts)
    return any(isinstance(one, Call) and not one.open and one.callee in known for one in _dumped(spread))


def _field(facts: SourceFacts, record: Value, word: str, depth: int) -> Iterator[Value]:
    """What stands in that field of a record, as its call says it or by its default."""
    if depth == 0:
        return
    for one in options(record):
        match one:
            case Parameter():
                for given in passing.given(facts, one):
                    if given != one:
                        yield from _field(facts, given, word, depth - 1)
            case Member(owner=owner, attribute=attribute):
                for inner in _field(facts, owner, attribute, depth - 1):
                    yield from _field(facts, inner, word, depth - 1)
            case Call() if (made := classes_by_name(facts).get(one.callee)) is not None:
                yield from _of_call(made, one, word)
            case _:
                pass


def _of_call(made: ClassFact, call: Call, word: str) -> Iterator[Value]:
    if word not in made.fields:
        return
    given = call.argument(list(made.fields).index(word), word)
    value = made.attributes.get(word) if given is None else given
    if given is None and isinstance(value, Call) and value.method in ("Field", "field"):
        yield from _by_default(value)
    elif value is not None:
        yield value


def _by_default(field: Call) -> Iterator[Value]:
    """``Field(False)``, ``field(default_factory=HeaderSettings)``"""
    factory = field.keyword("default_factory")
    if isinstance(factory, Name):
        yield Call(factory.dotted, span=field.span)
    elif (default := field.argument(0, "default")) is not None:
        yield default
