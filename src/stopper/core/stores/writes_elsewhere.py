"""Where all members that a caller sent are written by a library, by a statement, or through a class that declares rights as well."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import admitted_words, class_of, classes_by_name, is_record, is_schema
from stopper.core.flow.whole_body import is_held_by_name, is_whole, is_whole_of, names_all_columns
from stopper.core.guards.reached_by_admins import is_reached_by_admins
from stopper.core.origins import FORMS
from stopper.core.values import (
    Call,
    Format,
    Item,
    Mapping,
    Parameter,
    Sequence,
    Unknown,
    Value,
    is_constant,
    parts,
    text_of,
    walk,
)

GRANTS: Final = re.compile(
    r"(?i)^(?:is_?)?(?:admin|staff|superuser|verified|approved|moderator|premium|root)$|^(?:email|account|phone)_verified$|^(?:account_|wallet_)?balance$|^credits?$|"
    r"^(?:user_?)?roles?$|^permissions?$|^credit_limit$|^(?:owner|tenant|org|organi[sz]ation)_id$"
)
"""What nobody gives himself, as members are spelled."""
_SUMS: Final = re.compile(r"(?i)^credits?$")
_WORDS: Final = ("StringField", "TextAreaField")
"""In a field for words, credits are whom to thank."""
_COPIES: Final = ("dataclasses.replace", "copy.replace", "attr.evolve", "attrs.evolve", "*._replace", "*.model_copy")
_FROM_DICTS: Final = ("playhouse.shortcuts.update_model_from_dict", "playhouse.shortcuts.dict_to_model")
_MODEL_FORM: Final = re.compile(r"wtforms_\w+(?:\.\w+)*\.model_form|wtforms\.ext\.\w+\.orm\.model_form|.*\.model_form")
_SAVES: Final = re.compile(
    r"(?!flask\.|json\.)(?:.*\.)?(?:save|store|put|write|persist|replace|upsert|update)(?:_\w+)?"
)
_MOST_FIELDS: Final = 500
_STATEMENTS: Final = frozenset({"insert", "update", "values", "returning"})
_CHANGES: Final = re.compile(r"(?i)^\s*(?:update\s|insert\s+into\s|replace\s+into\s)")


def writes_elsewhere(facts: SourceFacts) -> Iterator[Call]:
    """The calls that do so."""
    yield from _by_library(facts)
    yield from _by_statement(facts)
    yield from _by_form(facts)
    for call in facts.calls_matching(_SAVES.pattern):
        if any(is_merged(facts, value) for value in call.args):
            yield call
    yield from _into_a_row_kept(facts)


def _into_a_row_kept(facts: SourceFacts) -> Iterator[Call]:
    """``PROFILES[key] = PROFILES[key] | body``: an update of a row in a dictionary that outlives the request."""
    for one in facts.assignments():
        row = one.into if one.function and one.target.startswith("[") else None
        if not isinstance(row, Mapping) or row.span is None or facts.function_around(row.span) == one.function:
            continue  # the last: a dictionary of the function itself, which nobody finds again
        if is_merged(facts, one.value) or _is_over_rights(facts, one.value):
            yield Call("?.update", (one.value,), receiver=row, function=one.function, span=one.span)


def _is_over_rights(facts: SourceFacts, value: Value) -> bool:
    """``{"role": "user", **body}``: what the program says of rights, and the caller's word over it."""
    items = value.items if isinstance(value, Mapping) else ()
    return (
        bool(items) and is_whole_of(facts, items[-1][1]) and any(GRANTS.search(text_of(key) or "") for key, _ in items)
    )


def _by_library(facts: SourceFacts) -> Iterator[Call]:
    """A copy with other fields, a row of peewee, an item of DynamoDB, a document of Firestore."""
    for call in facts.calls(*_COPIES):
        if any(name in ("**", "update") and is_whole_of(facts, value) for name, value in call.keywords):
            yield call
    for call in facts.calls(*_FROM_DICTS):
        if len(call.args) > 1 and is_whole_of(facts, call.args[1]) and call.lacks(None, "only", "exclude"):
            yield call
    for call in facts.calls("*.put_item"):
        if is_whole_of(facts, call.keyword("Item")):
            yield call
    for call in facts.calls("*.insert_many", "*.bulk_insert_mappings", "*.bulk_update_mappings", "*.bulk_save_objects"):
        if any(_are_rows(facts, value) for value in call.args[:2]):
            yield call


