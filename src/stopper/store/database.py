"""One database: connections made when first needed, in every process its own; short transactions; errors as refusals."""

import errno
import importlib.util
import logging
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from stopper.auth.forking import in_each_child
from stopper.core.errors import SettingError, StoreUnavailableError
from stopper.store.line import Line

T = TypeVar("T")

TRIES: Final = 3
BUSY_SECONDS: Final = 5.0
"""How long SQLite waits for another writer."""
STATEMENT_MS: Final = 3_000
"""How long PostgreSQL may work on, or wait for a lock in, one statement."""
POOL_SECONDS: Final = 3.0
HURRIED_MS: Final = 20
"""How long a note waits for another writer."""
NEWS: Final = "stopper_news"
"""In a connection's ``info``: the number of a revocation that this transaction has added."""
_WRITES: Final = "stopper_writes"
_WAITS: Final = "stopper_waits"
# PostgreSQL's serialization_failure, deadlock_detected and lock_not_available.
_RETRIED: Final = frozenset({"40001", "40P01"})

_MAY_PASS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO, errno.EINTR})

# SQLAlchemy shows values in its errors and, at level DEBUG, whole rows in its log: hashes and digests among them.
_QUIET: Final[Mapping[str, Any]] = {"hide_parameters": True, "logging_name": "stopper"}
logging.getLogger("sqlalchemy.engine.Engine.stopper").setLevel(logging.WARNING)
_of_the_parent: Final[list[Engine]] = []


