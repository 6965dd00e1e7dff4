"""Files are private, broken connections become refusals, forks get their own connections."""

import os
import sqlite3
import stat
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Connection, text, update
from tests.servers.postgres import Cluster

from stopper.auth.account import Account
from stopper.core.errors import KeyringError, SettingError, StoreUnavailableError
from stopper.store import Store, open_store
from stopper.store.database import Database
from stopper.store.schema import accounts


def test_the_file_is_0600_in_a_folder_0700(tmp_path: Path) -> None:
    opened = open_store(f"sqlite:///{tmp_path}/data/stopper.db")
    opened.migrate()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert {"stopper.db", "master.key"} <= set(modes)
    assert set(modes.values()) == {0o600}
    opened.close()


@pytest.mark.parametrize(
    "url", ["mysql://u@h/d", "nonsense", "sqlite://", "sqlite:///:memory:", "postgresql+psycopg2://h/d"]
)
def test_a_url_that_cannot_work_is_refused_with_examples_and_without_its_password(url: str) -> None:
    with pytest.raises(SettingError, match="sqlite:///path"):
        Database(url)


def test_a_password_in_a_bad_url_is_not_shown() -> None:
    with pytest.raises(SettingError) as raised:
        Database("mysql://me:hunter2hunter2@host/db")
    assert "hunter2" not in str(raised.value)


@pytest.mark.fault(11)
def test_a_locked_sqlite_is_503_and_shows_no_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stopper.store.database.BUSY_SECONDS", 0.05)
    opened = open_store(f"sqlite:///{tmp_path}/data/stopper.db")
    opened.migrate()
    person = Account("a", "-".join(("secret", "person@example.com")), "hash", 1.0)
    other = sqlite3.connect(tmp_path / "data" / "stopper.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError) as raised:
        opened.accounts.add(person)
    assert "secret-person" not in "".join(traceback.format_exception(raised.value))
    other.execute("ROLLBACK")
    other.close()
    assert opened.accounts.add(person)
    opened.close()


def test_a_reader_is_not_stopped_by_a_writer(store: Store) -> None:
    store.accounts.add(Account("a", "a@example.com", "hash", 1.0))

    def work(connection: object) -> None:
        assert store.accounts.by_id("a") is not None

    store.database.write(work)


def test_a_lost_race_is_run_again_and_the_third_loss_is_503(postgres_store: Store) -> None:
    runs: list[int] = []

    def fails(times: int) -> object:
        runs.clear()

        def work(connection: object) -> str:
            runs.append(1)
            if len(runs) <= times:
                connection.execute(text("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$"))  # type: ignore[attr-defined]
            return "done"

        return postgres_store.database.write(work)

    assert fails(2) == "done"
    with pytest.raises(StoreUnavailableError):
        fails(3)
    assert len(runs) == 3


@pytest.mark.fault(40)
def test_a_forked_child_works_and_leaves_the_parents_connections_alone(store: Store) -> None:
    store.accounts.add(Account("a", "a@example.com", "hash", 1.0))
    child = os.fork()
    if child == 0:
        right = store.accounts.by_id("a") is not None and store.accounts.add(Account("b", "b@example.com", "h", 1.0))
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert store.accounts.by_id("b") is not None


@pytest.mark.fault(2)
def test_a_dead_server_is_503_and_one_that_came_back_is_used_again(tmp_path: Path) -> None:
    cluster = Cluster()
    try:
        cluster.start(fsync="on")
        opened = open_store(cluster.new_database(), key_file=tmp_path / "k")
        opened.migrate()
        assert opened.accounts.add(Account("a", "a@example.com", "hash", 1.0))
        cluster.kill()
        with pytest.raises(StoreUnavailableError):
            opened.accounts.by_id("a")
        cluster.start(fsync="on")
        assert opened.accounts.by_id("a") is not None
        opened.close()
    finally:
        cluster.remove()


@pytest.mark.fault(16)
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data/stopper.db"
    open_store(url).close()
    (tmp_path / "data" / "master.key").chmod(0o644)
    with pytest.raises(KeyringError, match="chmod 600"):
        open_store(url)


@pytest.mark.fault(16)
def test_a_half_written_key_file_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data/stopper.db"
    open_store(url).close()
    (tmp_path / "data" / "master.key").write_bytes(b"short")
    with pytest.raises(KeyringError, match="5 bytes"):
        open_store(url)


@pytest.mark.fault(4)
def test_a_lock_that_is_held_in_postgresql_is_503_and_holds_up_nobody_else(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stopper.store.database.STATEMENT_MS", 200)
    opened = open_store(cluster.new_database(), key_file=tmp_path / "k")
    opened.migrate()
    with opened.database.engine.connect() as holder, holder.begin():
        holder.execute(text("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(StoreUnavailableError):
            opened.accounts.by_id("a")
        assert opened.revocations.after(0) == []
    assert opened.accounts.by_id("a") is None
    opened.close()


@pytest.mark.fault(5)
def test_a_pool_that_is_used_up_is_a_bounded_wait_and_503(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stopper.store.database.POOL_SECONDS", 0.1)
    database = Database(cluster.new_database(), pool_size=1)
    with database.engine.connect(), database.engine.connect():
        with pytest.raises(StoreUnavailableError) as raised:
            database.read(lambda connection: None)
        assert raised.value.reason == "store-busy"
    database.read(lambda connection: None)
    database.close()


@pytest.mark.fault(6)
def test_a_deadlock_in_postgresql_is_run_again_and_both_get_through(postgres_store: Store) -> None:
    for name in ("a", "b"):
        postgres_store.accounts.add(Account(name, f"{name}@example.com", "hash", 1.0))
    barrier = Barrier(2)
    waited: set[str] = set()

    def both(first: str, second: str) -> None:
        def work(connection: Connection) -> None:
            connection.execute(update(accounts).where(accounts.c.id == first).values(password_hash=first))
            if first not in waited:  # only the first time: whoever lost runs again alone
                waited.add(first)
                barrier.wait(10)
            connection.execute(update(accounts).where(accounts.c.id == second).values(password_hash=first))

        postgres_store.database.write(work)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(both, ["a", "b"], ["b", "a"]))
    hashes = [found.password_hash for name in ("a", "b") if (found := postgres_store.accounts.by_id(name))]
    assert len(set(hashes)) == 1
