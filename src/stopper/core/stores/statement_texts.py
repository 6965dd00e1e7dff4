"""Which texts are statements of SQL that somebody may have changed: those that are put together, and one that is what a caller sent."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.values import Call, Constant, Format, Item, Name, Parameter, Unknown, Value, literals, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_SQL: Final = re.compile(
    r"(?i)\b(select\b.*\bfrom|insert\s+into|update\b.*\bset|delete\s+from|where|order\s+by|union|from\s+\w+|drop\s+table|pragma|limit|and|or|values"
    r"|set\s+(?:local\s+|session\s+)?(?:search_path|role|schema)|alter\s+\w+|truncate|call\s+\w+|having|group\s+by|offset|between|like)\b",
    re.DOTALL,
)
_FREE: Final = frozenset({"string", "path"})
_DRIVERS: Final = (
    "sqlite3",
    "psycopg2",
    "psycopg",
    "sqlalchemy",
    "flask_sqlalchemy",
    "pymysql",
    "MySQLdb",
    "mysql",
    "flask_mysqldb",
)


def is_own_text(facts: "SourceFacts", value: Value) -> bool:
    """That the statement is the caller's own text as it stands: ``request.args["query"]``, and ``/run/<statement>`` in its view."""
    if isinstance(value, Parameter):
        free = (
            name for route in facts.routes_of_view(value.function) for name, kind in route.parameters if kind in _FREE
        )
        return value.parameter in free and facts.imports(*_DRIVERS)
    return isinstance(value, (Item, Name)) and not _is_of_several(value) and facts.imports(*_DRIVERS)


def _is_of_several(value: Value) -> bool:
    """``for statement, values in several``: what is in them, whoever passes them knows."""
    while isinstance(value, Item):
        value = value.owner
    return not isinstance(value, (Name, Call))


def is_put_together(value: Value) -> bool:
    """That a text with words of SQL in it is put together somewhere in the value."""
    for part in walk(value):
        if isinstance(part, Format):
            texts = "".join(one.value for one in part.parts if isinstance(one, Constant) and isinstance(one.value, str))
            if _SQL.search(texts):
                return True
        if isinstance(part, Unknown) and any(_SQL.search(str(one.value)) for one in _literals_in(part)):
            return True
        filled = literals(part.receiver) if isinstance(part, Call) and part.open and part.method == "format" else ()
        if any(_SQL.search(str(one.value)) for one in filled):  # ``text.format(*args)``
            return True
    return False


def is_built(facts: "SourceFacts", value: Value) -> bool:
    """That a function of the project gives the statement, and puts it together itself: ``query.order_by(column).sql()``."""
    return isinstance(value, Call) and any(is_put_together(one.value) for one in facts.returns_of(value.callee))


def _literals_in(value: Value) -> Iterator[Constant]:
    """The texts directly inside something that was put together."""
    for part in walk(value, 3):
        yield from (one for one in literals(part) if isinstance(one.value, str))
