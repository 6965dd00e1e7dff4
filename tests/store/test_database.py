"""Files are private, broken connections become refusals, forks get their own connections."""

import os
import sqlite3
import stat
import traceback
from pathlib import Path

import pytest
from sqlalchemy import text

from stopper.auth.account import Account
from stopper.core.errors import KeyringError, SettingError, StoreUnavailableError
from stopper.store import Store, open_store
from stopper.store.database import Database


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


def test_a_forked_child_works_and_leaves_the_parents_connections_alone(store: Store) -> None:
    store.accounts.add(Account("a", "a@example.com", "hash", 1.0))
    child = os.fork()
    if child == 0:
        right = store.accounts.by_id("a") is not None and store.accounts.add(Account("b", "b@example.com", "h", 1.0))
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert store.accounts.by_id("b") is not None


def test_a_dead_server_is_503_and_one_that_came_back_is_used_again(tmp_path: Path) -> None:
    from tests.servers.postgres import Cluster

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


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data/stopper.db"
    open_store(url).close()
    (tmp_path / "data" / "master.key").chmod(0o644)
    with pytest.raises(KeyringError, match="chmod 600"):
        open_store(url)


def test_a_half_written_key_file_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/data/stopper.db"
    open_store(url).close()
    (tmp_path / "data" / "master.key").write_bytes(b"short")
    with pytest.raises(KeyringError, match="5 bytes"):
        open_store(url)
