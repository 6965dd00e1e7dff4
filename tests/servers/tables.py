"""Tables of an empty database: made by the migrations once for each kind, afterwards by the statements that those came to.

The migrations themselves are tried in ``tests/store``, which does without this.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, event, text

from stopper.store import migration
from stopper.store.database import Database

_CHANGES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE")
_said: dict[str, list[tuple[str, Any]]] = {}
_upgrade = migration.upgrade


@pytest.fixture(scope="module", autouse=True)
def tables_made_once() -> Iterator[None]:
    """A database that is opened in these tests has its tables at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migration, "upgrade", upgrade)
        yield


def upgrade(database: Database, revision: str = "head") -> None:
    """What :func:`stopper.store.migration.upgrade` does."""
    said = _said.get(database.dialect)
    if revision != "head" or not (database.write(lambda now: _repeated(now, said)) if said else _noted(database)):
        _upgrade(database, revision)


def _noted(database: Database) -> bool:
    if migration.current(database) is not None:
        return False
    said: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_more: Any) -> None:
        if statement.lstrip().startswith(_CHANGES):
            said.append((statement, given))

    event.listen(database.engine, "before_cursor_execute", note)
    _upgrade(database)
    event.remove(database.engine, "before_cursor_execute", note)
    _said[database.dialect] = said
    return True


def _repeated(connection: Connection, said: list[tuple[str, Any]]) -> bool:
    """Whether the database was empty and has all tables now."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": migration._LOCK})
    context = MigrationContext.configure(connection, opts={"version_table": migration._VERSION_TABLE})
    if context.get_current_revision() is not None:
        return False
    for statement, given in said:
        connection.exec_driver_sql(statement, given or None)
    return True
