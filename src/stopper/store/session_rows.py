"""Browser sessions in SQL: a row is a living session, ending one deletes it."""

import contextlib
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, RowMapping, and_, bindparam, delete, func, insert, or_, select, text, update

from stopper.auth.session import Session
from stopper.core.errors import StoreUnavailableError
from stopper.store import journal
from stopper.store.database import Database
from stopper.store.schema import browser_sessions as sessions
from stopper.store.schema import revocations
from stopper.store.words import pack, unpack

_FIND: Final = select(sessions).where(sessions.c.digest == bindparam("wanted"))
"""Made once: every request asks it."""
_LOCK = 0x53455353
"""Any fixed number: the advisory lock of a log-in, beside the hash of the subject."""


class SqlSessions:
    """A :class:`stopper.auth.session.SessionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, digest: bytes) -> Session | None:
        """The session of that hash."""
        row = self._database.read(
            lambda connection: connection.execute(_FIND, {"wanted": digest}).mappings().one_or_none()
        )
        return None if row is None else _session(row)

    def begin(self, session: Session, digest: bytes, *, keep: int, since: int | None, instead_of: bytes | None) -> bool:
        """Insert, unless the subject was revoked after *since*; what must make room goes in the same transaction."""

        def work(connection: Connection) -> bool:
            if since is not None and _revoked_after(connection, session.subject, since):
                return False
            _line_up(connection, session.subject)
            if instead_of is not None:
                connection.execute(delete(sessions).where(sessions.c.digest == instead_of))
            connection.execute(insert(sessions).values(digest=digest, **_values(session)))
            _make_room(connection, session, keep)
            return True

        begun = self._database.write(work)
        if begun:
            with contextlib.suppress(StoreUnavailableError):  # the next log-in sweeps
                self._database.note(lambda connection: _forget(connection, session.created_at))
        return begun

    def renew(self, session: Session, old: bytes, new: bytes) -> bool:
        """Swap the hash and what may change with it; one statement decides who did it."""
        change = (
            update(sessions)
            .where(sessions.c.digest == old)
            .values(
                digest=new,
                scopes=pack(session.scopes),
                roles=pack(session.roles),
                amr=pack(session.amr),
                claims=session.claims,
                auth_time=session.auth_time,
                last_used_at=session.last_used_at,
            )
        )
        return self._database.write(lambda connection: connection.execute(change).rowcount == 1)

    def touch(self, digest: bytes, now: float) -> None:
        """Note the time of last use; where another writer is in the way the note is lost, for a request waits for it."""
        change = (
            update(sessions).where(sessions.c.digest == digest, sessions.c.last_used_at < now).values(last_used_at=now)
        )
        self._database.note(lambda connection: connection.execute(change))

    def end(self, session_id: str, subject: str) -> bool:
        """Delete one session of one subject."""
        gone = delete(sessions).where(sessions.c.id == session_id, sessions.c.subject == subject)
        return self._database.write(lambda connection: connection.execute(gone).rowcount == 1)

    def end_all(self, subject: str, *, but: str | None) -> int:
        """Delete every session of one subject, except *but*."""
        gone = delete(sessions).where(sessions.c.subject == subject)
        if but is not None:
            gone = gone.where(sessions.c.id != but)

        def work(connection: Connection) -> int:
            _line_up(connection, subject)
            return connection.execute(gone).rowcount

        return self._database.write(work)

    def list(self, subject: str) -> Sequence[Session]:
        """Every session of one subject, the newest first."""
        wanted = (
            select(sessions).where(sessions.c.subject == subject).order_by(sessions.c.created_at.desc(), sessions.c.id)
        )
        return self._database.read(lambda connection: [_session(row) for row in connection.execute(wanted).mappings()])

    def moment(self) -> int:
        """The number of the newest revocation, 0 where there is none."""
        newest = select(func.max(revocations.c.seq))
        return self._database.read(lambda connection: connection.execute(newest).scalar_one_or_none()) or 0

    def forget(self, now: float) -> int:
        """Delete sessions that are past their end; returns how many."""
        return self._database.write(lambda connection: _forget(connection, now))


def _forget(connection: Connection, now: float) -> int:
    old = select(sessions.c.id).where(sessions.c.ends_at <= now).with_for_update(skip_locked=True)
    return connection.execute(delete(sessions).where(sessions.c.id.in_(old))).rowcount


def _revoked_after(connection: Connection, subject: str, since: int) -> bool:
    # Whoever revokes waits from here on, and then finds the row that is inserted now.
    journal.line_up(connection)
    meant = or_(revocations.c.kind == "all", and_(revocations.c.kind == "subject", revocations.c.value == subject))
    found = select(revocations.c.seq).where(revocations.c.seq > since, meant).limit(1)
    return connection.execute(found).one_or_none() is not None


def _line_up(connection: Connection, subject: str) -> None:
    """One log-in of a subject at a time, so that the limit counts every one. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(:lock, hashtext(:subject))")
        connection.execute(lock, {"lock": _LOCK, "subject": subject})


def _make_room(connection: Connection, made: Session, keep: int) -> None:
    """End the oldest of the others; never the one just made, whatever the clock says."""
    others = sessions.c.subject == made.subject, sessions.c.id != made.id
    newest = select(sessions.c.id).where(*others).order_by(sessions.c.created_at.desc(), sessions.c.id).limit(keep - 1)
    connection.execute(delete(sessions).where(*others, sessions.c.id.not_in(newest)))


def _values(session: Session) -> dict[str, object]:
    return {
        "id": session.id,
        "subject": session.subject,
        "tenant": session.tenant,
        "device": session.device,
        "scopes": pack(session.scopes),
        "roles": pack(session.roles),
        "amr": pack(session.amr),
        "claims": session.claims,
        "auth_time": session.auth_time,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "ends_at": session.ends_at,
    }


def _session(row: RowMapping) -> Session:
    return Session(
        id=row["id"],
        subject=row["subject"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        ends_at=row["ends_at"],
        auth_time=row["auth_time"],
        amr=unpack(row["amr"]),
        scopes=unpack(row["scopes"]),
        roles=unpack(row["roles"]),
        tenant=row["tenant"],
        device=row["device"],
        claims=row["claims"],
    )
