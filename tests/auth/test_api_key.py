"""API keys: refused offline when mistyped, kept as a keyed hash, the same work for every wrong key."""

import hmac
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stopper.auth import api_key_reader
from stopper.auth.api_key import ApiKeys
from stopper.auth.api_key_form import checksum, parts_of
from stopper.auth.api_key_record import ApiKeyRecord
from stopper.auth.clock import SetClock
from stopper.core.errors import InvalidCredentialError, SettingError, StoreUnavailableError
from stopper.core.redactor import mask
from stopper.core.secret import Secret

PEPPER = Secret(bytes(range(7, 39)))


class MemoryKeys:
    """A store that counts what it is asked."""

    def __init__(self) -> None:
        self.records: dict[str, ApiKeyRecord] = {}
        self.calls: list[str] = []
        self.down = False

    def find(self, key_id: str) -> ApiKeyRecord | None:
        self.calls.append("find")
        if self.down:
            raise StoreUnavailableError
        return self.records.get(key_id)

    def insert(self, record: ApiKeyRecord) -> bool:
        return self.records.setdefault(record.id, record) is record

    def replace(self, key_id: str, record: ApiKeyRecord, until: float, now: float) -> bool:
        old = self.records[key_id]
        if not old.living(now) or old.replaced_by is not None:
            return False
        end = until if old.expires_at is None else min(until, old.expires_at)
        self.records[key_id] = replace(old, expires_at=end, replaced_by=record.id)
        return self.insert(record)

    def expiring(self, now: float, until: float) -> Sequence[ApiKeyRecord]:
        return [
            r
            for r in self.records.values()
            if r.living(now) and r.expires_at and r.expires_at <= until and not r.replaced_by
        ]

    def remind(self, key_id: str, before: float | None, now: float | None) -> bool:
        if self.records[key_id].reminded_at != before:
            return False
        self.records[key_id] = replace(self.records[key_id], reminded_at=now)
        return True

    def revoke(self, key_id: str, now: float) -> bool:
        record = self.records.get(key_id)
        if record is None or record.revoked_at is not None:
            return False
        self.records[key_id] = replace(record, revoked_at=now)
        return True

    def list(self, subject: str) -> Sequence[ApiKeyRecord]:
        return [record for record in self.records.values() if record.subject == subject]

    def touch(self, key_id: str, now: float) -> None:
        self.calls.append("touch")
        self.records[key_id] = replace(self.records[key_id], last_used_at=now)


@pytest.fixture
def store() -> MemoryKeys:
    return MemoryKeys()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def keys(store: MemoryKeys, clock: SetClock) -> ApiKeys:
    return ApiKeys(store, PEPPER, clock=clock)


def refused(keys: ApiKeys, shown: str) -> str:
    with pytest.raises(InvalidCredentialError) as caught:
        keys.verify(shown)
    assert len(shown) < 12 or shown not in str(caught.value)
    return caught.value.reason


def test_a_key_names_its_principal(keys: ApiKeys) -> None:
    made = keys.issue("alice", name="ci", scopes=["notes:read"], tenant="t1")
    found = keys.verify(made.key.reveal())
    assert (found.subject, found.kind, found.scopes, found.tenant, found.credential_id) == (
        "alice", "api_key", {"notes:read"}, "t1", made.record.id,
    )  # fmt: skip


def test_it_has_the_form_and_is_not_kept(keys: ApiKeys, store: MemoryKeys) -> None:
    made = keys.issue("alice", name="ci")
    key = made.key.reveal()
    assert re.fullmatch(r"stp_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}", key)
    kept = repr(store.records) + repr(made)
    assert key not in kept
    assert key.split("_")[3][:20] not in kept
    assert store.records[made.record.id].digest == hmac.digest(PEPPER.reveal_bytes(), key.encode(), "sha256")
    assert str(made.key) == "***"
    assert key not in mask(f"the key is {key}.")


def test_two_keys_share_nothing(keys: ApiKeys) -> None:
    made = {keys.issue("alice", name="x").key.reveal() for _ in range(50)}
    assert len({key.split("_")[2] for key in made}) == len({key.split("_")[3] for key in made}) == 50


def test_a_mistyped_key_costs_no_look_up(keys: ApiKeys, store: MemoryKeys) -> None:
    key = keys.issue("alice", name="x").key.reveal()
    for place in range(len(key)):
        other = "A" if key[place] != "A" else "B"
        assert refused(keys, key[:place] + other + key[place + 1 :]) == "key-form"
    for bent in (
        "",
        "x",
        key[:-1],
        key + "A",
        key.upper(),
        f" {key}",
        f"{key}\n",
        key.replace("_", "-"),
        "stp_live__",
        "é" * 70,
        "A" * 9000,
    ):
        assert refused(keys, bent) == "key-form"
    assert store.calls == []


