"""Columns and classes that hold passwords: what is a row, what keeps a value as it comes, and what hashes or encrypts it on the way in."""

import re
from typing import Final

from stopper.core.fact import ClassFact
from stopper.core.facts import SourceFacts
from stopper.core.text_words import mentions
from stopper.core.values import Value, walk

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
