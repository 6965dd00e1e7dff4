"""Accounts in SQL."""

from sqlalchemy import Connection, RowMapping, Update, select, update
from sqlalchemy.dialects import postgresql, sqlite

from stopper.auth.account import Account
from stopper.store import journal
from stopper.store.database import Database
from stopper.store.families import end_all
from stopper.store.schema import accounts
from stopper.store.words import pack, unpack


class SqlAccounts:
    """An :class:`stopper.auth.account.AccountStore`. *keep_revoked*: seconds that a revocation must be remembered."""

    def __init__(self, database: Database, keep_revoked: float = 4_530.0) -> None:
        self._database = database
        self._keep = keep_revoked

    def add(self, account: Account) -> bool:
        """Insert; False when the address is taken."""
        make = postgresql.insert if self._database.dialect == "postgresql" else sqlite.insert
        statement = (
            make(accounts)
            .values(
                id=account.id,
                email=account.email,
                password_hash=account.password_hash,
                roles=pack(account.roles),
                scopes=pack(account.scopes),
                created_at=account.created_at,
                disabled_at=account.disabled_at,
                tokens_from=account.tokens_from,
            )
            .on_conflict_do_nothing(index_elements=[accounts.c.email])
            .returning(accounts.c.id)
        )
        return self._database.write(lambda connection: connection.execute(statement).one_or_none() is not None)

    def by_email(self, email: str) -> Account | None:
        """The account of this canonical address."""
        wanted = select(accounts).where(accounts.c.email == email)
        return self._database.read(lambda connection: account_of(connection.execute(wanted).mappings().one_or_none()))

    def by_id(self, account_id: str) -> Account | None:
        """The account of this id."""
        return self._database.read(lambda connection: load(connection, account_id))

    def change_password(self, account_id: str, old_hash: str, new_hash: str, now: float) -> bool:
        """Swap the hash if it still is *old_hash*; every session ends with it."""
        swap = (
            update(accounts)
            .where(accounts.c.id == account_id, accounts.c.password_hash == old_hash, accounts.c.disabled_at.is_(None))
            .values(password_hash=new_hash, tokens_from=int(now) + 1)
        )
        return self._database.write(
            lambda connection: self._end_sessions(connection, swap, account_id, "password", now)
        )

    def rehash(self, account_id: str, old_hash: str, new_hash: str) -> bool:
        """Swap the hash if it still is *old_hash*; sessions go on."""
        swap = (
            update(accounts)
            .where(accounts.c.id == account_id, accounts.c.password_hash == old_hash)
            .values(password_hash=new_hash)
        )
        return self._database.write(lambda connection: connection.execute(swap).rowcount == 1)

    def disable(self, account_id: str, now: float) -> bool:
        """Disable; every session ends with it."""
        change = update(accounts).where(accounts.c.id == account_id).values(disabled_at=now, tokens_from=int(now) + 1)
        return self._database.write(
            lambda connection: self._end_sessions(connection, change, account_id, "disabled", now)
        )

    def _end_sessions(self, connection: Connection, change: Update, account_id: str, reason: str, now: float) -> bool:
        if connection.execute(change).rowcount != 1:
            return False
        end_all(connection, account_id, reason, now)
        journal.append(connection, "subject", account_id, int(now) + 1, now + self._keep)
        return True

    def set_access(self, account_id: str, roles: tuple[str, ...], scopes: tuple[str, ...], now: float) -> bool:
        """Set roles and scopes; access tokens that state the old ones are void, sessions go on."""
        change = (
            update(accounts)
            .where(accounts.c.id == account_id)
            .values(roles=pack(roles), scopes=pack(scopes), tokens_from=int(now) + 1)
        )

        def work(connection: Connection) -> bool:
            if connection.execute(change).rowcount != 1:
                return False
            journal.append(connection, "subject", account_id, int(now) + 1, now + self._keep)
            return True

        return self._database.write(work)


def load(connection: Connection, account_id: str) -> Account | None:
    """The account of this id, within a transaction."""
    return account_of(connection.execute(select(accounts).where(accounts.c.id == account_id)).mappings().one_or_none())


def account_of(row: RowMapping | None) -> Account | None:
    """The account that a row holds."""
    if row is None:
        return None
    return Account(
        id=row["id"],
        email=row["email"],
        password_hash=row["password_hash"],
        created_at=row["created_at"],
        roles=unpack(row["roles"]),
        scopes=unpack(row["scopes"]),
        disabled_at=row["disabled_at"],
        tokens_from=row["tokens_from"],
    )
