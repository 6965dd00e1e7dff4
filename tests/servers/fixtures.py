"""Fixtures over real servers. Import them in a ``conftest.py``."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers.postgres import Cluster
from tests.servers.valkey import Valkey

from stopper.store import Store, open_store


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL for the whole run (of one xdist worker)."""
    made = Cluster()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once for SQLite and once for PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/stopper.db"
    return request.getfixturevalue("cluster").new_database()


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """A migrated store in each kind of database."""
    opened = open_store(store_url, key_file=tmp_path / "data" / "master.key")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def postgres_store(cluster: Cluster, tmp_path: Path) -> Iterator[Store]:
    """A migrated store in PostgreSQL, for what SQLite does not have."""
    opened = open_store(cluster.new_database(), key_file=tmp_path / "data" / "master.key")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def running_valkey() -> Iterator[Valkey]:
    """One Valkey for the whole run (of one xdist worker)."""
    made = Valkey()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture
def valkey(running_valkey: Valkey) -> Valkey:
    """The running Valkey, emptied."""
    client = running_valkey.client()
    client.flushall()
    client.close()
    return running_valkey


@pytest.fixture
def own_valkey() -> Iterator[Valkey]:
    """A Valkey that this test alone may stop, kill and pause; it runs."""
    made = Valkey()
    try:
        made.start()
        yield made
    finally:
        made.remove()
