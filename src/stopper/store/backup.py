"""A copy of a SQLite store while it is in use."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from stopper.core.errors import SettingError, StoreUnavailableError
from stopper.store.database import Database


def back_up(database: Database, to: Path) -> None:
    """Copy the whole database to the new file *to* (mode 0600): one moment's state, whoever writes meanwhile.

    Raises SettingError for a database that has its own tool, or a file that is there or cannot be made; StoreUnavailableError where the
    copy did not succeed: then no file is left.
    """
    if database.path is None:
        raise SettingError("PostgreSQL is backed up by its own tool: pg_dump --format=custom --file=FILE DATABASE")
    half = to.with_name(f".{to.name}.{os.getpid()}")
    try:
        if to.exists():
            raise SettingError(f"{to} is there already; name a new file")
        os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as wrong:
        raise SettingError(f"{to}: {wrong.strerror}; name a file in a folder that you can write") from None
    try:
        source = f"file:{database.path}?mode=ro".replace("#", "%23")
        with closing(sqlite3.connect(source, uri=True)) as here, closing(sqlite3.connect(half)) as there:
            here.backup(there)
            there.execute("PRAGMA journal_mode=DELETE")
        os.link(half, to)
    except FileExistsError:
        raise SettingError(f"{to} is there already; name a new file") from None
    except (sqlite3.Error, OSError) as wrong:
        raise StoreUnavailableError("backup") from wrong
    finally:
        half.unlink(missing_ok=True)
