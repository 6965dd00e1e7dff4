"""One store: every table's face over one database."""

from dataclasses import dataclass, field
from pathlib import Path

from stopper.auth.clock import Clock, system_clock
from stopper.auth.remote_key import OpenKey
from stopper.core.secret import Secret
from stopper.store import migration
from stopper.store.accounts import SqlAccounts
from stopper.store.api_key_rows import SqlApiKeys
from stopper.store.database import Database
from stopper.store.journal import SqlJournal
from stopper.store.key_rows import SqlKeys
from stopper.store.redis_counters import RedisCounters
from stopper.store.redis_news import RedisNews
from stopper.store.redis_server import RedisServer
from stopper.store.rotation import SqlRefresh
from stopper.store.sealing import FILE_NAME, Sealer, sealer_from_file
from stopper.store.session_rows import SqlSessions
from stopper.store.used import SqlSingleUse


@dataclass(frozen=True, slots=True)
class Store:
    """Everything that features keep, each behind the protocol of its feature."""

    database: Database = field(repr=False)
    clock: Clock = field(repr=False)
    accounts: SqlAccounts
    keys: SqlKeys
    refresh: SqlRefresh
    revocations: SqlJournal
    api_keys: SqlApiKeys
    single_use: SqlSingleUse
    sessions: SqlSessions
    sealer: Sealer | None = field(default=None, repr=False)
    """Seals what is kept; None where no key file is at hand."""
    redis: RedisServer | None = field(default=None, repr=False)
    news: RedisNews | None = None
    """Tells other nodes at once that there is a new revocation."""
    counters: RedisCounters | None = None
    """Counters that all nodes share."""

    def migrate(self) -> None:
        """Bring the schema up to this version. Safe when several processes do it at once."""
        migration.upgrade(self.database)

    def check(self) -> None:
        """Raises SettingError where the schema is not this version's, StoreUnavailableError where nothing answers."""
        migration.check(self.database)

    def forget(self) -> None:
        """Delete what nobody can need any more: ended windows, old revocations, used-up things, families past their end."""
        now = self.clock()
        self.refresh.forget_answers(now)
        self.refresh.forget_families(now)
        self.revocations.forget(now)
        self.single_use.forget(now)
        self.sessions.forget(now)

    def close(self) -> None:
        """Close this process's connections."""
        self.database.close()
        if self.redis is not None:
            self.redis.close()


def open_store(
    url: str,
    clock: Clock = system_clock,
    *,
    key_file: Path | None = None,
    keep_revoked: float = 4_530.0,
    redis: Secret | None = None,
    open_key: OpenKey | None = None,
) -> Store:
    """The store at *url* (``sqlite:///…`` or ``postgresql://…``); nothing is connected yet.

    *key_file* holds the key-encryption key and is made on first use; by default it lies beside the SQLite file. With PostgreSQL
    and no key file the store's keys verify tokens and issue none: what an API beside the service needs. *keep_revoked*: seconds that a
    revocation must be remembered. *redis*: the URL of a Redis or Valkey that several nodes share. *open_key*: opens
    signing keys that live elsewhere; without it they verify and do not sign. Raises SettingError and KeyringError.
    """
    database = Database(url)
    server = None if redis is None else RedisServer(redis)
    news = None if server is None else RedisNews(server)
    database.tell = None if news is None else news.tell
    where = key_file or _beside(database)
    sealer = sealer_from_file(where) if where else None
    return Store(
        database=database,
        clock=clock,
        accounts=SqlAccounts(database, keep_revoked, clock),
        keys=SqlKeys(database, sealer, open_key),
        refresh=SqlRefresh(database),
        revocations=SqlJournal(database),
        api_keys=SqlApiKeys(database, keep_revoked),
        single_use=SqlSingleUse(database),
        sessions=SqlSessions(database),
        sealer=sealer,
        redis=server,
        news=news,
        counters=None if server is None else RedisCounters(server),
    )


def _beside(database: Database) -> Path | None:
    return database.path.parent / FILE_NAME if database.path else None
