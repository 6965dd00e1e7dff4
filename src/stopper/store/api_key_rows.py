"""API keys in SQL: digests only."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, insert, select, update

from stopper.auth.api_key import ApiKeyRecord
from stopper.store.database import Database
from stopper.store.schema import api_keys
from stopper.store.words import pack, unpack


class SqlApiKeys:
    """A :class:`stopper.auth.api_key.ApiKeyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, key_id: str) -> ApiKeyRecord | None:
        """The record of that id."""
        wanted = select(api_keys).where(api_keys.c.id == key_id)
        row = self._database.read(lambda connection: connection.execute(wanted).mappings().one_or_none())
        return None if row is None else _record(row)

    def insert(self, record: ApiKeyRecord) -> None:
        """Keep a new record."""
        statement = insert(api_keys).values(_row(record))
        self._database.write(lambda connection: connection.execute(statement))

    def revoke(self, key_id: str, now: float) -> bool:
        """Mark as revoked; one statement decides who did it."""
        change = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=now)
        return self._database.write(lambda connection: connection.execute(change).rowcount == 1)

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


def _row(record: ApiKeyRecord) -> dict[str, object]:
    packed = {"scopes": pack(record.scopes), "addresses": pack(record.addresses)}
    return {name: packed.get(name, getattr(record, name)) for name in api_keys.c.keys()}  # noqa: SIM118


def _record(row: RowMapping) -> ApiKeyRecord:
    kept = {**row, "digest": bytes(row["digest"])}
    return ApiKeyRecord(**kept | {name: unpack(row[name]) for name in ("scopes", "addresses")})