def _with_checksum(body: str) -> str:
    return body + checksum(body)


def test_every_wrong_key_costs_the_same_work(
    keys: ApiKeys, store: MemoryKeys, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: one look-up, one hash, one comparison, whatever is wrong."""
    work: list[str] = []
    digest, compare = hmac.digest, hmac.compare_digest
    monkeypatch.setattr(api_key_reader.hmac, "digest", lambda *a: (work.append("hash"), digest(*a))[1])
    monkeypatch.setattr(api_key_reader.hmac, "compare_digest", lambda *a: (work.append("compare"), compare(*a))[1])
    made = keys.issue("alice", name="a", expires_at=clock() + 10)
    revoked = keys.issue("alice", name="b")
    assert keys.revoke(revoked.record.id)
    clock.forward(10)
    wrong = {
        "key-unknown": _with_checksum(f"stp_live_{'0' * 12}_{'a' * 43}"),
        "key-expired": made.key.reveal(),
        "key-revoked": revoked.key.reveal(),
    }
    wrong_secret = _with_checksum(f"stp_live_{made.record.id}_{'a' * 43}")
    for reason, key in [*wrong.items(), ("key-unknown", wrong_secret)]:
        work.clear()
        store.calls.clear()
        assert refused(keys, key) == reason
        assert (work, store.calls) == (["hash", "compare"], ["find"])


def test_a_key_of_another_environment_is_refused(store: MemoryKeys, keys: ApiKeys) -> None:
    other = ApiKeys(store, PEPPER, environment="test").issue("alice", name="x").key.reveal()
    assert other.startswith("stp_test_")
    assert refused(keys, other) == "key-form"


def test_another_pepper_refuses(store: MemoryKeys, keys: ApiKeys) -> None:
    key = keys.issue("alice", name="x").key.reveal()
    assert refused(ApiKeys(store, Secret(bytes(range(140, 180)))), key) == "key-unknown"


@pytest.mark.parametrize("pepper", ["", "short", "a" * 40, "changeme" * 5])
def test_a_weak_pepper_is_refused(store: MemoryKeys, pepper: str) -> None:
    with pytest.raises(SettingError):
        ApiKeys(store, Secret(pepper))


def test_a_revoked_key_is_refused_at_once(keys: ApiKeys) -> None:
    made = keys.issue("alice", name="x")
    keys.verify(made.key.reveal())
    assert keys.revoke(made.record.id)
    assert not keys.revoke(made.record.id)
    assert refused(keys, made.key.reveal()) == "key-revoked"


def test_a_store_that_is_down_lets_nobody_pass(keys: ApiKeys, store: MemoryKeys) -> None:
    made = keys.issue("alice", name="x")
    store.down = True
    with pytest.raises(StoreUnavailableError):
        keys.verify(made.key.reveal())


def test_last_use_is_written_once_a_minute(keys: ApiKeys, store: MemoryKeys, clock: SetClock) -> None:
    made = keys.issue("alice", name="x")
    for _ in range(5):
        keys.verify(made.key.reveal())
        clock.forward(1)
    assert store.calls.count("touch") == 1
    clock.forward(60)
    keys.verify(made.key.reveal())
    assert store.calls.count("touch") == 2


def test_a_failed_note_of_last_use_does_not_refuse(
    keys: ApiKeys, store: MemoryKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = keys.issue("alice", name="x")

    def down(key_id: str, now: float) -> None:
        raise StoreUnavailableError

    monkeypatch.setattr(store, "touch", down)
    assert keys.verify(made.key.reveal()).subject == "alice"


@settings(max_examples=300)
@given(st.text(max_size=80) | st.from_regex(r"stp_[a-z]{1,8}_[A-Za-z0-9]{8,14}_[A-Za-z0-9]{40,52}", fullmatch=True))
def test_any_text_is_refused_and_nothing_else_is_raised(text: str) -> None:
    if parts_of(text) is None:
        assert refused(ApiKeys(MemoryKeys(), PEPPER), text) == "key-form"


def test_the_list_shows_no_secret(keys: ApiKeys) -> None:
    made: Any = [keys.issue("alice", name=str(number)) for number in range(3)]
    keys.issue("bob", name="x")
    listed = keys.list("alice")
    assert len(listed) == 3
    assert all(item.key.reveal() not in repr(listed) for item in made)
