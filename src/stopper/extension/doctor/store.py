"""The doctor's checks of what lies behind: databases, Redis, key files, clocks."""

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from stopper.core.errors import SettingError
from stopper.extension import settings as setting
from stopper.extension.doctor.words import Deployment, Outcome, in_dev, met, not_here, unmet

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine import URL

    from stopper.store import Store

# Tokens are taken with thirty seconds of leeway; a clock that is further off than a third of that is on its way there.
MOST_SKEW: Final = 10.0
_NO_STORE: Final = "this guard keeps nothing"
_HERE: Final = frozenset({None, "", "127.0.0.1", "::1", "localhost"})
_DEFAULTS: Final = frozenset(
    {"postgres", "root", "admin", "password", "changeme", "secret", "stopper", "redis", "test", "guest"}
)


def schema_current(deployment: Deployment) -> Outcome:
    """The database is at this version's schema."""
    store = deployment.guard.parts.store
    if store is None:
        return not_here(_NO_STORE)
    from stopper.store import migration

    try:
        store.check()
    except SettingError as wrong:
        return unmet("the schema is not this version's", f"{wrong}, or run: flask stopper db upgrade")
    different = migration.difference(store.database)
    if different:
        return unmet(
            f"{different[0]} differs from this version's schema", "restore it: somebody changed the tables by hand"
        )
    return met(f"at version {migration.head()}, every table and column compared")


def files_closed_to_others(deployment: Deployment) -> Outcome:
    """Nobody but the owner reads the key file and the SQLite files."""
    store = deployment.guard.parts.store
    path = None if store is None else store.database.path
    if path is None or os.name != "posix":
        return not_here(
            "no file of keys or of SQLite belongs to this guard" if path is None else "this system has no file modes"
        )
    from stopper.store.sealing import FILE_NAME

    path = path.absolute()
    for file in (path, path.parent / FILE_NAME, path.with_name(f"{path.name}-wal")):
        if file.exists() and (mode := stat.S_IMODE(file.stat().st_mode)) & 0o077:
            return unmet(f"{file.name} has mode {mode:04o}", f"run: chmod 600 {file}")
    if (mode := stat.S_IMODE(path.parent.stat().st_mode)) & 0o022:
        return unmet(f"others can write the folder of {path.name} (mode {mode:04o})", f"run: chmod 700 {path.parent}")
    return met(f"{path.name} and {FILE_NAME} are their owner's alone")


def log_file_closed_to_others(deployment: Deployment) -> Outcome:
    """Nobody but the owner reads the log file."""
    from stopper.extension import logs

    said = deployment.guard.settings.get(logs.TO)
    if not said or said in ("stdout", "stderr") or said.startswith("syslog"):
        return Outcome(
            "your part",
            f"logs go to {said or 'wherever the application sends them'}",
            "let nobody change them where they are kept",
        )
    file = Path(said)
    mode = stat.S_IMODE(file.stat().st_mode) if file.exists() else 0o600
    if os.name == "posix" and mode & 0o077:
        return unmet(f"the log file has mode {mode:04o}", f"run: chmod 600 {file}")
    return met("the log file is its owner's alone")


def clocks_agree(deployment: Deployment) -> Outcome:
    """This machine's clock and that of the database differ by less than tokens can bear."""
    store = deployment.guard.parts.store
    if store is None:
        return not_here(_NO_STORE)
    if store.database.dialect != "postgresql":
        return not_here("the database is a file of this machine: there is one clock")
    from sqlalchemy import text

    def ask(connection: "Connection") -> float:
        return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    return judged_skew(store.database.read(ask) - deployment.guard.clock())


def judged_skew(seconds: float) -> Outcome:
    """What a difference of *seconds* means."""
    if abs(seconds) > MOST_SKEW:
        return unmet(
            f"the database's clock is {seconds:+.0f} seconds off",
            "let both machines follow one time server (chrony, systemd-timesyncd)",
        )
    return met(f"the database's clock differs by {abs(seconds):.1f} seconds")


def redis_keeps_keys(deployment: Deployment) -> Outcome:
    """Redis throws no counter and no used proof away."""
    store = deployment.guard.parts.store
    if store is None or store.redis is None:
        return not_here("STOPPER_REDIS_URL is not set")
    if store.redis.evicts():
        return unmet(
            "Redis throws keys away when its memory is full: what was used once could be used again",
            "set maxmemory-policy noeviction",
        )
    return met("Redis answers and evicts nothing")


def stores_over_tls(deployment: Deployment) -> Outcome:
    """Whatever leaves this machine for a store is encrypted, and the store shows who it is."""
    if deployment.for_one_machine:
        return in_dev()
    store = deployment.guard.parts.store
    if store is None:
        return not_here(_NO_STORE)
    return (
        _database_over_tls(store)
        or _redis_over_tls(deployment)
        or met(f"{_kinds(store)}: on this machine, or over TLS with its certificate judged")
    )


def _kinds(store: "Store") -> str:
    return store.database.dialect + (" and Redis" if store.redis is not None else "")


def _database_over_tls(store: "Store") -> Outcome | None:
    if store.database.dialect != "postgresql":
        return None
    url = store.database.engine.url
    if _is_here(url) or url.query.get("sslmode") == "verify-full":
        return None
    return unmet(
        "PostgreSQL is elsewhere and its certificate is not judged",
        "add ?sslmode=verify-full&sslrootcert=… to STOPPER_DATABASE_URL",
    )


def _is_here(url: "URL") -> bool:
    host = url.host or str(url.query.get("host", ""))
    return host in _HERE or host.startswith("/")


def _redis_over_tls(deployment: Deployment) -> Outcome | None:
    said = deployment.guard.settings.get(setting.REDIS_URL)
    if said is None:
        return None
    url = urlsplit(said.reveal())
    if url.scheme in ("rediss", "valkeys", "unix") or url.hostname in _HERE:
        return None
    return unmet("Redis is elsewhere and the connection is not encrypted", "write rediss:// in STOPPER_REDIS_URL")


def stores_ask_who(deployment: Deployment) -> Outcome:
    """No store elsewhere is open to everybody or to a password that everybody knows."""
    store = deployment.guard.parts.store
    if store is None:
        return not_here(_NO_STORE)
    if store.database.dialect == "postgresql":
        url = store.database.engine.url
        if url.password is not None and (str(url.password).lower() in _DEFAULTS or url.password == url.username):
            return unmet(
                "the password of PostgreSQL is one that everybody tries first", "give the role a random password"
            )
    said = deployment.guard.settings.get(setting.REDIS_URL)
    if said is not None:
        found = urlsplit(said.reveal())
        known = (found.password or "").lower()
        if known in _DEFAULTS or (not known and found.scheme != "unix" and found.hostname not in _HERE):
            return unmet(
                "Redis asks for no password, or for one that everybody tries first",
                "set requirepass or an ACL user, and write it in STOPPER_REDIS_URL",
            )
    return met(f"{_kinds(store)}: no well-known password")


def nonces_fresh(deployment: Deployment) -> Outcome:
    """What is encrypted twice never looks alike."""
    store = deployment.guard.parts.store
    if store is None or store.sealer is None:
        return not_here("no key file is at hand: nothing is encrypted here")
    one, other = (store.sealer.seal(b"stopper doctor", "a test") for _ in range(2))
    if one[:12] == other[:12]:
        return unmet("a nonce came twice", "the random numbers of this machine are broken: stop the service")
    return met("one text was encrypted twice for a test, each time under another random nonce of 96 bits")
