"""Functions that write somebody's password, or the hash of it, into a row: by a statement, or as an object of a table's class."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from stopper.core.account_names import is_password_name, said_name
from stopper.core.facts import SourceFacts
from stopper.core.flow.body_models import classes_by_name
from stopper.core.people.password_columns import is_table_class
from stopper.core.people.password_setters import set_by_property
from stopper.core.stores.sql_conditions import statement_of
from stopper.core.values import Call, Constant, Format, Mapping, Sequence, Value, options, walk

_INSERTED: Final = re.compile(r"(?is)\binsert\s+into\s+\S+?\s*\(([^)]*)\)")
_CHANGED: Final = re.compile(r"(?is)\bupdate\s+\S+\s+set\s+((?:(?!\bwhere\b).)*)")
_NAMES: Final = re.compile(r"[A-Za-z_]\w*")
_SEALED: Final = re.compile(r"(?i)(?<=\w)_?(?:hash|hashed|digest)$|^hashed_")
_SETS: Final = re.compile(r"(?i)(?:set|change|update|reset)_(?:new_)?(?:password|passwd|pwd)")
_STATEMENTS: Final = frozenset({"execute", "query", "raw", "query_db", "execute_query", "run", "fetch_one"})


def inserts_password(facts: SourceFacts, names: Iterable[str]) -> bool:
    """``INSERT INTO users (name, password) …`` with what was sent, or ``User(name, password)``: somebody gets an account there."""
    calls = [call for name in names for call in facts.calls_in(name)]
    if any(_puts(facts, call, _INSERTED) for call in calls):
        return True
    known = classes_by_name(facts)
    return any(
        (made := known.get(call.callee)) is not None
        and is_table_class(made)
        and any(_is_sent(facts, value) for value in (*call.args, *(value for _, value in call.keywords)))
        for call in calls
    )


def changes_password(facts: SourceFacts, names: Iterable[str]) -> bool:
    """``UPDATE users SET password = …`` with what was sent, ``user.password = …`` where that hashes it, ``user.set_password(…)``."""
    several = list(names)
    if any(_is_sent(facts, one.value) for name in several for one in set_by_property(facts, name)):
        return True
    return any(
        puts_password(facts, call) or (_SETS.fullmatch(call.method) and any(_is_sent(facts, one) for one in call.args))
        for name in several
        for call in facts.calls_in(name)
    )


def puts_password(facts: SourceFacts, call: Call) -> bool:
    """That the call runs such a statement."""
    return _puts(facts, call, _CHANGED)


def _puts(facts: SourceFacts, call: Call, statement: re.Pattern[str]) -> bool:
    if call.method not in _STATEMENTS or not call.args:
        return False
    found = statement.search(statement_of(call.args[0]))
    columns = _NAMES.findall(found[1]) if found is not None else ()
    return any(is_password_name(_SEALED.sub("", name)) for name in columns) and any(
        _is_sent(facts, value) for value in _given(call)
    )


def _given(call: Call) -> Iterator[Value]:
    for option in options(call.args[0]):
        yield from option.parts if isinstance(option, Format) else ()
    for value in (*call.args[1:], *(value for _, value in call.keywords)):
        for option in options(value):
            if isinstance(option, Sequence):
                yield from option.items
            elif isinstance(option, Mapping):
                yield from (inner for _, inner in option.items)
            else:
                yield option


def _is_sent(facts: SourceFacts, value: Value) -> bool:
    return not isinstance(value, Constant) and any(
        is_password_name(said_name(part)) or facts.derives(part, "password") for part in walk(value, 4)
    )
