"""The life of an API key beyond its issue: networks, rotation with an overlap, import, derived tokens, reminders, its end."""

import hashlib
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stopper.auth.access_token import AccessTokens
from stopper.auth.address_list import checked_networks, is_within
from stopper.auth.api_key import ApiKeys
from stopper.auth.api_key_record import ApiKeyRecord
from stopper.auth.clock import SetClock
from stopper.auth.event import Event
from stopper.auth.issuer import Issuer
from stopper.auth.keyring import Keyring
from stopper.auth.revocation import Revocations
from stopper.auth.verifier import Verifier
from stopper.core.errors import (
    ForbiddenError,
    InvalidCredentialError,
    SettingError,
    StoreUnavailableError,
)
from stopper.core.secret import Secret
from stopper.store import Store, open_store

PEPPER = Secret(secrets.token_urlsafe(32))
DAY = 86_400.0


class Node:
    """One process: its own connections, journal view and memory over the shared database."""

    def __init__(self, url: str, folder: Path, clock: SetClock, *, foreign: bool = True) -> None:
        self.store: Store = open_store(url, clock, key_file=folder / "master.key")
        self.store.migrate()
        self.moment = 1000.0
        self.events: list[Event] = []
        self.asked = 0
        self.revocations = Revocations(self.store.revocations, clock, token_lifetime=900, monotonic=lambda: self.moment)
        self.keyring = Keyring(self.store.keys, clock)
        self.keyring.ensure_key()
        tokens = AccessTokens("https://auth.example", "https://api.example", self.keyring.signing_key, clock)
        self.keys = ApiKeys(
            self.store.api_keys, PEPPER, clock=clock, revocations=self.revocations, tokens=tokens,
            foreign=foreign, sink=self.events.append, monotonic=lambda: self.moment,
        )  # fmt: skip
        issuer = Issuer("https://auth.example", ["EdDSA"], keys=self.keyring, audience="https://api.example")
        self.verifier = Verifier((issuer,), audience="https://api.example", clock=clock)

    def count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Count the statements from here on."""
        read = self.store.database.read

        def counted(work):  # type: ignore[no-untyped-def]
            self.asked += 1
            return read(work)

        monkeypatch.setattr(self.store.database, "read", counted)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(1_700_000_000.0)


@pytest.fixture
def node(store_url: str, tmp_path: Path, clock: SetClock) -> Iterator[Node]:
    made = Node(store_url, tmp_path, clock)
    yield made
    made.store.close()


@pytest.fixture
def other(node: Node, store_url: str, tmp_path: Path, clock: SetClock) -> Iterator[Node]:
    made = Node(store_url, tmp_path, clock)
    yield made
    made.store.close()


def refused(keys: ApiKeys, shown: Secret, address: str | None = None) -> str:
    with pytest.raises(InvalidCredentialError) as found:
        keys.verify(shown.reveal(), address)
    return found.value.reason


# ── networks ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_of_some_networks_opens_nothing_elsewhere(node: Node) -> None:
    made = node.keys.issue("ann", name="ci", addresses=["10.1.0.0/16", "2001:db8::/32"])
    for inside in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7", "2001:db8::7%eth0"):
        assert node.keys.verify(made.key.reveal(), inside).subject == "ann"
    for outside in (None, "", "10.2.0.1", "::ffff:10.2.0.1", "2001:db9::1", "10.1.2.3, 10.9.9.9", "unix:", "10.1.2.3 "):
        assert refused(node.keys, made.key, outside) == "key-address"


@given(st.text(max_size=60))
@settings(max_examples=300)
def test_no_text_is_within_a_network_by_accident(text: str) -> None:
    assert is_within(text, ("10.0.0.0/8",)) == (
        text.startswith(("10.", "::ffff:", "::FFFF:")) and is_within(text, ("10.0.0.0/8",))
    )


@pytest.mark.parametrize(
    "said", ["0.0.0.0/0", "::/0", "10.0.0.1/8", "example.com", "", "::ffff:10.0.0.0/104", "10.0.0.0/8, 1.2.3.4"]
)
def test_a_list_that_cannot_be_meant_is_refused(node: Node, said: str) -> None:
    with pytest.raises(SettingError):
        node.keys.issue("ann", name="ci", addresses=[said])
    assert node.keys.list("ann") == []


def test_a_limit_that_cannot_be_meant_is_refused(node: Node) -> None:
    for said in ("", "often", "0/minute", "10/fortnight", "1/minute," * 40):
        with pytest.raises(SettingError, match="100/minute"):
            node.keys.issue("ann", name="ci", rate_limit=said)
    assert node.keys.list("ann") == []


@pytest.mark.parametrize("scopes", ["notes:read", ["notes:read admin"], ["notes:read\nadmin"], [""], ['a"b'], ["é"]])
def test_scopes_that_would_be_others_in_a_token_are_refused(node: Node, scopes: list[str]) -> None:
    with pytest.raises(SettingError, match="scopes of an API key"):
        node.keys.issue("ann", name="x", scopes=scopes)
    with pytest.raises(SettingError, match="scopes of an API key"):
        node.keys.bring("ann", name="x", key=Secret(secrets.token_urlsafe(32)), scopes=scopes)


def test_networks_are_kept_in_one_spelling_once() -> None:
    assert checked_networks(["192.0.2.7", "192.0.2.7/32", "2001:DB8:0::/48"]) == ("192.0.2.7/32", "2001:db8::/48")


# ── rotation ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_both_keys_work_for_the_overlap_and_the_new_one_alone_after_it(node: Node, clock: SetClock) -> None:
    old = node.keys.issue(
        "ann", name="ci", scopes=["notes:read"], tenant="acme", addresses=["10.0.0.0/8"], rate_limit="9/minute"
    )
    new = node.keys.rotate(old.record.id, overlap=3600)
    assert (new.record.scopes, new.record.tenant, new.record.addresses) == (("notes:read",), "acme", ("10.0.0.0/8",))
    assert new.record.rate_limit == "9/minute"
    clock.forward(3599)
    assert [node.keys.verify(made.key.reveal(), "10.0.0.1").credential_id for made in (old, new)] == [
        old.record.id,
        new.record.id,
    ]
    clock.forward(1)
    node.moment += 60
    assert refused(node.keys, old.key, "10.0.0.1") == "key-expired"
    assert node.keys.verify(new.key.reveal(), "10.0.0.1").subject == "ann"


def test_an_overlap_never_makes_the_old_key_live_longer(node: Node, clock: SetClock) -> None:
    old = node.keys.issue("ann", name="ci", expires_at=clock() + 100)
    new = node.keys.rotate(old.record.id, overlap=DAY)
    assert new.record.expires_at == clock() + 100
    clock.forward(100)
    assert refused(node.keys, old.key) == "key-expired"


def test_without_an_overlap_the_old_key_ends_at_once_on_every_node(node: Node, other: Node) -> None:
    old = node.keys.issue("ann", name="ci")
    assert other.keys.verify(old.key.reveal()).subject == "ann"
    node.keys.rotate(old.record.id, overlap=0)
    assert refused(node.keys, old.key) == "key-expired"
    other.moment += 1
    assert refused(other.keys, old.key) == "key-expired"


def test_of_many_who_rotate_one_key_one_gets_a_new_one(node: Node) -> None:
    old = node.keys.issue("ann", name="ci")

    def rotate(_: int) -> bool:
        try:
            node.keys.rotate(old.record.id)
        except SettingError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(rotate, range(8))).count(True) == 1
    assert len(node.keys.list("ann")) == 2


def test_a_key_that_has_ended_is_not_rotated(node: Node, clock: SetClock) -> None:
    ended = node.keys.issue("ann", name="ci", expires_at=clock() + 10)
    revoked = node.keys.issue("ann", name="ci")
    node.keys.revoke(revoked.record.id)
    clock.forward(10)
    for key_id in (ended.record.id, revoked.record.id, "nobody", "'; DROP"):
        with pytest.raises(SettingError, match="no living key"):
            node.keys.rotate(key_id)
    with pytest.raises(SettingError, match="at least 60"):
        node.keys.rotate(node.keys.issue("ann", name="ci").record.id, overlap=5)


# ── no look-up per request, and the end of a key all the same ─────────────────────────────────────────────────────────────


def test_a_known_key_costs_no_statement(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    made = node.keys.issue("ann", name="ci")
    for _ in range(2):  # the second one reads the journal for the first time
        node.keys.verify(made.key.reveal())
    node.count(monkeypatch)
    for _ in range(20):
        node.keys.verify(made.key.reveal())
    assert node.asked == 0


def test_a_wrong_secret_for_a_remembered_key_costs_the_look_up_of_an_unknown_one(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the time of a refusal tells which ids are in use."""
    made, twin = node.keys.issue("ann", name="ci"), node.keys.issue("ann", name="ci")
    node.keys.verify(made.key.reveal())
    from stopper.auth.api_key_form import checksum

    body = made.key.reveal()[:-49] + twin.key.reveal()[-49:-6]
    node.count(monkeypatch)
    assert refused(node.keys, Secret(body + checksum(body))) == "key-unknown"
    assert node.asked == 1


