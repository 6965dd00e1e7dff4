"""Accounts in SQL."""

from typing import Final

from sqlalchemy import Connection, RowMapping, Update, bindparam, case, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from stopper.auth.account import Account
from stopper.auth.clock import Clock, system_clock
from stopper.store import journal
from stopper.store.api_key_rows import end_keys_beyond
from stopper.store.database import Database
from stopper.store.families import end_ahead, end_all
from stopper.store.schema import accounts
from stopper.store.words import pack, unpack


class SqlAccounts:
    """An :class:`stopper.auth.account.AccountStore`. *keep_revoked*: seconds that a revocation must be remembered."""

    def __init__(self, database: Database, keep_revoked: float = 4_530.0, clock: Clock = system_clock) -> None:
        self._database = database
        self._keep = keep_revoked
        self._clock = clock

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
            .values(password_hash=new_hash)
        )
        return self._database.write(
            lambda connection: self._change(connection, swap, account_id, now, ending="password")
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
        """Disable; every session and every API key ends with it."""
        change = update(accounts).where(accounts.c.id == account_id).values(disabled_at=now)

        def work(connection: Connection) -> bool:
            done = self._change(connection, change, account_id, now, ending="disabled")
            if done:
                end_keys_beyond(connection, account_id, None, now, now + self._keep)
            return done

        return self._database.write(work)

    def log_out(self, account_id: str, now: float) -> bool:
        """End every session and void every access token; the account stays as it is. False where there is none."""
        touch = update(accounts).where(accounts.c.id == account_id).values(tokens_from=accounts.c.tokens_from)
        return self._database.write(
            lambda connection: self._change(connection, touch, account_id, now, ending="revoked")
        )

    def set_access(self, account_id: str, roles: tuple[str, ...], scopes: tuple[str, ...], now: float) -> bool:
        """Set roles and scopes; access tokens that state the old ones are void, API keys with other scopes end, sessions go on."""
        change = update(accounts).where(accounts.c.id == account_id).values(roles=pack(roles), scopes=pack(scopes))

        def work(connection: Connection) -> bool:
            done = self._change(connection, change, account_id, now)
            if done:
                end_keys_beyond(connection, account_id, scopes, now, now + self._keep)
            return done

        return self._database.write(work)

    def _change(
        self, connection: Connection, change: Update, account_id: str, now: float, *, ending: str | None = None
    ) -> bool:
        """Run *change* and void the access tokens of before; *ending*: why the sessions end with it, None: they go on."""
        if connection.execute(change).rowcount != 1:
            return False
        # The row is ours from here on. What was issued while we waited for it is of before, whatever the clock said then.
        now = max(now, self._clock())
        # Two changes within one second: tokens that were issued between them bear the time of the first.
        from_then = case((accounts.c.tokens_from > int(now), accounts.c.tokens_from + 1), else_=literal(int(now) + 1))
        moved = update(accounts).where(accounts.c.id == account_id).values(tokens_from=from_then)
        void_before = connection.execute(moved.returning(accounts.c.tokens_from)).scalar_one()
        if ending is not None:
            end_all(connection, account_id, ending, now, now + self._keep)
        else:
            end_ahead(connection, void_before, now, now + self._keep, account_id)
        journal.append(connection, "subject", account_id, void_before, now + self._keep)
        return True


def load(connection: Connection, account_id: str) -> Account | None:
    """The account of this id, within a transaction."""
    return account_of(connection.execute(_LOAD, {"p_id": account_id}).mappings().one_or_none())


_LOAD: Final = select(accounts).where(accounts.c.id == bindparam("p_id"))


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