class Database:
    """Runs functions in transactions. Safe for threads; a forked child opens its own connections."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        """*url* as SQLAlchemy writes it; ``postgresql://`` means psycopg 3. Raises SettingError for any other kind."""
        self._url = _parsed(url)
        self._pool_size = pool_size
        self.tell: Callable[[int], None] | None = None
        """Called after the commit of a revocation with its number. It must not raise."""
        self._engine: Engine | None = None
        self._lock = threading.Lock()
        self._writer = Line()
        in_each_child(self._after_fork)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._url.get_backend_name()

    @property
    def path(self) -> Path | None:
        """The SQLite file, or None."""
        return Path(self._url.database or "") if self.dialect == "sqlite" else None

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        self._writer = Line()
        if self._engine is not None:
            # The parent's connections stay the parent's: never used, closed or collected here.
            _of_the_parent.append(self._engine)
            self._engine = None

    @property
    def engine(self) -> Engine:
        """This process's engine."""
        with self._lock:
            if self._engine is None:
                self._engine = _sqlite(self._url) if self.dialect == "sqlite" else _postgres(self._url, self._pool_size)
            return self._engine

    def read(self, work: Callable[[Connection], T]) -> T:
        """What *work* returns, from one snapshot. Raises StoreUnavailableError."""
        return self._run(work, writes=False)

    def write(self, work: Callable[[Connection], T]) -> T:
        """What *work* returns, once it is committed. *work* may run again after a lost race. Raises StoreUnavailableError."""
        return self._run(work, writes=True)

    def note(self, work: Callable[[Connection], T]) -> T:
        """Like :meth:`write`, for what may be lost: it does not stand in line behind other writers."""

        def hurried(connection: Connection) -> T:
            if self.dialect == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {HURRIED_MS}")
            return work(connection)

        return self._run(hurried, writes=True, waits=False)

    def _run(self, work: Callable[[Connection], T], *, writes: bool, waits: bool = True) -> T:
        options = {_WRITES: writes, _WAITS: waits}
        for left in reversed(range(TRIES)):
            try:
                with self._turn(writes and waits), self.engine.connect().execution_options(**options) as connection:
                    connection.info.pop(NEWS, None)
                    with connection.begin():
                        done = work(connection)
                    news: int | None = connection.info.pop(NEWS, None)
                if news is not None and self.tell is not None:
                    self.tell(news)
                return done
            except DBAPIError as wrong:
                if not (left and _worth_again(wrong)):
                    raise StoreUnavailableError("store") from _without_values(wrong)
                time.sleep(random.uniform(0.005, 0.05))
            except PoolTimeoutError as wrong:
                raise StoreUnavailableError("store-busy") from wrong
        raise StoreUnavailableError("store")

    @contextmanager
    def _turn(self, needed: bool) -> Generator[None]:
        """One writer of this process at a time asks SQLite: who sleeps and tries again, as SQLite does, can starve among many."""
        if not needed or self.dialect != "sqlite":
            yield
            return
        if not self._writer.acquire(BUSY_SECONDS):
            raise StoreUnavailableError("store-busy")
        try:
            yield
        finally:
            self._writer.release()

    def close(self) -> None:
        """Close every idle connection of this process. The next use opens new ones."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None


def _parsed(url: str) -> URL:
    try:
        found = make_url(url)
        if found.drivername in ("postgres", "postgresql"):
            found = found.set(drivername="postgresql+psycopg")
        found.get_dialect()
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
        raise SettingError(f"the database URL is not one that Stopper can use; {_EXAMPLES}") from None
    if found.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise SettingError(f"{found.drivername} is not a database that Stopper can use; {_EXAMPLES}")
    if found.get_backend_name() == "postgresql" and importlib.util.find_spec("psycopg") is None:
        raise SettingError("PostgreSQL needs its driver; type: pip install 'stopper[postgres]'")
    if found.get_backend_name() == "sqlite" and found.database in (None, "", ":memory:"):
        raise SettingError(f"SQLite in memory is gone with its process; {_EXAMPLES}")
    if found.get_backend_name() == "sqlite" and (found.query or str(found.database).startswith("file:")):
        raise SettingError(f"a SQLite database is named by its plain path, without options; {_EXAMPLES}")
    return found


_EXAMPLES: Final = "write sqlite:///path/to/stopper.db or postgresql://user@host/name (pip install 'stopper[postgres]')"


def _sqlite(url: URL) -> Engine:
    path = Path(url.database or "")
    _prepare_file(path)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_size=16, max_overflow=48, **_QUIET)

    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        # SQLAlchemy begins transactions itself, below; sqlite3 must not.
        connection.isolation_level = None
        cursor = connection.cursor()
        _write_ahead(cursor)
        for pragma in ("synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        # A read that turns into a write fails at once under a plain BEGIN; writers line up from the start instead.
        options = connection.get_execution_options()
        begin = "BEGIN IMMEDIATE" if options.get(_WRITES, True) else "BEGIN"
        if options.get(_WAITS, True):
            connection.exec_driver_sql(begin)
            return
        connection.exec_driver_sql(f"PRAGMA busy_timeout={HURRIED_MS}")
        try:
            connection.exec_driver_sql(begin)
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
    return engine


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Set the journal to WAL. SQLite waits for no writer here, as it does elsewhere: of several processes that start on a new file all but one
    would fail. (https://sqlite.org/c3ref/busy_handler.html: where waiting could be a deadlock, the handler is not asked.)"""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as wrong:
            if wrong.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(random.uniform(0.005, 0.05))


def _prepare_file(path: Path) -> None:
    """The folder is made 0700 where it is missing and the file 0600, before SQLite would make it readable for all.

    Raises SettingError where that cannot be done, StoreUnavailableError where it may go better the next time.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as wrong:
        if wrong.errno in _MAY_PASS:
            raise StoreUnavailableError("store") from wrong
        raise SettingError(
            f"{path}: {wrong.strerror}; name a database file that this process can write (STOPPER_DATABASE_URL, --database)"
        ) from None
    os.close(handle)


def _postgres(url: URL, pool_size: int) -> Engine:
    options = f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={STATEMENT_MS} -c idle_in_transaction_session_timeout=10000"
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        **_QUIET,
        connect_args={"connect_timeout": 3, "options": options, "application_name": "stopper"},
    )


def _worth_again(wrong: DBAPIError) -> bool:
    return getattr(wrong.orig, "sqlstate", None) in _RETRIED


def _without_values(wrong: DBAPIError) -> Exception:
    """The driver's own error: SQLAlchemy's text would carry the statement's values."""
    return wrong.orig if isinstance(wrong.orig, Exception) else RuntimeError(type(wrong).__name__)
