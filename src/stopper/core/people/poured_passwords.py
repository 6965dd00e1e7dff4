"""``User(**schema.load(request.get_json()))``: a row that is made of a whole body, and of the password that stands in it."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from stopper.core.account_names import is_password_name
from stopper.core.fact import ClassFact
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.unpacked_calls import unpacked
from stopper.core.people.password_columns import SEALS, hashing_classes, is_table_class
from stopper.core.people.password_schemas import mentioned
from stopper.core.place import Span
from stopper.core.values import Call, Name, Parameter, Value, options, text_of

_LOADS: Final = frozenset({"load", "loads", "model_dump", "dict", "parse_args"})
_WHOLE: Final = re.compile(r"flask\.request\.(?:get_json|json|form|values|form\.to_dict|values\.to_dict)")
_WATCHED: Final = ("*.listen", "*.listens_for", "*.pre_save.connect", "*.pre_save")
"""What hashes when a row is written."""


def poured_passwords(facts: SourceFacts, is_typed: Callable[[Value], bool]) -> Iterator[Span]:
    """The places where a row with a column for the password is made of a body that has one, and nothing there hashes it or takes it out."""
    hashing = hashing_classes(facts)
    for one in facts.classes():
        if one.name in hashing or not is_table_class(one) or not _has_password(one):
            continue
        for call in facts.calls(one.name):
            poured = [value for name, value in call.keywords if name == "**"]
            said = any(is_password_name(name) for name, _ in call.keywords)
            if call.span is None or len(poured) != 1 or said or not call.function:
                continue
            holds = _holds_password(facts, call, poured[0]) or _is_handed_one(facts, call, is_typed)
            if holds and not _is_looked_after(facts, call.function):
                yield call.span


def _has_password(one: ClassFact) -> bool:
    return any(map(is_password_name, (*one.attributes, *one.fields)))


def _holds_password(facts: SourceFacts, call: Call, poured: Value) -> bool:
    for one in options(poured):
        if isinstance(one, (Call, Name)) and _WHOLE.fullmatch(one.callee if isinstance(one, Call) else one.dotted):
            return True
        if isinstance(one, Parameter) and _makes_of_loaded(facts, call.function):
            return True
        loaded = isinstance(one, Call) and one.method in _LOADS
        handed = isinstance(one, Parameter) and one.function == call.function and bool(_decorators(facts, call))
        if loaded or handed:
            used = frozenset(mentioned(facts, [call.function]))
            schemas = [found for found in facts.classes() if found.name in used and not is_table_class(found)]
            if any(_has_password(found) and not _seals(facts, found) for found in schemas):
                return True
    return False


def _is_handed_one(facts: SourceFacts, call: Call, is_typed: Callable[[Value], bool]) -> bool:
    """``def create(**fields): db.session.add(User(**fields))`` where somebody calls it with what was typed."""
    return any(
        is_password_name(name) and is_typed(value)
        for made in unpacked(facts, call)
        for name, value in made.keywords
        if name != "**"
    )


def _makes_of_loaded(facts: SourceFacts, name: str) -> bool:
    """``@post_load def make(self, data, **_): return User(**data)`` of a schema that has a password."""
    function = facts.function(name)
    schema = classes_by_name(facts).get(function.owner) if function is not None else None
    loads = function is not None and any(one.name.endswith(".post_load") for one in function.decorators)
    return loads and schema is not None and _has_password(schema) and not _seals(facts, schema)


def _decorators(facts: SourceFacts, call: Call) -> bool:
    function = facts.function(call.function)
    return function is not None and any(one.call is not None for one in function.decorators)


def _seals(facts: SourceFacts, schema: ClassFact) -> bool:
    """That a method of the schema hashes: ``@post_load def hashed(self, data, **_)``."""
    names = (method if "." in method else f"{schema.name}.{method}" for method in schema.methods)
    return any(SEALS.search(made.callee) for name in names for made in facts.calls_in(name))


def _is_looked_after(facts: SourceFacts, function: str) -> bool:
    """That the function hashes something, takes the password out, or writes another one over it; or that the row does so when it is written."""
    if any(True for _ in facts.calls(*_WATCHED)):
        return True
    return any(
        SEALS.search(call.callee) or (call.method in ("pop", "set_password") and _about(call))
        for call in facts.calls_in(function)
    ) or any(is_password_name(one.attribute) for one in facts.assignments_in(function))


def _about(call: Call) -> bool:
    return call.method == "set_password" or any(is_password_name(text_of(one) or "") for one in call.args[:1])
