"""API keys in SQL: digests only."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, case, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from stopper.auth.api_key_reader import client_of, family_of
from stopper.auth.api_key_record import ApiKeyRecord
from stopper.auth.revocation import CLOCK_SLACK
from stopper.store import journal
from stopper.store.database import Database
from stopper.store.schema import api_keys
from stopper.store.words import pack, unpack


class SqlApiKeys:
    """A :class:`stopper.auth.api_key_record.ApiKeyStore`."""

    def __init__(self, database: Database, keep_revoked: float) -> None:
        """*keep_revoked*: seconds that the journal remembers the end of a key, and of the tokens that were derived from it."""
        self._database = database
        self._keep_revoked = keep_revoked

    def find(self, key_id: str) -> ApiKeyRecord | None:
        """The record of that id."""
        wanted = select(api_keys).where(api_keys.c.id == key_id)
        row = self._database.read(lambda connection: connection.execute(wanted).mappings().one_or_none())
        return None if row is None else _record(row)

    def insert(self, record: ApiKeyRecord) -> bool:
        """Keep a new record; False where its id is taken."""
        make = postgresql.insert if self._database.dialect == "postgresql" else sqlite.insert
        statement = make(api_keys).values(_row(record)).on_conflict_do_nothing().returning(api_keys.c.id)
        return self._database.write(lambda connection: connection.execute(statement).one_or_none() is not None)

    def replace(self, key_id: str, record: ApiKeyRecord, until: float, now: float) -> bool:
        """Put *record* in the place of a living key. One statement decides who did it, in one transaction with the new row."""
        sooner = case(
            (or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > until), until), else_=api_keys.c.expires_at
        )
        change = (
            update(api_keys)
            .where(api_keys.c.id == key_id, api_keys.c.replaced_by.is_(None), *_living(now))
            .values(expires_at=sooner, replaced_by=record.id)
        )

        def work(connection: Connection) -> bool:
            done = connection.execute(change).rowcount == 1
            if done:
                connection.execute(insert(api_keys).values(_row(record)))
                if until <= now:
                    journal.append(connection, "family", family_of(key_id), 0, now + self._keep_revoked)
                elif until < now + self._keep_revoked - CLOCK_SLACK:  # a token from before could outlive the key
                    journal.append(connection, "client", client_of(key_id), int(now) + 1, now + self._keep_revoked)
            return done

        return self._database.write(work)

    def revoke(self, key_id: str, now: float) -> bool:
        """Mark as revoked and tell every process by the journal, in one transaction; one statement decides who did it."""

        def work(connection: Connection) -> bool:
            return bool(end_keys(connection, api_keys.c.id == key_id, now, now + self._keep_revoked))

        return self._database.write(work)

    def list(self, subject: str) -> Sequence[ApiKeyRecord]:
        """Every key of one subject, the newest first."""
        wanted = (
            select(api_keys).where(api_keys.c.subject == subject).order_by(api_keys.c.created_at.desc(), api_keys.c.id)
        )
        return self._database.read(lambda connection: [_record(row) for row in connection.execute(wanted).mappings()])

    def touch(self, key_id: str, now: float) -> None:
        """Note the time of last use; where another writer is in the way the note is lost, for a request waits for it."""
        change = update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now)
        self._database.note(lambda connection: connection.execute(change))

    def expiring(self, now: float, until: float) -> Sequence[ApiKeyRecord]:
        """Living keys that nothing has replaced and that end soon, the soonest first."""
        wanted = (
            select(api_keys)
            .where(api_keys.c.expires_at <= until, api_keys.c.replaced_by.is_(None), *_living(now))
            .order_by(api_keys.c.expires_at, api_keys.c.id)
        )
        return self._database.read(lambda connection: [_record(row) for row in connection.execute(wanted).mappings()])

    def remind(self, key_id: str, before: float | None, now: float | None) -> bool:
        """Set the time of the reminder; one statement decides who did it."""
        same = api_keys.c.reminded_at.is_(None) if before is None else api_keys.c.reminded_at == before
        change = update(api_keys).where(api_keys.c.id == key_id, same).values(reminded_at=now)
        return self._database.write(lambda connection: connection.execute(change).rowcount == 1)


def end_keys(connection: Connection, which: ColumnElement[bool], now: float, until: float) -> int:
    """Revoke the keys that *which* finds, within a transaction; the journal remembers it to *until*. Returns how many."""
    change = update(api_keys).where(which, api_keys.c.revoked_at.is_(None)).values(revoked_at=now)
    ended = connection.execute(change.returning(api_keys.c.id)).scalars().all()
    for key_id in sorted(ended):
        journal.append(connection, "family", family_of(key_id), 0, until)
    return len(ended)


def end_keys_beyond(
    connection: Connection, subject: str, scopes: tuple[str, ...] | None, now: float, until: float
) -> int:
    """Revoke the keys of *subject* that may do more than *scopes*; all of them with None. Returns how many."""
    wanted = select(api_keys.c.id, api_keys.c.scopes).where(
        api_keys.c.subject == subject, api_keys.c.revoked_at.is_(None)
    )
    beyond = [
        row.id for row in connection.execute(wanted) if scopes is None or not set(unpack(row.scopes)) <= set(scopes)
    ]
    return end_keys(connection, api_keys.c.id.in_(beyond), now, until) if beyond else 0


def _living(now: float) -> tuple[ColumnElement[bool], ...]:
    return api_keys.c.revoked_at.is_(None), or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now)


def _row(record: ApiKeyRecord) -> dict[str, object]:
    packed = {"scopes": pack(record.scopes), "addresses": pack(record.addresses)}
    return {name: packed.get(name, getattr(record, name)) for name in api_keys.c.keys()}  # noqa: SIM118


def _record(row: RowMapping) -> ApiKeyRecord:
    kept: dict[str, Any] = dict(row)
    kept.update(digest=bytes(row["digest"]), scopes=unpack(row["scopes"]), addresses=unpack(row["addresses"]))
    return ApiKeyRecord(**kept)
