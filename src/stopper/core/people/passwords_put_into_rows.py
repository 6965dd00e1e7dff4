"""Passwords that go into a row or a document as they were typed: ``User(password=…)``, ``user.password = …``, ``insert_one({"password": …})``."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from stopper.core.account_names import is_of_a_service, is_password_name, said_name
from stopper.core.facts import SourceFacts
from stopper.core.flow.held_inside import members
from stopper.core.people.password_columns import hashing_classes, is_column, is_table_class, only_carries
from stopper.core.people.passwords_unhashed import HASHED_COLUMN, is_given_sealed, unhashed
from stopper.core.people.passwords_written_down import written_down
from stopper.core.place import Span
from stopper.core.values import Call, Item, Name, Parameter, Value

_INSERTS: Final = ("*.insert_one", "*.insert", "*.create", "*.put_item", "*.update_one")
_FILLS: Final = ("create", "insert", "objects.create")
_OF_PERSON: Final = re.compile(r"\w*(user|account|person|member|customer|u)\.\w+")
_HASHES: Final = re.compile(rf"(?i)hash|digest|{HASHED_COLUMN.pattern.removeprefix('(?i)')}")
"""Members of a document that should hold a hash."""
_BODIES: Final = frozenset({"flask.request.form", "flask.request.json", "flask.request.values"})
_NO_PASSWORD: Final = re.compile(r"(?i)hash|digest|crypt|argon|sealed|cipher")


def put_into_rows(facts: SourceFacts, is_typed: Callable[[Value], bool]) -> Iterator[Span]:
    """The calls and assignments; *is_typed* tells a password that somebody typed."""
    named = (*(one.key for one in facts.readings()), *(one.attribute for one in facts.assignments() if one.function))
    if not any(map(is_password_name, named)) and not facts.imports("flask_wtf", "wtforms", "marshmallow", "pydantic"):
        return

    def is_put(name: str, value: Value) -> bool:
        return is_typed(value) or (name != "**" and _is_read_there(value))

    hashing = hashing_classes(facts)
    for one in facts.classes():
        if one.name in hashing or only_carries(one) or not any(is_password_name(name) for name in one.attributes):
            continue
        for call in facts.calls(one.name, *(f"{one.name}.{word}" for word in _FILLS)):
            if call.span and any(is_persons(name) and is_put(name, value) for name, value in call.keywords):
                yield call.span
    for one in facts.classes():
        if one.name in hashing or not is_table_class(one):
            continue
        for call in facts.calls(one.name, *(f"{one.name}.{word}" for word in _FILLS)):
            if call.span and any(
                is_typed(value) and is_column(facts, one, name) and not is_password_name(name)
                for name, value in call.keywords
            ):
                yield call.span
    yield from _filled(facts, is_typed, hashing)
    yield from written_down(facts, is_persons, is_typed)
    for call in facts.calls("*.values"):  # ``insert(User).values(password=…)``
        if call.span and any(is_password_name(name) and is_put(name, value) for name, value in call.keywords):
            yield call.span
    for call in facts.calls(*_INSERTS):
        if call.span and any(
            (is_persons(name) or _HASHES.fullmatch(name)) and is_typed(value)
            for arg in call.args
            for name, value in members(arg)
        ):
            yield call.span
    yield from unhashed(facts, is_typed)
    for made in facts.assignments() if not hashing else ():
        of_person = is_persons(made.attribute) and made.function and _OF_PERSON.fullmatch(made.target)
        if of_person and not made.target.startswith("self.") and is_put(made.attribute, made.value):
            yield made.span


def _filled(facts: SourceFacts, is_typed: Callable[[Value], bool], hashing: set[str]) -> Iterator[Span]:
    """``row.secret = password``: a column of whatever name that is filled with one."""
    filled = [
        made
        for made in facts.assignments()
        if made.function
        and "." in made.target
        and (not made.target.startswith("self.") or (is_set(made.value) and not is_given_sealed(facts, made.value)))
        and (is_persons(said_name(made.value)) or is_set(made.value))
        and is_typed(made.value)
    ]
    columns = {
        name
        for one in facts.classes()
        if filled and one.name not in hashing and is_table_class(one)
        for name in one.attributes
        if is_column(facts, one, name) and not is_password_name(name)
    }
    yield from (made.span for made in filled if made.attribute in columns)


def _is_read_there(value: Value) -> bool:
    """``user.password = request.form["new"]``: what is read out of the body, under whatever name, and goes in as it came."""
    while isinstance(value, Call) and value.method == "strip" and value.receiver is not None:
        value = value.receiver
    if not isinstance(value, Item) or _NO_PASSWORD.search(said_name(value)):
        return False
    body = value.owner
    return (isinstance(body, Name) and body.dotted in _BODIES) or (
        isinstance(body, Call) and body.callee == "flask.request.get_json"
    )


def is_persons(name: str) -> bool:
    """That it is the name of somebody's password, and of no service's."""
    return is_password_name(name) and not is_of_a_service(name)


def is_set(value: Value) -> bool:
    """What a setter is given: ``@password.setter``, ``set_password(self, value)``."""
    return isinstance(value, Parameter) and is_password_name(
        value.function.rpartition(".")[2].removeprefix("set_").removeprefix("_")
    )