def _by_statement(facts: SourceFacts) -> Iterator[Call]:
    """``execute(insert(Member), rows)``, and ``UPDATE`` with a column for every member of the body."""
    for call in facts.calls("*.execute"):
        if not call.args:
            continue
        statement = call.args[0]
        if isinstance(statement, Call) and statement.method in _STATEMENTS:
            if len(call.args) > 1 and (is_whole_of(facts, call.args[1]) or _are_rows(facts, call.args[1])):
                yield call
        elif _names_every_member(facts, statement) or _quotes_every_member(facts, statement):
            yield call


def _names_every_member(facts: SourceFacts, statement: Value) -> bool:
    formats = [part for part in walk(statement, 3) if isinstance(part, Format) and part.parts]
    if not any(_CHANGES.match(text_of(one.parts[0]) or "") for one in formats):
        return False
    return any(
        text_of(part.key) is None
        and (is_whole(part.owner) or is_whole_of(facts, part.owner))
        and not is_held_by_name(facts, part)
        for one in formats
        for part in _members(one)
    )


_QUOTES: Final = re.compile(r"psycopg2?\.sql\.Identifier")


def _quotes_every_member(facts: SourceFacts, statement: Value) -> bool:
    """``sql.SQL("UPDATE {} SET {}").format(…)`` with ``sql.Identifier(name)`` for every member of the body: quoted, and the caller's choice."""
    inside = list(walk(statement, 10))
    if not any(
        isinstance(one, Call) and one.callee.endswith(".sql.SQL") and _CHANGES.match(text_of(one.argument(0)) or "")
        for one in inside
    ):
        return False
    return any(
        isinstance(one, Call)
        and _QUOTES.fullmatch(one.callee)
        and any(
            isinstance(part, Item)
            and text_of(part.key) is None
            and (is_whole(part.owner) or is_whole_of(facts, part.owner))
            and not is_held_by_name(facts, part)
            for part in one.args
        )
        for one in inside
    )


def _members(value: Value, depth: int = 6) -> Iterator[Item]:
    """What stands in a text itself, and not as the key of something else."""
    if isinstance(value, Item):
        yield value
        if not isinstance(value.owner, Call):
            return
    for part in parts(value.owner if isinstance(value, Item) else value) if depth else ():
        yield from _members(part, depth - 1)


def _are_rows(facts: SourceFacts, value: Value) -> bool:
    """A list of the body, whose entries are rows: ``body["members"]``; a list that the body itself stands in."""
    if isinstance(value, Sequence) and any(is_whole_of(facts, one) for one in value.items):
        return True
    return is_whole_of(facts, value) or (
        isinstance(value, Item) and text_of(value.key) is not None and is_whole_of(facts, value.owner)
    )


def _by_form(facts: SourceFacts) -> Iterator[Call]:
    """``model_form(User)`` has a field for every column; and a form of the project may have one for a right."""
    for call in facts.calls("*.populate_obj"):
        form = call.receiver.callee if isinstance(call.receiver, Call) else call.callee.rpartition(".")[0]
        if _has_a_field_of_rights(facts, form) and not is_reached_by_admins(facts, call.function):
            yield call
            continue
        for part in walk(call.receiver, 3):
            made = part.receiver if isinstance(part, Call) and part.method == "__call__" else part
            if isinstance(made, Call) and _MODEL_FORM.fullmatch(made.callee) and made.lacks(None, "only", "exclude"):
                yield call
                break


def _has_a_field_of_rights(facts: SourceFacts, form: str) -> bool:
    known = next((one for one in facts.classes(*FORMS) if one.name == form), None)
    return known is not None and any(
        GRANTS.search(name)
        and isinstance(field, Call)
        and field.method.endswith("Field")
        and not (_SUMS.search(name) and field.method in _WORDS)
        for name, field in known.attributes.items()
    )


