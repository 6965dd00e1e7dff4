"""Rows that go out whole by what a library makes of them: a row as a mapping, a document or model as JSON, a data class that is a model."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from stopper.core.fact import ClassFact
from stopper.core.flow.body_models import classes_by_name
from stopper.core.people.password_columns import is_table_class
from stopper.core.values import Call, Choice, Item, Mapping, Member, Name, Value, is_constant, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

SECRET: Final = re.compile(
    r"(?i)pass(?:word|wd)?|secret|token|api_?key|salt$|(?<!file_)(?<!content_)(?<!image_)(?<!body_)hash$|digest$|ssn|salary|iban|is_admin|(?<!contact_)(?<!job_)role|totp|internal|(?:^|admin_|staff_|private_|secret_|medical_|doctor_)notes?$|card"
)
"""Columns that nobody would choose to show."""
PEOPLE: Final = re.compile(
    r"(?i)(?:\w*_)?(?:users?|accounts?|customers?|members?|employees?|patients?|clients?|persons?|people|profiles?)"
)
"""Models of people, which have something to hide even where their columns are not seen."""
_ALL: Final = re.compile(r"(?is)\bselect\s+(?:\w+\.)?\*\s+from\b")
_DOCUMENTS: Final = re.compile(r"(?:flask_)?mongoengine\.(?:.*\.)?(?:Dynamic)?Document")
_NO_TABLES: Final = frozenset({"object", "abc.ABC", "dict", "typing.Protocol", "enum.Enum"})
_LOOKS_AT: Final = frozenset({"sqlalchemy.inspect", "sqlalchemy.orm.class_mapper", "sqlalchemy.orm.object_mapper"})
_GIVE_ROWS: Final = frozenset({"all", "first", "one", "get", "get_or_404", "first_or_404", "one_or_404", "scalars"})


def is_whole_row(facts: "SourceFacts", value: Value) -> bool:
    """That every column of a row is in the value."""
    match value:
        case Call(method="dict" | "_asdict" | "mappings") | Call(callee="dict"):
            return any(_is_mapped(one) and _selects_whole(one) for one in walk(value, 6)) or (
                value.method == "_asdict"
                and value.receiver is not None
                and _selects_whole(value.receiver, of_tables=True)
            )
        case Call(method="dicts" | "tuples", receiver=Call(method="select", args=()) as asked):
            return _is_of(facts, asked, lambda _, known: True)
        case Call(method="model_dump" | "model_dump_json" | "dict", receiver=receiver) if receiver is not None:
            return not _chooses(value) and _is_of(facts, receiver, _is_sql_model)
        case Call(method="to_json" | "to_dict" | "to_mongo" | "to_records", receiver=receiver) if receiver is not None:
            chosen = _chooses(value) or _asks_for_some(receiver)
            return not chosen and (_reads_table(receiver) or _is_of(facts, receiver, _shows_itself))
        case _:
            return False


def _asks_for_some(query: Value | None) -> bool:
    """``Member.objects(name=name).only("name").first()``"""
    while isinstance(query, Call):
        if query.method in ("only", "exclude", "fields"):
            return True
        query = query.receiver
    return False


def is_kept_by_no_table(facts: "SourceFacts", value: Value) -> bool:
    """``one.__dict__`` for each of ``catalogue().entries``: a property of an object of a plain class of the project, which asks no table; and
    ``failure("no such note").__dict__``, an object of a plain class that holds nothing to hide."""
    names: list[str] = []
    while isinstance(value, (Member, Item)):
        if isinstance(value, Member):
            names.append(value.attribute)
        value = value.owner
    makers = _plain_makers(facts, value, 5) if isinstance(value, Call) else None
    if not names:
        return bool(makers) and not any(_holds_secrets(facts, one) for one in makers or ())
    return bool(makers) and all(_asks_no_table(facts, f"{one}.{names[-1]}") for one in makers or ())


def _holds_secrets(facts: "SourceFacts", name: str) -> bool:
    """That a class is one of people, or has a field that nobody would choose to show."""
    known = classes_by_name(facts)[name]
    held = {one.attribute for one in facts.assignments_in(f"{name}.__init__") if one.target.startswith("self.")}
    said = PEOPLE.fullmatch(name.rpartition(".")[2]) is not None
    return said or any(SECRET.search(one) for one in (*known.attributes, *known.fields, *held))


def _plain_makers(facts: "SourceFacts", value: Value, depth: int) -> frozenset[str] | None:
    """The classes of the project of which the call gives an object, or nothing; None where it may give something else."""
    if is_constant(value, None):
        return frozenset()
    if isinstance(value, Choice) and not value.every:
        several = [_plain_makers(facts, one, depth) for one in value.options]
        return None if None in several else frozenset[str]().union(*(one for one in several if one is not None))
    if not isinstance(value, Call) or not depth:
        return None
    known = classes_by_name(facts).get(value.callee)
    if known is not None:
        plain = not is_table_class(known) and all(base in ("object", *classes_by_name(facts)) for base in known.bases)
        return frozenset({value.callee}) if plain else None
    found = [_plain_makers(facts, said.value, depth - 1) for said in facts.returns_of(value.callee)]
    return None if not found or None in found else frozenset[str]().union(*(one for one in found if one is not None))


def _asks_no_table(facts: "SourceFacts", name: str) -> bool:
    function = facts.function(name)
    if function is None:
        return False
    asked = {call.method for call in facts.calls_in(name)} & (
        _GIVE_ROWS | {"query", "execute", "select", "find", "session"}
    )
    return not asked and not any(
        isinstance(part, Call) and part.method in _GIVE_ROWS for said in function.returns for part in walk(said, 6)
    )


def may_be_of_rows(facts: "SourceFacts", owner: str) -> bool:
    """That the class of that name, or one derived from it, is a table, or stands on something that is not seen."""
    told = facts.once("classes that may be of rows", dict[str, bool])
    if owner not in told:
        known = classes_by_name(facts).get(owner)
        family = (known, *facts.classes(owner)) if known is not None else ()
        told[owner] = not family or any(
            is_table_class(one)
            or any(base not in _NO_TABLES and base not in classes_by_name(facts) for base in one.bases)
            for one in family
        )
    return told[owner]


def _chooses(call: Call) -> bool:
    return any(word in ("only", "rules", "columns", "exclude", "include", "fields") for word, _ in call.keywords)


def _is_mapped(value: Value) -> bool:
    """``rows.mappings()``, ``row._mapping``"""
    return (isinstance(value, Call) and value.method == "mappings") or (
        isinstance(value, Member) and value.attribute == "_mapping"
    )


def _selects_whole(value: Value, *, of_tables: bool = False) -> bool:
    """``select(User)``, ``select(User.__table__)``, ``users.select()``: not columns by their names. With *of_tables* no model, which would be
    one column of the row."""
    for one in walk(value, 8):
        if not isinstance(one, Call):
            continue
        if one.callee.endswith(_SELECTS) and one.args:
            return all(_is_table(arg) and not (of_tables and isinstance(arg, Name)) for arg in one.args)
        if one.method == "select" and not one.args and one.receiver is not None and _is_table(one.receiver):
            return True
    return False


_SELECTS: Final = ("sqlalchemy.select", "SQLAlchemy.select", "sqlalchemy.future.select")


def _is_table(value: Value) -> bool:
    if isinstance(value, Call):
        return value.callee.endswith(("sqlalchemy.Table", "SQLAlchemy.Table"))
    if isinstance(value, Member):
        return value.attribute == "__table__"
    last = value.dotted.removesuffix(".__table__").rpartition(".")[2] if isinstance(value, Name) else ""
    return last[:1].isupper() and not last.isupper()


def _reads_table(value: Value) -> bool:
    """``pandas.read_sql("select * from customers", engine)``"""
    return any(
        isinstance(one, Call)
        and one.callee.startswith("pandas.read_sql")
        and (one.method == "read_sql_table" or any(_ALL.search(text_of(given) or "") for given in one.args))
        for one in walk(value, 4)
    )


def _is_of(facts: "SourceFacts", value: Value, shows: "Callable[[SourceFacts, ClassFact], bool]") -> bool:
    """That the value comes from a class of the project which *shows* all that it has, and has something to hide."""
    for one in walk(value, 6):
        said = one.callee if isinstance(one, Call) else one.dotted if isinstance(one, Name) else ""
        words = said.split(".")
        for place in range(len(words), 0, -1):
            known = classes_by_name(facts).get(".".join(words[:place]))
            if known is not None and (known.attributes or known.fields):  # else it is the base that models are made of
                held = known.fields if is_data_class(known) else (*known.attributes, *known.fields)
                hides = any(SECRET.search(name) for name in held)
                return hides and shows(facts, known)
    return False


def gives_data_classes(facts: "SourceFacts", value: Value) -> bool:
    """``jsonify(User.query.all())`` of a model that is a data class: Flask writes out its fields, which are those with a type."""
    rows = isinstance(value, Call) and value.method in _GIVE_ROWS
    return rows and _is_of(facts, value, lambda _, known: is_data_class(known))


def is_data_class(known: ClassFact) -> bool:
    """That the class is a data class and a model."""
    return any(one.name.endswith("dataclass") for one in known.decorators) and any(
        base.rpartition(".")[2] in ("Model", "Base") for base in known.bases
    )


def _is_sql_model(_facts: "SourceFacts", known: ClassFact) -> bool:
    return any(base.startswith("sqlmodel.") for base in known.bases)


def _shows_itself(facts: "SourceFacts", known: ClassFact) -> bool:
    """A document of MongoEngine, or a model with a mixin that writes out all columns."""
    chosen = {"serialize_only", "serialize_rules", "to_dict", "to_json"} & {*known.attributes, *known.methods}
    by_mixin = any(base.endswith("SerializerMixin") for base in known.bases)
    return not chosen and (by_mixin or any(_DOCUMENTS.fullmatch(base) for base in known.bases))


def tells_all(part: Value) -> bool:
    """``Person.__table__.columns``, ``inspect(person).attrs``: what names each column of a row."""
    match part:
        case Name(dotted=dotted):
            return dotted.endswith(
                (
                    ".__table__.columns",
                    ".__mapper__.columns",
                    ".__mapper__.column_attrs",
                    ".__mapper__.attrs",
                    ".__mapper__.c",
                    ".__table__.c",
                )
            )
        case Call(callee=callee) if callee.endswith((".__mapper__.c.keys", ".__table__.c.keys", "_.columns.keys")):
            return True
        case Member(
            attribute="columns" | "column_attrs" | "attrs" | "c",
            owner=Member(attribute="__table__" | "__mapper__" | "mapper"),
        ):
            return True
        case Member(attribute="column_attrs" | "columns" | "attrs" | "c", owner=Call(callee=callee)):
            return callee in _LOOKS_AT
        case _:
            return False


def is_of_every_column(facts: "SourceFacts", value: Mapping) -> bool:
    """``{one.name: getattr(person, one.name) for one in Person.__table__.columns}`` of a class with a column that nobody would choose to show."""
    return any(
        tells_all(part) and _is_of(facts, part, lambda _, known: True)
        for key, _ in value.items
        for part in walk(key, 5)
    )
