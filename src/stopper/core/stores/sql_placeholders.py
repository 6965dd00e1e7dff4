"""The placeholder that a call which runs a statement wants for its values."""

from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.values import Call

TEXTS: Final = ("sqlalchemy.text", "sqlalchemy.sql.text")
"""What makes a statement of a text in SQLAlchemy; its placeholders have names."""
_MARKS: Final = (
    ("?", ("sqlite3",)),
    ("%s", ("psycopg2", "psycopg", "pymysql", "MySQLdb", "mysql", "flask_mysqldb", "flaskext.mysql", "mariadb")),
)
"""The placeholder of each driver (PEP 249, ``paramstyle``)."""
_OTHERS: Final = (
    "sqlalchemy", "flask_sqlalchemy", "databases", "asyncpg", "duckdb", "peewee", "records", "dataset", "pyodbc",
)  # fmt: skip


def placeholder(facts: SourceFacts, call: Call) -> str:
    """``?``, ``%s``, ``:`` for named ones, or an empty text where nothing tells whose call it is."""
    if call.callee in TEXTS:
        return ":"
    if call.method != "execute" or any(one.name.endswith(".execute") for one in facts.functions()):
        return ""  # a class of the project may have one of its own, which takes no values
    of_call = [mark for mark, homes in _MARKS if call.callee.startswith(tuple(f"{one}." for one in homes))]
    known = of_call or ([] if facts.imports(*_OTHERS) else [mark for mark, homes in _MARKS if facts.imports(*homes)])
    return known[0] if len(known) == 1 else ""
