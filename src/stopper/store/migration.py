"""Brings a database to a version of the schema, by Alembic, without files to configure."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from stopper.core.errors import SettingError
from stopper.store.database import Database
from stopper.store.schema import metadata

_FOLDER: Final = Path(__file__).parent / "migrations"
_VERSION_TABLE: Final = "stopper_version"
_LOCK = 0x53544F52
_Steps = Callable[[Any, MigrationContext], Any]


def upgrade(database: Database, revision: str = "head") -> None:
    """Go up to *revision*. Several processes may start together: one goes, the others find the work done.

    Raises SettingError for a database of a newer Stopper.
    """
    scripts = _scripts()
    _judge_known(scripts, current(database))
    # The documented way to run Alembic without an env.py goes through this name.
    _run(database, scripts, lambda now, _context: scripts._upgrade_revs(revision, now))  # pyright: ignore[reportPrivateUsage]


def downgrade(database: Database, revision: str = "base") -> None:
    """Go down to *revision*. What only newer tables hold is lost."""
    scripts = _scripts()
    # The documented way to run Alembic without an env.py goes through this name.
    _run(database, scripts, lambda now, _context: scripts._downgrade_revs(revision, now))  # pyright: ignore[reportPrivateUsage]


def current(database: Database) -> str | None:
    """The revision that the database is at; None for an empty one."""

    def work(connection: Connection) -> str | None:
        context = MigrationContext.configure(connection, opts={"version_table": _VERSION_TABLE})
        return context.get_current_revision()

    return database.read(work)


def head() -> str:
    """The revision that this version of Stopper works with."""
    found = _scripts().get_current_head()
    if found is None:
        raise SettingError("this installation has no migrations; install stopper again")
    return found


def check(database: Database) -> None:
    """Raises SettingError where the database is not at :func:`head`, or belongs to a newer Stopper."""
    found = current(database)
    if found == head():
        return
    _judge_known(_scripts(), found)
    raise SettingError(f"the database is at version {found or 'none'}, not {head()}; type: flask stopper db upgrade")


def _judge_known(scripts: ScriptDirectory, found: str | None) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if found is not None and found not in known:
        raise SettingError(f"the database is at version {found}, from a newer Stopper; upgrade this installation")


def difference(database: Database) -> list[str]:
    """Tables and columns in which the database differs from :mod:`stopper.store.schema`; for tests and doctors."""

    def work(connection: Connection) -> list[str]:
        seen = inspect(connection)
        found = {f"{table}.{column['name']}" for table in metadata.tables for column in _columns(seen, table)}
        wanted = {f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.columns}
        return sorted(found ^ wanted)

    return database.read(work)


def _columns(seen: Any, table: str) -> list[Any]:
    return seen.get_columns(table) if seen.has_table(table) else []


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def _run(database: Database, scripts: ScriptDirectory, steps: _Steps) -> None:
    config = Config()
    environment = EnvironmentContext(config, scripts)

    def work(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        environment.configure(
            connection=connection,
            target_metadata=metadata,
            version_table=_VERSION_TABLE,
            transactional_ddl=False,  # The transaction is ours: all steps or none, in both databases.
            fn=steps,
        )
        with environment:
            environment.run_migrations()

    database.write(work)
