"""Answers that hold a stored password or its hash: under its name in what a view gives back, or as a column of rows that go out as they are."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.account_names import is_of_a_service, is_password_name
from stopper.core.flow.parts_given_out import SIGNS, given_out
from stopper.core.place import Span
from stopper.core.stores.sql_tables import columns_read
from stopper.core.stores.whole_selects import held_in
from stopper.core.values import (
    Call,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Value,
    text_of,
    walk,
)

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_HASH: Final = re.compile(r"(?i)_?(?:hashed_)?(?:password|passwd|pwd|passhash)(?:_?(?:hash|digest|hashed))?")
_MADE: Final = re.compile(
    r"(?i)create|generat|new|reset|invite|register|sign_?up|rotate|issue|add|import|export|backup|dump|seed"
)
"""Views that may show once what they have just made."""


def told_passwords(facts: "SourceFacts") -> Iterator[Span]:
    """The places of such answers."""
    for flow in facts.flows("response"):
        if _MADE.search(flow.function.rpartition(".")[2]) or flow.detail.startswith("flask.render_template"):
            continue
        if any(_holds(facts, part) for part in given_out(flow.value)) or any(
            _is_of_rows(facts, part) or _is_in_text(part) for part in held_in(flow.value, 6)
        ):
            yield flow.span


def _holds(facts: "SourceFacts", value: Value, depth: int = 2) -> bool:
    if isinstance(value, Call) and depth:
        return any(
            _holds(facts, part, depth - 1) for one in facts.returns_of(value.callee) for part in given_out(one.value, 3)
        )
    several = value.items if isinstance(value, Mapping) else ()
    return any(is_stored_password(text_of(key) or "", held) for key, held in several)


def is_stored_password(name: str, value: Value) -> bool:
    """A member of an answer that gives a stored password or its hash, under its name or another."""
    return (_is_password(name) and _is_stored(value)) or _is_column(value)


def _is_of_a_column(call: Call) -> bool:
    """``escape(row["name"])``, ``bool(row["password"])``: what is made of one column is no row."""
    return any(
        isinstance(one, Item) and isinstance(one.key, Constant) and isinstance(one.key.value, str)
        for one in (*call.args, call.receiver)
    )


def _is_in_text(value: Value) -> bool:
    """``f"<li>{row['name']}: {row['password']}</li>"``, also where such lines are joined to a page."""
    made = isinstance(value, Format) or (isinstance(value, Call) and value.method == "join")
    return made and any(_is_column(one) for part in walk(value, 12) if isinstance(part, Format) for one in part.parts)


def _is_column(value: Value) -> bool:
    """``row["password"]``, whatever it is called in the answer."""
    key = value.key.value if isinstance(value, Item) and isinstance(value.key, Constant) else None
    return isinstance(key, str) and _is_password(key) and _is_stored(value)


def _is_password(name: str) -> bool:
    return (_HASH.fullmatch(name) is not None or is_password_name(name)) and not is_of_a_service(name)


def _is_stored(value: Value) -> bool:
    """A member or a column of something that was looked up; not what was just sent or made, nor a setting."""
    if isinstance(value, Member):
        return _is_password(value.attribute)
    if isinstance(value, Name):
        return value.dotted.count(".") > 1 and _is_password(value.dotted.rpartition(".")[2])
    if not isinstance(value, Item) or any("flask." in str(getattr(one, "dotted", "")) for one in walk(value.owner, 6)):
        return False
    return isinstance(value.key, Constant) and (type(value.key.value) is int or _is_password(str(value.key.value)))


def _is_of_rows(facts: "SourceFacts", value: Value) -> bool:
    """``[dict(row) for row in db.execute("SELECT name, password FROM users")]``, also by a function that gives rows or what it is handed; a token
    that is made of a row shows no more than its claims."""
    if not isinstance(value, Call) or value.method == "join" or SIGNS.match(value.callee) or _is_of_a_column(value):
        return False  # of a text each column that stands in it is looked at
    if not any(map(_is_password, columns_read(value))):
        return False
    given = [part for one in facts.returns_of(value.callee) for part in given_out(one.value, 3)]
    return not given or any(
        isinstance(one, Parameter)
        or (isinstance(one, Call) and SIGNS.match(one.callee) is None and any(map(_is_password, columns_read(one))))
        for one in given
    )
