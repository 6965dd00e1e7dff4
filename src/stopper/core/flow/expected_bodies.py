"""Bodies that Flask-RESTX holds against a model before the view runs: ``@ns.expect(model, validate=True)``."""

from collections.abc import Iterator, Mapping
from typing import Final

from stopper.core.fact import Decorator
from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Value, is_constant, text_of, walk
from stopper.core.values import Mapping as Table

_ANY_KIND: Final = frozenset({"Raw", "Nested", "Wildcard", "Polymorph", "List", "Fields"})
"""Fields in which an object of JSON may stand."""


def expects(facts: SourceFacts, decorator: Decorator) -> bool:
    """That the decorator has the body checked. Without ``validate`` a model only describes, and a parser parses."""
    call = decorator.call
    if call is None or decorator.name.rpartition(".")[2] != "expect":
        return False
    return _has_it_checked(facts, call) or any(
        isinstance(part, Call) and "RequestParser" in part.callee for one in call.args for part in walk(one, 4)
    )


def _has_it_checked(facts: SourceFacts, call: Call) -> bool:
    said = call.keyword("validate")
    if said is not None:
        return not is_constant(said, False)
    return any(
        not is_constant(one.value, False) for one in facts.config_writes("RESTX_VALIDATE", "RESTPLUS_VALIDATE")
    ) or any(
        not is_constant(given, False, None)
        for made in facts.calls("*.Api", "*.Namespace", "*.namespace")
        if (given := made.keyword("validate")) is not None
    )


def expected_fields(facts: SourceFacts, view: str) -> Mapping[str, Call]:
    """The fields that the body of a view has been held against, each with what was said of it."""
    known = facts.function(view)
    return {
        name: said
        for one in (known.decorators if known is not None else ())
        if one.call is not None and one.name.rpartition(".")[2] == "expect" and _has_it_checked(facts, one.call)
        for table in _tables(one.call)
        for key, said in table.items
        if isinstance(said, Call) and (name := text_of(key)) is not None
    }


def _tables(call: Call) -> Iterator[Table]:
    for model in call.args[:1]:
        if isinstance(model, Call) and model.method in ("model", "inherit", "clone"):
            yield from (one for one in model.args if isinstance(one, Table))


def is_plain(field: Value | None) -> bool:
    """That a text, a number or the like stands in the field, and no object of JSON."""
    return isinstance(field, Call) and ".fields." in field.callee and field.method not in _ANY_KIND
