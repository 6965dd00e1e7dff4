"""The revocation journal in SQL."""

from sqlalchemy import Connection, RowMapping, delete, insert, select, text

from stopper.auth.revocation import Kind, Revocation
from stopper.store.database import NEWS, Database
from stopper.store.schema import browser_sessions, revocations

_LOCK = 0x53544F50
"""Any fixed number: the advisory lock of whoever appends."""


def append(connection: Connection, kind: Kind, value: str, before: int, until: float) -> None:
    """Add one entry within a transaction, and end the browser sessions of whom it concerns.

    On PostgreSQL a number is drawn before its transaction commits, so a reader could see 6 before 5 and never come back
    for 5. The lock, held to the end of the transaction, makes the order of numbers the order of commits.
    """
    line_up(connection)
    if kind == "subject":
        connection.execute(delete(browser_sessions).where(browser_sessions.c.subject == value))
    elif kind == "all":
        connection.execute(delete(browser_sessions))
    entry = insert(revocations).values(kind=kind, value=value, before=before, until=until).returning(revocations.c.seq)
    connection.info[NEWS] = connection.execute(entry).scalar_one()


def line_up(connection: Connection) -> None:
    """Wait for whoever appends, and keep them waiting to the end of this transaction. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


class SqlJournal:
    """A :class:`stopper.auth.revocation.RevocationStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, kind: Kind, value: str, before: int, until: float) -> None:
        """Add one entry; returns after commit. A ``family`` may be a browser session: it ends too."""

        def work(connection: Connection) -> None:
            append(connection, kind, value, before, until)
            if kind == "family":
                connection.execute(delete(browser_sessions).where(browser_sessions.c.id == value))

        self._database.write(work)

    def after(self, seq: int) -> list[Revocation]:
        """Entries younger than *seq*, oldest first."""
        wanted = select(revocations).where(revocations.c.seq > seq).order_by(revocations.c.seq)
        return self._database.read(
            lambda connection: [_revocation(row) for row in connection.execute(wanted).mappings()]
        )

    def forget(self, now: float) -> int:
        """Delete entries that no living token needs; returns how many."""
        old = delete(revocations).where(revocations.c.until <= now)
        return self._database.write(lambda connection: connection.execute(old).rowcount)


def _revocation(row: RowMapping) -> Revocation:
    return Revocation(row["seq"], row["kind"], row["value"], row["before"], row["until"])
