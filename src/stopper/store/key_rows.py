"""Signing keys in SQL, their private parts sealed."""

import json

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, text, update

from stopper.auth.remote_key import OpenKey
from stopper.auth.signing_key import SigningKey, load_public_key, load_signing_key
from stopper.core.errors import KeyringError
from stopper.store.database import Database
from stopper.store.schema import signing_keys
from stopper.store.sealing import Sealer

_LOCK = 0x53544F51


class SqlKeys:
    """A :class:`stopper.auth.keyring.KeyStore`. Without a *sealer* its keys verify and cannot sign.

    *open_key* opens keys that live elsewhere; without it those verify and cannot sign.
    """

    def __init__(self, database: Database, sealer: Sealer | None, open_key: OpenKey | None = None) -> None:
        self._database = database
        self._sealer = sealer
        self._open_key = open_key

    def load(self) -> list[SigningKey]:
        """Every key, oldest first."""
        wanted = select(signing_keys).order_by(signing_keys.c.created_at, signing_keys.c.kid)
        rows = self._database.read(lambda connection: list(connection.execute(wanted).mappings()))
        return [self._key(row) for row in rows]

    def add_first(self, key: SigningKey) -> bool:
        """Add where there is none; of several that start together one wins."""

        def work(connection: Connection) -> bool:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            if connection.execute(select(func.count()).select_from(signing_keys)).scalar_one():
                return False
            self._insert(connection, key)
            return True

        return self._database.write(work)

    def rotate(self, key: SigningKey, retires_at: float, expires_at: float, after: str | None = None) -> bool:
        """Add *key* and give every key without an end these dates; with *after* only while that one is the newest."""
        newest = (
            select(signing_keys.c.kid).order_by(signing_keys.c.created_at.desc(), signing_keys.c.kid.desc()).limit(1)
        )

        def work(connection: Connection) -> bool:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            if after is not None and connection.execute(newest).scalar_one_or_none() != after:
                return False
            connection.execute(
                update(signing_keys)
                .where(signing_keys.c.retires_at.is_(None))
                .values(retires_at=retires_at, expires_at=expires_at)
            )
            self._insert(connection, key)
            return True

        return self._database.write(work)

    def delete(self, kid: str, now: float) -> bool:
        """Delete a key that has expired."""
        over = delete(signing_keys).where(signing_keys.c.kid == kid, signing_keys.c.expires_at <= now)
        return self._database.write(lambda connection: connection.execute(over).rowcount == 1)

    def retire(self, kid: str, retires_at: float, expires_at: float) -> bool:
        """Set the dates of one key."""
        change = (
            update(signing_keys).where(signing_keys.c.kid == kid).values(retires_at=retires_at, expires_at=expires_at)
        )
        return self._database.write(lambda connection: connection.execute(change).rowcount == 1)

    def _insert(self, connection: Connection, key: SigningKey) -> None:
        if self._sealer is None:
            raise KeyringError("a new signing key needs the key file; make it where the service runs")
        connection.execute(
            insert(signing_keys).values(
                kid=key.kid,
                algorithm=key.algorithm,
                public=json.dumps(dict(key.public)),
                sealed=self._sealer.seal(key.private_bytes(), _place(key.kid)),
                created_at=key.created_at,
                activates_at=key.activates_at,
                retires_at=key.retires_at,
                expires_at=key.expires_at,
            )
        )

    def _key(self, row: RowMapping) -> SigningKey:
        dates = {name: row[name] for name in ("created_at", "activates_at", "retires_at", "expires_at")}
        if self._sealer is None:
            return load_public_key(row["kid"], json.loads(row["public"]), row["algorithm"], **dates)
        # With the key file the public half comes from the sealed private one: nobody who can only write rows can add a key.
        kept = self._sealer.open(row["sealed"], _place(row["kid"]))
        return load_signing_key(kept, row["algorithm"], open_key=self._open_key, **dates)


def _place(kid: str) -> str:
    return f"signing key {kid}"
