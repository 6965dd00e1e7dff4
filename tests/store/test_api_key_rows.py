"""API keys are kept, found, listed, touched and revoked once, in both databases."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from stopper.auth.api_key import ApiKeys
from stopper.auth.api_key_record import ApiKeyRecord
from stopper.auth.clock import SetClock
from stopper.core.errors import InvalidCredentialError
from stopper.core.secret import Secret
from stopper.store import Store, open_store
from stopper.store.schema import api_keys

RECORD = ApiKeyRecord("k1", b"d" * 32, "ann", "build server", 100.0, ("notes:read",), "acme", 200.0)


def test_what_goes_in_comes_out(store: Store) -> None:
    store.api_keys.insert(RECORD)
    assert store.api_keys.find("k1") == RECORD
    assert store.api_keys.find("k2") is None


def test_the_keys_of_one_subject_newest_first(store: Store) -> None:
    for number, subject in enumerate(["ann", "bob", "ann"]):
        store.api_keys.insert(ApiKeyRecord(f"k{number}", b"d" * 32, subject, "n", float(number)))
    assert [record.id for record in store.api_keys.list("ann")] == ["k2", "k0"]


def test_of_many_who_revoke_one_did_it(store: Store) -> None:
    store.api_keys.insert(RECORD)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda n: store.api_keys.revoke("k1", float(n)), range(8))).count(True) == 1
    assert not store.api_keys.revoke("nobody", 1.0)


def test_issued_verified_touched_and_revoked_by_the_feature(store: Store) -> None:
    clock = SetClock()
    keys = ApiKeys(store.api_keys, Secret(secrets.token_urlsafe(32)), clock=clock)
    issued = keys.issue("ann", name="build server", scopes=["notes:read"])
    assert keys.verify(issued.key.reveal()).scopes == {"notes:read"}
    found = store.api_keys.find(issued.record.id)
    assert found is not None
    assert found.last_used_at == clock()
    assert issued.key.reveal().encode() not in found.digest
    assert keys.revoke(issued.record.id)
    with pytest.raises(InvalidCredentialError, match="key-revoked"):
        keys.verify(issued.key.reveal())


def test_a_note_of_last_use_does_not_wait_for_another_writer(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long write elsewhere would otherwise hold up the first request of each key for five seconds, and a thread with it."""
    monkeypatch.setattr("stopper.store.database.BUSY_SECONDS", 60.0)
    monkeypatch.setattr("stopper.store.database.STATEMENT_MS", 60_000)
    opened = open_store(store_url, key_file=tmp_path / "data" / "master.key")
    opened.migrate()
    keys = ApiKeys(opened.api_keys, Secret(secrets.token_urlsafe(32)))
    issued = keys.issue("ann", name="build server")
    found: list[str] = []
    verifying = threading.Thread(target=lambda: found.append(keys.verify(issued.key.reveal()).subject), daemon=True)

    def hold(connection: Connection) -> None:
        connection.execute(update(api_keys).values(name="held"))
        verifying.start()
        verifying.join(30)

    opened.database.write(hold)
    assert found == ["ann"]
    record = opened.api_keys.find(issued.record.id)
    assert record is not None
    assert record.last_used_at is None
    opened.api_keys.touch(issued.record.id, 5.0)
    record = opened.api_keys.find(issued.record.id)
    assert record is not None
    assert record.last_used_at == 5.0
    opened.close()
