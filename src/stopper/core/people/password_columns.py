"""Columns and classes that hold passwords: what is a row, what keeps a value as it comes, and what hashes or encrypts it on the way in."""

import re
from typing import Final

from stopper.core.account_names import is_of_a_service, is_password_name
from stopper.core.fact import ClassFact, Decorator
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.stores.named_columns import names_of_columns
from stopper.core.text_words import mentions
from stopper.core.values import Call, Item, Parameter, Value, options, text_of, walk

SEALS: Final = re.compile(r"(?i)encrypt|hash|bcrypt|argon|seal")
"""Functions that hash or encrypt."""
_CARRIES: Final = ("attr.", "attrs.", "dataclasses.", "pydantic.")
_COLUMN: Final = re.compile(r"[cC]olumn|Field")
_TABLE_BASE: Final = re.compile(
    r"(SQLAlchemy\.Model|DeclarativeBase|MappedAsDataclass|peewee\.Model|\.Document|\.Model|(^|\.)Base)$"
)
_PROTECTED_COLUMN: Final = re.compile(r"(?i)PasswordType|Encrypted|hash")


_CHECKS: Final = re.compile(r"_*(?:check|verify|test|validate|is_valid|has|matches)_(?:password|passwd|pwd|pass)")


def is_table_class(one: ClassFact) -> bool:
    """A class whose objects are rows or documents."""
    return "__tablename__" in one.attributes or any(_TABLE_BASE.search(base) for base in one.bases)


def is_column(facts: SourceFacts, one: ClassFact, name: str) -> bool:
    """A column of whatever name (``secret``) that keeps what it is given."""
    column = one.attributes.get(name)
    several = list(options(column))
    declared = [
        made
        for made in several
        if mentions(made, _COLUMN) and (len(several) == 1 or (isinstance(made, Call) and _COLUMN.search(made.callee)))
    ]  # what a method puts there later is no declaration
    return bool(declared) and not any(is_protected(facts, made) for made in declared)


def is_own_column(facts: SourceFacts, typed: Value, kept: Value) -> bool:
    """``self.password == candidate`` in a method of the model: whatever the parameter is called, it is held against the column."""
    owner, name = names_of_columns(facts).get(id(kept), ("", ""))
    if not isinstance(typed, Parameter) or not name or typed.function.rpartition(".")[0] != owner:
        return False
    found = classes_by_name(facts).get(owner)
    named = is_password_name(name) or _CHECKS.fullmatch(typed.function.rpartition(".")[2]) is not None
    of_a_person = named and not is_of_a_service(name)
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


_HASHING: Final = frozenset({"password", "_password", "__init__", "__setattr__", "validate_password", "hash_password"})
"""Methods that may hash on the way in."""


def hashing_classes(facts: SourceFacts) -> set[str]:
    """The classes that hash or encrypt what they are given as a password, or may do so."""
    found = {
        one.name
        for one in facts.classes()
        if any(
            (word := method.rpartition(".")[2]) in _HASHING
            and not (word == "__init__" and _only_keeps(facts, f"{one.name}.__init__"))
            for method in one.methods
        )
        or any(is_protected(facts, value) for name, value in one.attributes.items() if is_password_name(name))
    }
    return found | {one.owner for one in facts.functions() if any(map(_validates, one.decorators))}


def _only_keeps(facts: SourceFacts, made: str) -> bool:
    """``def __init__(self, name, password): self.name = name; self.password = password``: the column holds what is passed. What is given no
    password and calls nothing hashes none."""
    kept = [one.value for one in facts.assignments_in(made) if is_password_name(one.attribute)]
    known = facts.function(made)
    if not kept and known is not None and not known.calls and not any(map(is_password_name, known.parameters)):
        return True
    calls = any(SEALS.search(call.callee) or is_password_name(call.method) for call in facts.calls_in(made))
    return bool(kept) and not calls and all(isinstance(value, (Parameter, Item)) for value in kept)


def _validates(decorator: Decorator) -> bool:
    """``@validates("password")`` of SQLAlchemy: what the method makes of the value is what the column holds."""
    asked = decorator.call.args if decorator.call is not None and decorator.name.endswith(".validates") else ()
    return any(is_password_name(text_of(one) or "") for one in asked)
