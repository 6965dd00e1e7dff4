"""Schemas of Marshmallow and models of pydantic that show the hashes of passwords: a field called so which is not for loading alone, of a column of the project."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.fact import ClassFact
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import class_of, classes_by_name, is_model
from stopper.core.flow.shown_fields import declared_fields
from stopper.core.people.password_columns import is_table_class
from stopper.core.place import Span
from stopper.core.stores.whole_schemas import with_bases
from stopper.core.values import Call, Name, Sequence, Value, is_constant, options, text_of, walk

_HASH: Final = re.compile(r"(?i)_?(?:hashed_)?(?:password|passwd|pwd|passhash)(?:_?(?:hash|digest|hashed))?")
_SCHEMA: Final = re.compile(r"(?:.*\.)?(?:Schema|SQLAlchemySchema|SQLAlchemyAutoSchema|ModelSchema)")
_LEFT_OUT: Final = ("exclude", "load_only")
_DUMPS: Final = frozenset({"model_dump", "model_dump_json", "dict", "json"})


def shows_password(facts: SourceFacts, name: str, made: Call | None, depth: int = 2) -> bool:
    """That what this schema dumps holds the hash of a password, in it or in a schema that is nested in it."""
    known = classes_by_name(facts).get(name)
    if known is None or not _is_schema(facts, known) or (made is not None and not _is_seen(made)):
        return False
    hidden, shown = _said_in_meta(facts, name), made.keyword("only") if made is not None else None
    hidden |= {word for said in _LEFT_OUT if made is not None for word in _words(made.keyword(said))}
    for field, value in _fields(facts, known).items():
        if field in hidden or not isinstance(value, Call) or is_constant(value.keyword("load_only"), True):
            continue
        if shown is not None and field not in _words(shown):
            continue
        if _HASH.fullmatch(field) and (text_of(value.keyword("attribute")) or field) in _kept(facts):
            return True
        if depth and any(_is_nested(facts, part, depth) for part in walk(value, 3)):
            return True
    return False


def told_by_record(facts: SourceFacts, value: Value) -> bool:
    """``AccountOut.model_validate(account).model_dump()`` of a model of pydantic that has the hash among its fields."""
    if not isinstance(value, Call) or value.method not in _DUMPS or value.keyword("include", "exclude") is not None:
        return False
    known = classes_by_name(facts).get(class_of(facts, value) or "")
    if known is None or not is_model(facts, known.name) or any(map(is_table_class, with_bases(facts, known))):
        return False
    return any(
        _HASH.fullmatch(field) and field in _kept(facts) and not _is_kept_back(known.attributes.get(field), typed)
        for one in with_bases(facts, known)
        for field, typed in one.fields.items()
    )


def _is_kept_back(said: Value | None, typed: Value) -> bool:
    """``password_hash: str = Field(exclude=True)``, or a type that writes itself as stars."""
    left_out = isinstance(said, Call) and is_constant(said.keyword("exclude"), True)
    return left_out or any(isinstance(one, Name) and one.dotted.endswith("SecretStr") for one in walk(typed, 3))


def marshalled_passwords(facts: SourceFacts) -> Iterator[Span]:
    """``@api.marshal_with(MEMBER)``, ``marshal(member, MEMBER)`` by fields of Flask-RESTX or Flask-RESTful, where one of them is the hash."""
    given = [
        (one.call.argument(0, "fields"), one.span)
        for function in facts.functions()
        for one in function.decorators
        if one.call is not None and one.call.method in ("marshal_with", "marshal_list_with")
    ]
    given += [(call.argument(1, "fields"), call.span) for call in facts.calls("*.marshal") if call.span is not None]
    for fields, span in given:
        for one in options(fields):
            shown = (_column_of(name, field) for name, field in declared_fields(one))
            if any(_HASH.fullmatch(name) and name in _kept(facts) for name in shown):
                yield span


def _column_of(name: str, field: Value) -> str:
    return (text_of(field.keyword("attribute")) if isinstance(field, Call) else None) or name


def _is_nested(facts: SourceFacts, part: Value, depth: int) -> bool:
    """``Nested(PersonSchema)``, ``Nested(PersonSchema(only=("id",)))``"""
    if not isinstance(part, Call) or part.method != "Nested" or not part.args:
        return False
    if part.keyword("only") is not None or part.keyword("exclude") is not None:
        return False
    inner = part.args[0]
    name = inner.dotted if isinstance(inner, Name) else inner.callee if isinstance(inner, Call) else ""
    return shows_password(facts, name, inner if isinstance(inner, Call) else None, depth - 1)


def _is_seen(made: Call) -> bool:
    return all(
        isinstance(value, Sequence) for word, value in made.keywords if word in ("only", *_LEFT_OUT)
    ) and not any(word == "**" for word, _ in made.keywords)


def _fields(facts: SourceFacts, known: ClassFact) -> dict[str, Value]:
    """The fields of the schema, those of its bases first."""
    return {name: value for one in reversed(list(with_bases(facts, known))) for name, value in one.attributes.items()}


def _said_in_meta(facts: SourceFacts, name: str) -> set[str]:
    meta = classes_by_name(facts).get(f"{name}.Meta")
    several = list(with_bases(facts, meta)) if meta is not None else []
    return {word for one in several for said in _LEFT_OUT for word in _words(one.attributes.get(said))}


def _words(value: Value | None) -> set[str]:
    return {text_of(one) or "" for one in value.items} if isinstance(value, Sequence) else set()


def _is_schema(facts: SourceFacts, known: ClassFact) -> bool:
    return any(_SCHEMA.fullmatch(base) for one in with_bases(facts, known) for base in one.bases)


def _kept(facts: SourceFacts) -> frozenset[str]:
    """The columns of the project that are called so: a property of that name cannot be read, and is left out."""

    def columns() -> frozenset[str]:
        return frozenset(
            name
            for one in facts.classes()
            if is_table_class(one)
            for name in one.attributes
            if _HASH.fullmatch(name) and name not in {method.rpartition(".")[2] for method in one.methods}
        )

    return facts.once("columns of passwords", columns)
