"""API keys are kept, found, listed, touched and revoked once, in both databases."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from stopper.auth.api_key import ApiKeyRecord, ApiKeys
from stopper.auth.clock import SetClock
from stopper.core.errors import InvalidCredentialError
from stopper.core.secret import Secret
from stopper.store import Store

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
