"""What a JSON schema of the project asks of a password: ``jsonschema.validate(body, SCHEMA)``, ``@expects_json(SCHEMA)``."""

from collections.abc import Iterable, Iterator

from stopper.core.account_names import is_password_name
from stopper.core.facts import SourceFacts
from stopper.core.flow.whole_numbers import least_number
from stopper.core.people.password_schemas import LEAST
from stopper.core.values import Call, Mapping, Value, text_of


def takes_any_by_json(facts: SourceFacts, names: Iterable[str]) -> bool:
    """That such a schema, which one of these functions uses, has a field for a password, and asks neither for a length that is worth something
    nor for a pattern."""
    asked = [one for name in names for schema in _schemas(facts, name) for one in _passwords(schema)]
    return bool(asked) and not any(_is_strict(facts, one) for one in asked)


def _schemas(facts: SourceFacts, name: str) -> Iterator[Mapping]:
    function = facts.function(name)
    made = [one.call for one in function.decorators if one.call is not None] if function is not None else []
    for call in (*facts.calls_in(name), *made):
        if call.callee == "jsonschema.validate":
            yield from _mappings(call.argument(1, "schema"))
        elif call.method in ("expects_json", "validate_json"):
            yield from _mappings(call.argument(0, "schema"))
        elif call.method in ("validate", "is_valid", "iter_errors") and isinstance(call.receiver, Call):
            yield from _mappings(call.receiver.argument(0, "schema"))


def _mappings(value: Value | None) -> Iterator[Mapping]:
    yield from (value,) if isinstance(value, Mapping) and not value.open else ()


def _passwords(schema: Mapping) -> Iterator[Mapping]:
    fields = schema.get("properties")
    for key, asked in fields.items if isinstance(fields, Mapping) else ():
        if is_password_name(text_of(key) or "") and isinstance(asked, Mapping):
            yield asked


def _is_strict(facts: SourceFacts, asked: Mapping) -> bool:
    least = least_number(facts, asked.get("minLength"))
    return asked.open or asked.get("pattern") is not None or (least is not None and least >= LEAST)
