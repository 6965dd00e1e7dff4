"""Columns and classes that hold passwords: what is a row, what keeps a value as it comes, and what hashes or encrypts it on the way in."""

import re
from typing import Final

from stopper.core.account_names import is_of_a_service, is_password_name
from stopper.core.body_models import classes_by_name
from stopper.core.fact import ClassFact
from stopper.core.facts import SourceFacts
from stopper.core.named_columns import names_of_columns
from stopper.core.text_words import mentions
from stopper.core.values import Parameter, Value, walk

SEALS: Final = re.compile(r"(?i)encrypt|hash|bcrypt|argon|seal")
"""Functions that hash or encrypt."""
_CARRIES: Final = ("attr.", "attrs.", "dataclasses.", "pydantic.")
_COLUMN: Final = re.compile(r"[cC]olumn|Field")
_TABLE_BASE: Final = re.compile(
    r"(SQLAlchemy\.Model|DeclarativeBase|MappedAsDataclass|peewee\.Model|\.Document|\.Model|(^|\.)Base)$"
)
_PROTECTED_COLUMN: Final = re.compile(r"(?i)PasswordType|Encrypted|hash")


def is_table_class(one: ClassFact) -> bool:
    """A class whose objects are rows or documents."""
    return "__tablename__" in one.attributes or any(_TABLE_BASE.search(base) for base in one.bases)


def is_column(facts: SourceFacts, one: ClassFact, name: str) -> bool:
    """A column of whatever name (``secret``) that keeps what it is given."""
    column = one.attributes.get(name)
    return column is not None and mentions(column, _COLUMN) and not is_protected(facts, column)


def is_own_column(facts: SourceFacts, typed: Value, kept: Value) -> bool:
    """``self.password == candidate`` in a method of the model: whatever the parameter is called, it is held against the column."""
    owner, name = names_of_columns(facts).get(id(kept), ("", ""))
    if not isinstance(typed, Parameter) or not name or typed.function.rpartition(".")[0] != owner:
        return False
    found = classes_by_name(facts).get(owner)
    of_a_person = is_password_name(name) and not is_of_a_service(name)
    return found is not None and of_a_person and is_table_class(found) and is_column(facts, found, name)


def only_carries(one: ClassFact) -> bool:
    """A class that hands values from one function to the next; nothing of it is stored."""
    return any(decorator.name.startswith(_CARRIES) for decorator in one.decorators) or any(
        base.startswith(("typing.", "pydantic.", "collections.")) for base in one.bases
    )


def is_protected(facts: SourceFacts, column: Value) -> bool:
    """That the type of the column hashes or encrypts: by its name, or a type of the project by what it does on the way in."""
    if mentions(column, _PROTECTED_COLUMN):
        return True
    types = {
        name for one in walk(column, 3) for name in (getattr(one, "dotted", ""), getattr(one, "callee", "")) if name
    }
    return any(SEALS.search(call.callee) for name in types for call in facts.calls_in(f"{name}.process_bind_param"))
