"""Passwords that go by the hashing that the project has: into the column of the hash, or past the method that has to be called."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from stopper.core.account_names import is_password_name
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.passing import handed
from stopper.core.people.password_columns import SEALS, hashing_classes, is_table_class
from stopper.core.place import Span
from stopper.core.values import Call, Parameter, Value

HASHED_COLUMN: Final = re.compile(r"(?i)(?:password|passwd|pwd|pass)_?(?:hash|digest)|hashed_?(?:password|passwd|pwd)")
_BY_HAND: Final = frozenset({"hash_password", "encrypt_password", "hash_passwd"})
"""Methods of a model that hash what stands in the column, when they are called."""
_BY_ITSELF: Final = frozenset(
    {"password", "_password", "__init__", "__setattr__", "validate_password", "save", "clean"}
)
_SETS: Final = ("*.modify", "*.update", "*.update_one")


def is_given_sealed(facts: SourceFacts, value: Value) -> bool:
    """That somebody passes for the parameter what was hashed before."""
    given = handed(facts, value) if isinstance(value, Parameter) else ()
    return any(isinstance(one, Call) and SEALS.search(one.callee) is not None for one in given)


def unhashed(facts: SourceFacts, is_typed: Callable[[Value], bool]) -> Iterator[Span]:
    """``user.password_hash = typed``; ``user.modify(password=typed)`` where ``user.hash_password()`` has to be called and is not."""
    setters = {method.rpartition(".")[2] for one in facts.classes() for method in one.methods}
    for made in facts.assignments():
        named = made.function and "." in made.target and HASHED_COLUMN.fullmatch(made.attribute) is not None
        if named and made.attribute not in setters and is_typed(made.value) and not is_given_sealed(facts, made.value):
            yield made.span
    for one in facts.classes():
        if not is_table_class(one):
            continue
        for call in facts.calls(one.name):
            if call.span and any(
                HASHED_COLUMN.fullmatch(name) is not None and is_typed(value) and not is_given_sealed(facts, value)
                for name, value in call.keywords
            ):
                yield call.span
    yield from _by_place(facts, is_typed)
    if not _hashes_by_hand(facts):
        return
    for call in facts.calls(*_SETS):
        names = [name.removeprefix("set__") for name, value in call.keywords if is_typed(value)]
        if call.span and any(map(is_password_name, names)) and not _seals_in(facts, call.function):
            yield call.span
    for made in facts.assignments():
        if not made.function or made.target.count(".") != 1 or made.target.startswith("self."):
            continue
        if is_password_name(made.attribute) and is_typed(made.value) and not _seals_in(facts, made.function):
            yield made.span


def _by_place(facts: SourceFacts, is_typed: Callable[[Value], bool]) -> Iterator[Span]:
    """``User(name, password)`` of a model whose ``__init__`` keeps what it is handed."""
    hashing = hashing_classes(facts)
    for one in facts.classes():
        made = facts.function(f"{one.name}.__init__") if is_table_class(one) and one.name not in hashing else None
        if made is None or not any(is_password_name(name) for name in one.attributes):
            continue
        names = [name for name in made.parameters if name != "self"]
        for call in facts.calls(one.name):
            if call.span and any(
                is_password_name(name) and is_typed(value) for name, value in zip(names, call.args, strict=False)
            ):
                yield call.span


def _hashes_by_hand(facts: SourceFacts) -> bool:
    """That a model has a method which hashes, and none that does so by itself, nor when a row is written (``listen(User, "before_update", …)``)."""
    if any(True for _ in facts.calls("*.listen", "*.listens_for", "*.pre_save.connect", "*.pre_save")):
        return False
    for one in classes_by_name(facts).values():
        methods = {method.rpartition(".")[2] for method in one.methods}
        if is_table_class(one) and methods & _BY_HAND and not methods & _BY_ITSELF:
            return True
    return False


def _seals_in(facts: SourceFacts, function: str) -> bool:
    return any(SEALS.search(call.method) for call in facts.calls_in(function))
