"""Writing without a trace: SQLite files are copied when they are opened, every other database is left alone unless it was named."""

import contextlib
import gc
import hashlib
import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from sqlite3 import dbapi2
from typing import Any, Final, cast
from urllib.parse import unquote

from stopper.core.app import ConfigFact
from stopper.core.secret import Secret

_SERVER: Final = re.compile(
    r"(?i)^(postgres|postgresql|mysql|mariadb|mssql|oracle|cockroachdb|mongodb|redis|rediss|valkey|amqp)[+\w]*://"
)
_AT_HOME: Final = re.compile(
    r"(?i)://([^/@]*@)?(?P<host>localhost|127(\.\d{1,3}){3}|\[::1\])?(:(?P<port>\d+))?([/?]|$)"
)
_PORTS: Final = {
    "postgresql": 5432,
    "postgres": 5432,
    "mysql": 3306,
    "mariadb": 3306,
    "redis": 6379,
    "rediss": 6379,
    "valkey": 6379,
    "mongodb": 27017,
    "amqp": 5672,
}
VARIABLES: Final = ("DATABASE_URL", "SQLALCHEMY_DATABASE_URI", "STOPPER_DATABASE_URL")


class Databases:
    """What the application keeps its data in. ``folder`` takes the copies; ``disposable`` is the URL that may be written to."""

    def __init__(self, folder: Path, disposable: str | None = None) -> None:
        self._folder = folder
        self._disposable = disposable
        self._copies: dict[str, str] = {}
        self._lock = threading.Lock()
        self._connect: Any = sqlite3.connect

    def redirect(self) -> None:
        """From now on a SQLite file that is opened is a copy of it; the file itself is not touched."""
        if self._disposable is not None:
            for name in VARIABLES:
                os.environ[name] = self._disposable
        genuine = self._connect

        def connect(database: Any = ":memory:", *args: Any, **named: Any) -> Any:
            return genuine(
                self.place_of(database, bool(named.get("uri", False) or (len(args) > 6 and args[6]))), *args, **named
            )

        for module in (sqlite3, dbapi2):
            setattr(module, "connect", connect)  # noqa: B010 - both names lead to one function

    def place_of(self, database: Any, uri: bool = False) -> Any:
        """Where *database* is really opened: memory stays memory, a file becomes its copy."""
        try:
            name: str | None = os.fsdecode(database)
        except TypeError:
            name = None
        if name is None or name in ("", ":memory:"):
            return database
        query = ""
        if uri and name.startswith("file:"):
            path, _, query = name[5:].partition("?")
            name = unquote(re.sub(r"^//[^/]*", "", path))
            if "mode=memory" in query or name in ("", ":memory:"):
                return database
        copy = self._copy_of(name)
        return f"file:{copy}{'?' + query if query else ''}" if uri else copy

    def _copy_of(self, name: str) -> str:
        path = str(Path(name).absolute())
        if self._is_disposable_file(path) or path.startswith(str(self._folder)):
            return path
        with self._lock:
            if path not in self._copies:
                target = self._folder / f"{hashlib.sha256(path.encode()).hexdigest()[:16]}.sqlite"
                if Path(path).is_file():
                    self._backup(path, str(target))
                self._copies[path] = str(target)
            return self._copies[path]

    def _backup(self, path: str, target: str) -> None:
        """A whole copy, write-ahead log included, made by SQLite itself from a connection that cannot write."""
        source = self._connect(f"file:{_quoted(path)}?mode=ro", uri=True)
        try:
            into = self._connect(target)
            with contextlib.closing(into):
                source.backup(into)
        except sqlite3.DatabaseError:
            Path(target).write_bytes(Path(path).read_bytes())
        finally:
            source.close()

    def _is_disposable_file(self, path: str) -> bool:
        said = self._disposable or ""
        return said.startswith("sqlite") and str(Path(said.partition(":///")[2]).absolute()) == path

    def why_not_writable(self, app: Any, config: Mapping[str, ConfigFact]) -> str:
        """Why nothing may be written, or an empty text: every database must be SQLite here or the one that was named."""
        for url in {*_configured(config), *_engines()}:
            if _SERVER.match(url) and not self._is_named(url):
                kind = url.partition(":")[0].partition("+")[0]
                return f"the application keeps data in {kind}; name a database that may be written to with --disposable-database"
        for kind in sorted(_clients()):
            if self._disposable is None or not self._disposable.startswith(kind):
                return f"the application talks to {kind}; name a database that may be written to with --disposable-database"
        return ""

    def on_this_machine(self, config: Mapping[str, ConfigFact]) -> set[str]:
        """``localhost:5432`` of every server of this machine in which data is kept."""
        found: set[str] = set()
        for url in {*_configured(config), *_engines()}:
            at_home = _AT_HOME.search(url) if _SERVER.match(url) else None
            if at_home and not _is_socket(url):
                found.add(
                    f"{at_home.group('host') or 'localhost'}:{at_home.group('port') or _PORTS.get(_kind(url), 0)}"
                )
        return found

    def by_socket(self, config: Mapping[str, ConfigFact]) -> bool:
        """Whether some data is kept in a server that is reached through the file system."""
        return any(_SERVER.match(url) and _is_socket(url) for url in {*_configured(config), *_engines()})

    def make_tables(self, app: Any) -> None:
        """Make the tables of Flask-SQLAlchemy's models where they are missing and all databases are copies: an empty database
        would answer every request with a fault. Nothing of the target is touched."""
        extension = getattr(app, "extensions", {}).get("sqlalchemy")
        database = getattr(extension, "db", extension)  # version 2 keeps a state round it
        create = getattr(database, "create_all", None)
        if not callable(create) or any(_SERVER.match(url) for url in _addresses(app)):
            return
        with contextlib.suppress(Exception), app.app_context():
            create()

    def _is_named(self, url: str) -> bool:
        return self._disposable is not None and _bare(url) == _bare(self._disposable)


