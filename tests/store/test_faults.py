"""Faults of the store's surroundings that no other file has: a full disk, clocks that differ, two versions at once, memory that grows."""

import errno
import json
import os
import secrets
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, event, inspect
from tests.servers.issuing import AUDIENCE, ISSUER, issuing

from stopper.auth.account import Account
from stopper.auth.clock import SetClock
from stopper.auth.issuer import Issuer
from stopper.auth.keyring import Keyring
from stopper.auth.limit import MAX_KEYS, Attempt, Limit, LocalCounters
from stopper.auth.revocation import Revocations
from stopper.auth.signing_key import ALGORITHMS
from stopper.auth.verifier import Verifier
from stopper.core.errors import StoreUnavailableError
from stopper.store import Store, migration, open_store
from stopper.store.migrations import versions


class SmallDisk:
    """A disk of 8 MB where this process may mount one; else a database whose growth SQLite itself stops, with the same error."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", str(folder)]
        self.mounted = os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0

    def fill(self, store: Store) -> None:
        """Leave no room."""
        if not self.mounted:
            store.database.close()
            event.listen(store.database.engine, "connect", _no_more_pages)
            return
        handle = os.open(self.folder / "filler", os.O_CREAT | os.O_WRONLY)
        try:
            while os.write(handle, b"\0" * 4096):
                pass
        except OSError as full:
            assert full.errno == errno.ENOSPC  # noqa: PT017
        finally:
            os.close(handle)

    def free(self, store: Store) -> None:
        """Room again."""
        if self.mounted:
            (self.folder / "filler").unlink()
        else:
            store.database.close()  # the next engine has no such limit

    def remove(self) -> None:
        """Unmount."""
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)


def _no_more_pages(connection: sqlite3.Connection, _record: object) -> None:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    made = SmallDisk(tmp_path / "disk")
    yield made
    made.remove()


@pytest.mark.fault(12)
def test_on_a_full_disk_nothing_is_half_written_and_tokens_are_still_verified(small_disk: SmallDisk) -> None:
    store = open_store(f"sqlite:///{small_disk.folder}/s.db")
    store.migrate()
    made = issuing(store)
    answer = json.loads(made.refresh.open(made.account, client_id="web"))
    verifier = Verifier((Issuer(ISSUER, ALGORITHMS, keys=made.keyring, audience=AUDIENCE),))
    small_disk.fill(store)
    people = (Account(f"p{number}", f"p{number}@example.com", "h" * 500, 1.0) for number in range(2000))
    with pytest.raises(StoreUnavailableError):
        all(store.accounts.add(person) for person in people)
    if small_disk.mounted:  # SQLite's own limit leaves room in the pages that are there
        with pytest.raises(StoreUnavailableError):
            made.refresh.refresh(answer["refresh_token"], client_id="web")
    assert verifier.verify(answer["access_token"]).subject == "ann"
    assert not made.revocations.is_revoked(verifier.verify(answer["access_token"]).claims)
    small_disk.free(store)
    again = json.loads(made.refresh.refresh(answer["refresh_token"], client_id="web"))
    assert again["refresh_token"] != answer["refresh_token"], "the failed attempt has used nothing"
    store.close()


@pytest.mark.fault(15)
@pytest.mark.parametrize("skew", [-29, 29])
def test_tokens_of_a_node_whose_clock_differs_by_half_a_minute_are_taken(store: Store, skew: int) -> None:
    here, there = SetClock(1_800_000_000.0), SetClock(1_800_000_000.0 + skew)
    made = issuing(store, here)
    answer = json.loads(made.refresh.open(made.account, client_id="web"))
    ring = Keyring(store.keys, there)
    verifier = Verifier((Issuer(ISSUER, ALGORITHMS, keys=ring, audience=AUDIENCE),), clock=there)
    view = Revocations(store.revocations, there, token_lifetime=900)
    assert verifier.verify(answer["access_token"])
    here.forward(899)
    there.forward(899)
    principal = verifier.verify(answer["access_token"])
    assert not view.is_revoked(principal.claims)
    # What the other node revokes counts here, whichever clock is ahead.
    made.refresh.end_by_token(answer["refresh_token"])
    view.refresh()
    assert view.is_revoked(principal.claims)


BEFORE_NEWEST = sorted(step.stem[1:5] for step in Path(versions.__file__).parent.glob("s*.py"))[-2]


@pytest.mark.fault(38)
def test_an_older_version_goes_on_while_a_newer_one_migrates(store_url: str, tmp_path: Path) -> None:
    """Expand, then contract: a step up adds and takes nothing away, so who runs the version before it works before, during and after.

    The version before is what its statements name: the columns of the step before the newest.
    """
    store = open_store(store_url, key_file=tmp_path / "data" / "master.key")
    migration.upgrade(store.database, BEFORE_NEWEST)
    old = MetaData()
    old.reflect(store.database.engine)
    families, tokens = old.tables["refresh_families"], old.tables["refresh_tokens"]
    store.accounts.add(Account("ann", "ann@example.com", "hash", 0.0, (), ()))
    before = _columns(store)
    stop, wrong, count = threading.Event(), list[str](), 0

    def one(connection: Connection) -> None:
        name = secrets.token_hex(8)
        family = {
            "id": name,
            "account_id": "ann",
            "client_id": "web",
            "scopes": "",
            "auth_time": 0,
            "amr": "",
            "created_at": 0.0,
            "ends_at": 9e9,
            "generation": 0,
        }
        connection.execute(families.insert(), family)
        connection.execute(
            tokens.insert(), {"digest": name.encode(), "family_id": name, "generation": 0, "idle_until": 9e9}
        )
        used = tokens.update().where(tokens.c.digest == name.encode()).values(used_at=1.0)
        assert connection.execute(used).rowcount == 1
        assert connection.execute(families.select().where(families.c.id == name)).mappings().one()["client_id"] == "web"

    def work() -> None:
        nonlocal count
        try:
            while not stop.is_set() or not count:
                store.database.write(one)
                count += 1
        except Exception as raised:
            wrong.append(repr(raised))

    worker = threading.Thread(target=work)
    worker.start()
    newer = open_store(store_url, key_file=tmp_path / "data" / "master.key")
    newer.migrate()
    stop.set()
    worker.join(60)
    assert wrong == []
    assert count > 0
    assert before <= _columns(store), "a step up took away what the version before it needs"
    newer.check()
    store.database.write(one)
    made = issuing(newer)
    assert made.refresh.open(made.account, client_id="web"), "and the newer one works beside it"
    migration.downgrade(newer.database, BEFORE_NEWEST)
    store.database.write(one)
    newer.close()
    store.close()


def _columns(store: Store) -> set[tuple[str, str]]:
    seen = inspect(store.database.engine)
    return {(table, column["name"]) for table in seen.get_table_names() for column in seen.get_columns(table)}


@pytest.mark.fault(42)
def test_what_strangers_send_does_not_grow_the_memory_for_ever() -> None:
    counters = LocalCounters()
    for number in range(3 * MAX_KEYS):
        counters.take([Attempt("m", f"stranger {number}", Limit(10, 60))])
        counters.note(f"stranger {number}", 60)
    (meter,) = counters._meters.values()
    assert len(meter._due) <= MAX_KEYS
    assert len(counters._notes) <= MAX_KEYS
