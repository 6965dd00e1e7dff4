"""Migrations go up and down, with data in the tables, in both databases, also when several start at once."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from stopper.auth.account import Account
from stopper.core.errors import SettingError
from stopper.store import Store, migration, open_store
from stopper.store.database import Database


def test_the_migrated_schema_is_the_one_in_the_code(store: Store) -> None:
    assert migration.difference(store.database) == []
    assert migration.current(store.database) == migration.head()


def test_every_index_and_constraint_of_the_code_is_in_the_database(store: Store) -> None:
    from stopper.store.schema import metadata

    seen = inspect(store.database.engine)
    for table in metadata.tables.values():
        wanted = {index.name for index in table.indexes}
        assert wanted <= {index["name"] for index in seen.get_indexes(table.name)}, table.name
        assert len(seen.get_foreign_keys(table.name)) == len(table.foreign_key_constraints)


def test_up_again_keeps_the_data(store: Store) -> None:
    store.accounts.add(Account("a", "a@example.com", "hash", 1.0))
    store.migrate()
    found = store.accounts.by_email("a@example.com")
    assert found is not None
    assert found.id == "a"


def test_down_and_up_with_data_leaves_an_empty_working_store(store: Store) -> None:
    store.accounts.add(Account("a", "a@example.com", "hash", 1.0))
    migration.downgrade(store.database)
    assert migration.current(store.database) is None
    assert set(inspect(store.database.engine).get_table_names()) <= {"stopper_version"}
    store.migrate()
    assert store.accounts.by_email("a@example.com") is None
    assert store.accounts.add(Account("a", "a@example.com", "hash", 1.0))


def test_many_that_start_at_once_migrate_once(store_url: str) -> None:
    databases = [Database(store_url) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(migration.upgrade, databases))
    assert migration.difference(databases[0]) == []
    for database in databases:
        database.close()


def test_a_new_file_that_another_process_writes_to_is_waited_for(tmp_path: Path) -> None:
    """Of six workers that started at once on a new file now and then one failed with ``database is locked``."""
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    other.execute("CREATE TABLE x (y)")
    other.execute("DROP TABLE x")
    other.execute("BEGIN IMMEDIATE")
    end = threading.Timer(0.3, other.execute, ["ROLLBACK"])
    end.start()
    database = Database(f"sqlite:///{path}")
    migration.upgrade(database)
    assert migration.difference(database) == []
    database.close()
    end.join()
    other.close()


def test_a_store_that_is_not_migrated_says_so(store_url: str, tmp_path: Path) -> None:
    opened = open_store(store_url, key_file=tmp_path / "k")
    with pytest.raises(SettingError, match="not 0"):
        opened.check()
    opened.close()


def test_a_store_of_a_newer_version_says_so(store: Store) -> None:
    store.database.write(lambda connection: connection.execute(text("UPDATE stopper_version SET version_num = '9999'")))
    with pytest.raises(SettingError, match="newer Stopper"):
        store.check()


def test_one_step_down_and_up_keeps_the_data_of_the_other_tables(store: Store) -> None:
    store.accounts.add(Account("a", "a@example.com", "hash", 1.0))
    migration.downgrade(store.database, "0001")
    assert migration.current(store.database) == "0001"
    with pytest.raises(SettingError, match="0001"):
        store.check()
    store.migrate()
    assert store.accounts.by_id("a") is not None


def test_down_from_bound_families_ends_them_and_keeps_the_others(store: Store) -> None:
    from sqlalchemy import insert

    from stopper.store.schema import refresh_families, refresh_tokens

    account = Account("a", "a@example.com", "hash", 1.0)
    store.accounts.add(account)
    row = {"account_id": "a", "client_id": "c", "scopes": "[]", "auth_time": 1, "amr": "[]", "created_at": 1.0, "ends_at": 9.0, "generation": 0}  # fmt: skip
    for name, key in (("bound", "k" * 43), ("free", None)):
        token = {"digest": name.encode().ljust(32), "family_id": name, "generation": 0, "idle_until": 9.0}
        store.database.write(lambda connection, n=name, k=key: connection.execute(insert(refresh_families).values(id=n, dpop_key=k, **row)))  # fmt: skip
        store.database.write(lambda connection, t=token: connection.execute(insert(refresh_tokens).values(**t)))
    migration.downgrade(store.database, "0003")
    left = store.database.read(lambda connection: connection.execute(text("SELECT id FROM refresh_families")).scalars().all())  # fmt: skip
    assert left == ["free"]
    store.migrate()
    assert [family.key for family in store.refresh.families("a")] == [None]