def test_another_node_sees_the_end_of_a_key_within_the_bound(node: Node, other: Node) -> None:
    made = node.keys.issue("ann", name="ci")
    assert other.keys.verify(made.key.reveal()).subject == "ann"
    assert node.keys.revoke(made.record.id)
    assert refused(node.keys, made.key) == "key-revoked"
    other.moment += 1.0
    assert refused(other.keys, made.key) == "key-revoked"


def test_an_instance_without_a_journal_tells_the_others_too(node: Node, other: Node) -> None:
    made = node.keys.issue("ann", name="ci")
    other.keys.verify(made.key.reveal())
    ApiKeys(node.store.api_keys, PEPPER).revoke(made.record.id)
    other.moment += 1.0
    assert refused(other.keys, made.key) == "key-revoked"


def test_where_the_journal_cannot_be_read_a_remembered_key_opens_nothing(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = node.keys.issue("ann", name="ci")
    node.keys.verify(made.key.reveal())

    def gone(_: object) -> None:
        raise StoreUnavailableError

    monkeypatch.setattr(node.store.revocations, "after", gone)
    node.moment += 1.0
    with pytest.raises(StoreUnavailableError):
        node.keys.verify(made.key.reveal())


def test_a_disabled_person_has_no_keys_and_one_with_fewer_scopes_no_key_beyond_them(node: Node, other: Node) -> None:
    from stopper.auth.account import Account

    node.store.accounts.add(Account("ann", "ann@example.com", "hash", 1.0, scopes=("a", "b")))
    wide, narrow = (node.keys.issue("ann", name="ci", scopes=scopes) for scopes in (["a", "b"], ["a"]))
    bobs = node.keys.issue("bob", name="ci", scopes=["b"])
    for made in (wide, narrow, bobs):
        other.keys.verify(made.key.reveal())
    node.store.accounts.set_access("ann", (), ("a",), node.store.clock())
    other.moment += 1.0
    assert refused(other.keys, wide.key) == "key-revoked"
    assert other.keys.verify(narrow.key.reveal()).subject == "ann"
    node.store.accounts.disable("ann", node.store.clock())
    other.moment += 1.0
    assert refused(other.keys, narrow.key) == "key-revoked"
    assert other.keys.verify(bobs.key.reveal()).subject == "bob"


def test_a_race_of_use_and_end_never_leaves_a_key_alive(node: Node) -> None:
    """A thread that looked the key up before its end must not remember it after."""
    for _ in range(10):
        made = node.keys.issue("ann", name="ci")
        start = threading.Barrier(5)

        def use(shown: str = made.key.reveal(), start: threading.Barrier = start) -> None:
            start.wait()
            for _ in range(5):
                try:
                    node.keys.verify(shown)
                except InvalidCredentialError:
                    return

        def end(key_id: str = made.record.id, start: threading.Barrier = start) -> None:
            start.wait()
            node.keys.revoke(key_id)

        threads = [threading.Thread(target=use) for _ in range(4)] + [threading.Thread(target=end)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert refused(node.keys, made.key) == "key-revoked"


# ── keys of other systems ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_imported_key_goes_on_working_by_itself_or_by_its_hash(node: Node, other: Node) -> None:
    first, second = Secret("sk_old_" + secrets.token_hex(20)), Secret(secrets.token_urlsafe(32))
    node.keys.bring("ann", name="old", key=first, scopes=["notes:read"])
    node.keys.bring("bob", name="old", sha256=hashlib.sha256(second.reveal_bytes()).hexdigest())
    assert other.keys.verify(first.reveal()).scopes == {"notes:read"}
    assert other.keys.verify(second.reveal()).subject == "bob"
    assert refused(other.keys, Secret(first.reveal() + "x")) == "key-unknown"
    with pytest.raises(SettingError, match="here already"):
        node.keys.bring("eve", name="old", key=first)
    assert node.keys.revoke_shown(first.reveal())
    other.moment += 1.0
    assert refused(other.keys, first) == "key-revoked"


def test_the_store_alone_does_not_open_with_an_imported_hash(node: Node) -> None:
    """Who reads the database and knows the old system's hashes must not find the owner of one."""
    shown = Secret("sk_old_" + secrets.token_hex(20))
    record = node.keys.bring("ann", name="old", key=shown)
    plain = hashlib.sha256(shown.reveal_bytes()).digest()
    assert plain not in record.digest
    assert plain.hex() not in record.id


@pytest.mark.parametrize(
    ("key", "sha256"),
    [
        ("short", None),
        ("change-me-change-me-change-me", None),
        ("a" * 40, None),
        ("has a space " + "x9Kq" * 6, None),
        (None, "12"),
        (None, "zz" * 32),
        (None, None),
        ("k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG", "00" * 32),
    ],
)
def test_what_can_be_guessed_or_is_no_key_is_not_imported(node: Node, key: str | None, sha256: str | None) -> None:
    with pytest.raises(SettingError) as found:
        node.keys.bring("ann", name="old", key=None if key is None else Secret(key), sha256=sha256)
    assert "change-me" not in str(found.value)
    assert node.keys.list("ann") == []


def test_without_the_switch_foreign_texts_cost_no_look_up(
    store_url: str, tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(store_url, tmp_path, clock, foreign=False)
    with pytest.raises(SettingError, match="STOPPER_FOREIGN_API_KEYS"):
        node.keys.bring("ann", name="old", key=Secret(secrets.token_urlsafe(32)))
    node.count(monkeypatch)
    assert refused(node.keys, Secret(secrets.token_urlsafe(32))) == "key-form"
    assert node.asked == 0
    node.store.close()


def test_a_time_that_is_none_is_no_end_that_never_comes(node: Node) -> None:
    with pytest.raises(SettingError, match="in the future"):
        node.keys.issue("ann", name="ci", expires_at=float("nan"))
    made = node.keys.issue("ann", name="ci")
    with pytest.raises(SettingError, match="overlap"):
        node.keys.rotate(made.record.id, overlap=float("nan"))


# ── derived tokens ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_derived_token_may_do_less_and_ends_with_the_key(node: Node, clock: SetClock) -> None:
    made = node.keys.issue("ann", name="ci", scopes=["a", "b"], tenant="acme")
    token, _, life = node.keys.derive(made.key.reveal(), scopes=["a"], life=120)
    principal = node.verifier.verify(token.reveal())
    assert (principal.subject, sorted(principal.scopes), principal.tenant, life) == ("ann", ["a"], "acme", 120)
    assert not node.revocations.is_revoked(principal.claims)
    clock.forward(5)
    node.keys.revoke(made.record.id)
    assert node.revocations.is_revoked(principal.claims)


def test_a_derived_token_is_never_fresh_nor_more_than_the_key(node: Node, clock: SetClock) -> None:
    made = node.keys.issue("ann", name="ci", scopes=["a"], expires_at=clock() + 500)
    clock.forward(200)
    token, _, life = node.keys.derive(made.key.reveal(), life=100_000)
    principal = node.verifier.verify(token.reveal())
    assert principal.auth_time is None
    assert principal.amr == ()
    assert life == 300
    with pytest.raises(ForbiddenError):
        node.keys.derive(made.key.reveal(), scopes=["a", "admin"])


def test_a_key_that_may_not_be_used_here_derives_nothing(node: Node) -> None:
    made = node.keys.issue("ann", name="ci", addresses=["10.0.0.0/8"])
    with pytest.raises(InvalidCredentialError):
        node.keys.derive(made.key.reveal(), address="192.0.2.1")
    token, _, _ = node.keys.derive(made.key.reveal(), address="10.0.0.1")
    assert node.verifier.verify(token.reveal()).claims["stopper_addresses"] == ("10.0.0.0/8",)


def _opens(node: Node, token: Secret) -> bool:
    try:
        return not node.revocations.is_revoked(node.verifier.verify(token.reveal()).claims)
    except InvalidCredentialError:
        return False


def test_a_derived_token_ends_with_a_key_that_was_rotated(node: Node, other: Node, clock: SetClock) -> None:
    made = node.keys.issue("ann", name="ci", scopes=["a"])
    other.keys.verify(made.key.reveal())  # it remembers that this key has no end
    before, _, _ = node.keys.derive(made.key.reveal())
    node.keys.rotate(made.record.id, overlap=60)
    after, _, life = other.keys.derive(made.key.reveal())
    assert life <= 60
    clock.forward(61)
    other.moment += 1
    for token in (before, after):
        assert not _opens(other, token)


def test_a_long_overlap_ends_no_token_before_its_time(node: Node) -> None:
    made = node.keys.issue("ann", name="ci", scopes=["a"])
    token, _, _ = node.keys.derive(made.key.reveal())
    node.keys.rotate(made.record.id)
    assert _opens(node, token)


def test_a_rotation_that_is_done_gives_its_key_although_the_journal_cannot_be_read(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = node.keys.issue("ann", name="ci")

    def away(_: int) -> None:
        raise StoreUnavailableError("journal")

    monkeypatch.setattr(node.store.revocations, "after", away)
    newer = node.keys.rotate(made.record.id, overlap=0)
    monkeypatch.undo()
    assert node.keys.verify(newer.key.reveal()).subject == "ann"


def test_the_end_of_a_key_goes_through_while_another_is_remembered(node: Node) -> None:
    """A dictionary that grows while it is walked through raises; here the comparison of each id makes it grow."""
    made = node.keys.issue("ann", name="ci")
    node.keys.verify(made.key.reveal())
    held = node.keys._reader._found

    class Busy(str):
        def __ne__(self, other: object) -> bool:
            held[secrets.token_bytes(8)] = next(iter(held.values()))
            return str.__ne__(self, other)

        __hash__ = str.__hash__

    node.keys._reader.void(Busy(made.record.id))
    assert node.keys.verify(made.key.reveal()).subject == "ann"


# ── reminders ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_owner_is_reminded_once_for_each_span(node: Node, clock: SetClock) -> None:
    made = node.keys.issue("ann", name="ci", expires_at=clock() + 30 * DAY)
    node.keys.issue("ann", name="for ever")
    told: list[str] = []

    def remind() -> int:
        return node.keys.remind(lambda record: told.append(record.id))

    assert remind() == 0
    clock.forward(17 * DAY)
    assert [remind(), remind()] == [1, 0]
    clock.forward(10.5 * DAY)
    assert [remind(), remind()] == [1, 0]
    clock.forward(3 * DAY)
    assert remind() == 0
    assert told == [made.record.id] * 2


def test_a_key_that_was_replaced_or_revoked_reminds_nobody(node: Node, clock: SetClock) -> None:
    replaced, revoked = (node.keys.issue("ann", name="ci", expires_at=clock() + DAY) for _ in range(2))
    node.keys.rotate(replaced.record.id, expires_at=clock() + 400 * DAY)
    node.keys.revoke(revoked.record.id)
    assert node.keys.remind(lambda record: pytest.fail(record.id)) == 0


def test_of_many_who_remind_one_tells_and_a_failed_one_is_told_again(node: Node, other: Node, clock: SetClock) -> None:
    node.keys.issue("ann", name="ci", expires_at=clock() + DAY)

    def fail(_: ApiKeyRecord) -> None:
        raise OSError("the mail server is away")

    with pytest.raises(OSError, match="away"):
        node.keys.remind(fail)
    told: list[str] = []
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda n: (node, other)[n % 2].keys.remind(lambda r: told.append(r.id)), range(8)))
    assert sum(counts) == len(told) == 1


# ── ended by whoever holds it ─────────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_holds_a_key_may_end_it_from_anywhere(node: Node, clock: SetClock) -> None:
    made = node.keys.issue("ann", name="ci", addresses=["10.0.0.0/8"])
    assert node.keys.revoke_shown(made.key.reveal(), "leak")
    assert not node.keys.revoke_shown(made.key.reveal(), "leak")
    assert not node.keys.revoke_shown("stp_live_nobody")
    assert refused(node.keys, made.key, "10.0.0.1") == "key-revoked"
    assert [event.name for event in node.events] == ["api-key-issued", "api-key-revoked", "api-key-leaked"]


def test_no_event_and_no_error_holds_a_key(node: Node) -> None:
    made = node.keys.issue("ann", name="ci")
    node.keys.rotate(made.record.id)
    node.keys.revoke_shown(made.key.reveal())
    said = repr(node.events) + repr(made) + repr(node.keys.list("ann"))
    assert made.key.reveal() not in said
    assert made.key.reveal()[-49:-6] not in said


def test_each_step_of_a_life_is_an_event_of_its_owner(node: Node) -> None:
    made = node.keys.issue("ann", name="ci", rate_limit="9/minute")
    newer = node.keys.rotate(made.record.id)
    node.keys.derive(newer.key.reveal())
    node.keys.bring("ann", name="old", key=Secret(secrets.token_urlsafe(32)))
    said = [(event.name, event.subject, event.details.get("key")) for event in node.events]
    assert said[:3] == [
        ("api-key-issued", "ann", made.record.id),
        ("api-key-rotated", "ann", made.record.id),
        ("api-key-derived", "ann", newer.record.id),
    ]
    assert said[3][:2] == ("api-key-imported", "ann")
    assert node.events[1].details["replaced_by"] == newer.record.id


def test_a_limit_travels_with_the_principal_and_none_does_not(node: Node) -> None:
    with_limit, without = node.keys.issue("ann", name="ci", rate_limit="9/minute"), node.keys.issue("ann", name="ci")
    assert node.keys.verify(with_limit.key.reveal()).claims == {"stopper_rate_limit": "9/minute"}
    assert node.keys.verify(without.key.reveal()).claims == {}


def test_a_rotation_into_the_past_is_refused_and_changes_nothing(node: Node, clock: SetClock) -> None:
    made = node.keys.issue("ann", name="ci")
    with pytest.raises(SettingError, match="future"):
        node.keys.rotate(made.record.id, expires_at=clock())
    assert [record.id for record in node.keys.list("ann")] == [made.record.id]
    assert node.keys.verify(made.key.reveal()).subject == "ann"


def test_the_last_moments_of_a_key_give_a_token_of_one_second_and_no_more(node: Node, clock: SetClock) -> None:
    made = node.keys.issue("ann", name="ci", expires_at=clock() + 1.5)
    _, _, life = node.keys.derive(made.key.reveal(), life=300)
    assert life == 1