def _kind(url: str) -> str:
    return url.partition(":")[0].partition("+")[0].lower()


def _is_socket(url: str) -> bool:
    """These go through a file where no host is named; the others mean this machine's loopback."""
    host = _bare(url).partition("://")[2].rpartition("@")[2].partition("/")[0].partition("?")[0]
    return not host.partition(":")[0] and _kind(url) in ("postgres", "postgresql", "mysql", "mariadb")


def is_on_a_server(url: str | None) -> bool:
    """Whether a database's address is a server's."""
    return url is not None and bool(_SERVER.match(url))


def _addresses(app: Any) -> Iterator[str]:
    """What Flask-SQLAlchemy is told to open."""
    config = cast("Mapping[str, object]", app.config)
    binds = config.get("SQLALCHEMY_BINDS")
    yield str(config.get("SQLALCHEMY_DATABASE_URI", ""))
    yield from (
        str(one) for one in (cast("Mapping[str, object]", binds).values() if isinstance(binds, Mapping) else ())
    )


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _bare(url: str) -> str:
    """The URL without driver and password, which tools add or hide."""
    scheme, _, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme.partition('+')[0]}://{user.partition(':')[0]}{at}{host}".lower()


def _configured(config: Mapping[str, ConfigFact]) -> Iterator[str]:
    """Texts of the settings that are addresses of a server's database."""
    for fact in config.values():
        for value in _values(fact.value):
            text = value.reveal() if isinstance(value, Secret) else value
            if isinstance(text, str) and "://" in text:
                yield text


def _values(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        for item in cast("Mapping[object, object]", value).values():
            yield from _values(item)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _values(item)
    else:
        yield value


_CLIENTS: Final = {
    ("redis", "Redis"): "redis", ("valkey", "Valkey"): "valkey", ("pymongo", "MongoClient"): "mongodb", ("psycopg", "Connection"): "postgres",
    ("psycopg2", "connection"): "postgres", ("psycopg_pool", "ConnectionPool"): "postgres", ("pymysql", "Connection"): "mysql",
    ("MySQLdb", "Connection"): "mysql",
}  # fmt: skip
"""Clients of servers that keep data, by package and type."""


def _clients() -> set[str]:
    """The kinds of servers that objects of this process talk to."""
    kinds = (type(thing) for thing in cast("list[object]", gc.get_objects()))
    return {
        _CLIENTS[key] for kind in kinds if (key := (str(kind.__module__).partition(".")[0], kind.__name__)) in _CLIENTS
    }


def _engines() -> Iterator[str]:
    """The addresses of the SQLAlchemy engines that exist in this process, told by their type's name."""
    for thing in cast("list[object]", gc.get_objects()):
        kind = type(thing)
        if kind.__name__ == "Engine" and str(kind.__module__).startswith("sqlalchemy."):
            url = getattr(thing, "url", None)
            render = getattr(url, "render_as_string", None)
            if callable(render):
                yield str(render(hide_password=False))