def gives_rights(facts: SourceFacts, value: Value | None) -> bool:
    """That a value is what a class of declared fields took out of the body, and one of these fields is a right: ``is_admin: bool``."""
    if isinstance(value, Mapping):
        set_after = set(value.keys())
        return any(_rights_of(facts, inner) - set_after for key, inner in value.items if text_of(key) is None)
    return bool(_rights_of(facts, value))


def _rights_of(facts: SourceFacts, value: Value | None) -> set[str]:
    if value is None:
        return set()
    name = class_of(facts, value) or ""
    if name not in classes_by_name(facts) or not (_is_handed(facts, value) or any(map(is_whole, walk(value, 6)))):
        return set()
    return {
        name
        for name in _fields_of(facts, name)
        if GRANTS.search(name) and admitted_words(facts, value, name) is None and not _is_left_out(value, name)
    }


def _is_handed(facts: SourceFacts, value: Value) -> bool:
    """``@app.input(ProfileIn)``: a decorator hands the view what all of the schema took, and no administrator is asked for."""
    if not isinstance(value, Parameter) or class_of(facts, value) in (None, value.typed):
        return False
    function = facts.function(value.function)
    chosen = [
        part
        for one in (function.decorators if function is not None else ())
        for part in walk(one.call, 3)
        if isinstance(part, Call) and part.keyword("only", "exclude", "dump_only") is not None
    ]
    return not chosen and not is_reached_by_admins(facts, value.function)


def _fields_of(facts: SourceFacts, name: str, over: frozenset[str] = frozenset()) -> Iterator[str]:
    """The fields that a class of the project and those above it declare, of schemas those that are loaded; not what is said anew *over*
    them."""
    known = classes_by_name(facts).get(name)
    if known is None or len(over) > _MOST_FIELDS:
        return
    yield from (word for word in known.fields if word not in over)
    meta = classes_by_name(facts).get(f"{name}.Meta")
    if is_schema(facts, name) and not (
        meta is not None and {"exclude", "dump_only", "fields"} & meta.attributes.keys()
    ):
        for word, declared in known.attributes.items():
            if isinstance(declared, Call) and word not in over and not is_constant(declared.keyword("dump_only"), True):
                yield word
    for base in known.bases:
        if base != name:
            yield from _fields_of(facts, base, over | {name, *known.fields, *known.attributes})


def _is_left_out(value: Value, name: str) -> bool:
    """``model_dump(exclude={"is_admin"})``, or of which only some are taken."""
    if not isinstance(value, Call):
        return False
    if value.keyword("include") is not None:
        return True
    return any(text_of(part) == name for part in walk(value.keyword("exclude"), 2))


def holds_rights(facts: SourceFacts, name: str) -> bool:
    """That a dataclass of the project, which takes whatever it is handed, has a right among its fields."""
    known = classes_by_name(facts).get(name)
    if known is None or not is_record(facts, name):
        return False
    plain = any(
        one.name in ("dataclasses.dataclass", "attrs.define", "attr.s", "attr.define") for one in known.decorators
    )
    return plain and any(GRANTS.search(field) for field in known.fields)


def is_of_all_columns(facts: SourceFacts, call: Call) -> bool:
    """``for column in self.__table__.columns: setattr(self, column.name, data[column.name])``"""
    taken = call.args[2]
    return isinstance(taken, Item) and is_whole_of(facts, taken.owner) and names_all_columns(call.args[1])


def is_merged(facts: SourceFacts, value: Value) -> bool:
    """``{**kept, **body}``, ``kept | body``: what is kept, with whatever the caller sent over it."""
    if isinstance(value, Unknown):
        return len(value.parts) == 2 and is_whole_of(facts, value.parts[1]) and not is_whole_of(facts, value.parts[0])
    if not isinstance(value, Mapping) or not value.open:
        return False
    poured = [inner for key, inner in value.items if getattr(key, "value", None) in ("**", None)]
    return any(is_whole_of(facts, one) for one in poured) and any(not is_whole_of(facts, one) for one in poured)
