"""Used-up things in SQL."""

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from stopper.auth.revocation import CLOCK_SLACK
from stopper.store.database import Database
from stopper.store.schema import single_use


class SqlSingleUse:
    """A :class:`stopper.auth.single_use.SingleUseStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def use(self, purpose: str, tenant: str, digest: bytes, until: float, now: float) -> bool:
        """Remember *digest*; True for the first caller only."""
        make = postgresql.insert if self._database.dialect == "postgresql" else sqlite.insert
        statement = (
            make(single_use)
            .values(purpose=purpose, tenant=tenant, digest=digest, until=until)
            .on_conflict_do_nothing(index_elements=[single_use.c.purpose, single_use.c.tenant, single_use.c.digest])
            .returning(single_use.c.purpose)
        )
        return until > now and self._database.write(
            lambda connection: connection.execute(statement).one_or_none() is not None
        )

    def forget(self, now: float) -> int:
        """Delete what could not be valid any more, also by a clock that jumped here and comes back; returns how many."""
        old = delete(single_use).where(single_use.c.until <= now - CLOCK_SLACK)
        return self._database.write(lambda connection: connection.execute(old).rowcount)
