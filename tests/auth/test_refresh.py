"""The state machine of a refresh family, in both databases, with a clock that stands still until it is moved."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection, select, update
from tests.servers.issuing import AUDIENCE, ISSUER, Issuing, issuing

from stopper.auth.account import Account
from stopper.auth.clock import SetClock
from stopper.auth.issuer import Issuer
from stopper.auth.refresh_token import seal, token_digest, unseal
from stopper.auth.verifier import Verifier
from stopper.core.errors import InvalidCredentialError
from stopper.store import Store
from stopper.store.schema import accounts, refresh_families, refresh_tokens


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def made(store: Store, clock: SetClock) -> Issuing:
    return issuing(store, clock)


def _token(answer: bytes) -> str:
    return json.loads(answer)["refresh_token"]


def _open(made: Issuing, device: str | None = None) -> str:
    return _token(made.refresh.open(made.account, client_id="web", device=device))


def _refused(made: Issuing, token: str, client_id: str = "web", device: str | None = None) -> str:
    with pytest.raises(InvalidCredentialError) as raised:
        made.refresh.refresh(token, client_id=client_id, device=device)
    return raised.value.reason


def _claims(made: Issuing, answer: bytes, clock: SetClock) -> dict[str, object]:
    verifier = Verifier([Issuer(ISSUER, ["EdDSA"], keys=made.keyring, audience=AUDIENCE)], clock=clock)
    return dict(verifier.verify(json.loads(answer)["access_token"]).claims)


def test_a_token_gives_another_pair(made: Issuing, clock: SetClock) -> None:
    answer = made.refresh.refresh(_open(made), client_id="web")
    body = json.loads(answer)
    assert list(body) == ["access_token", "refresh_token", "token_type", "expires_in", "scope"]
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 900, "notes:read notes:write")
    claims = _claims(made, answer, clock)
    assert claims["sub"] == "ann"
    assert claims["roles"] == ("writer",)
    assert claims["client_id"] == "web"


@pytest.mark.feature("F42")
def test_the_predecessor_gets_the_same_bytes_for_ten_seconds(made: Issuing, clock: SetClock) -> None:
    first = _open(made)
    answer = made.refresh.refresh(first, client_id="web")
    clock.forward(9.9)
    assert made.refresh.refresh(first, client_id="web") == answer
    assert made.refresh.refresh(_token(answer), client_id="web") != answer


@pytest.mark.feature("F42")
def test_after_the_window_the_predecessor_ends_the_family(made: Issuing, clock: SetClock) -> None:
    first = _open(made)
    second = _token(made.refresh.refresh(first, client_id="web"))
    clock.forward(10.0)
    assert _refused(made, first) == "refresh-reuse"
    assert _refused(made, second) == "refresh-family-ended"
    assert made.events[0].name == "refresh-reuse"


@pytest.mark.feature("F42")
def test_an_older_generation_inside_the_window_ends_the_family(made: Issuing) -> None:
    """DOT #1617: R1→R2→R3, then R1 inside the window."""
    first = _open(made)
    second = _token(made.refresh.refresh(first, client_id="web"))
    third = _token(made.refresh.refresh(second, client_id="web"))
    assert _refused(made, first) == "refresh-reuse"
    assert _refused(made, third) == "refresh-family-ended"


def test_the_predecessor_gets_the_living_token_and_not_a_dead_one(made: Issuing) -> None:
    """DOT #702: R1→R2→R3, then R2 inside the window gives R3 again."""
    second = _token(made.refresh.refresh(_open(made), client_id="web"))
    third = made.refresh.refresh(second, client_id="web")
    assert made.refresh.refresh(second, client_id="web") == third
    assert made.refresh.refresh(_token(third), client_id="web")


@pytest.mark.parametrize(("client_id", "device"), [("other", "phone"), ("web", "laptop"), ("web", None)])
def test_another_client_gets_no_second_answer_and_the_family_ends(
    made: Issuing, client_id: str, device: str | None
) -> None:
    first = _open(made, device="phone")
    made.refresh.refresh(first, client_id="web", device="phone")
    assert _refused(made, first, client_id, device) == "refresh-reuse"


@pytest.mark.parametrize(("client_id", "device"), [("other", "phone"), ("web", "laptop")])
def test_an_unused_token_of_another_client_is_refused_and_stays_unused(
    made: Issuing, client_id: str, device: str
) -> None:
    first = _open(made, device="phone")
    assert _refused(made, first, client_id, device) == "refresh-other-client"
    assert made.refresh.refresh(first, client_id="web", device="phone")


def test_a_family_ends_when_nobody_refreshes(made: Issuing, clock: SetClock) -> None:
    first = _open(made)
    clock.forward(604_800)
    assert _refused(made, first) == "refresh-idle-too-long"


def test_a_family_ends_at_last_however_often_it_is_refreshed(made: Issuing, clock: SetClock) -> None:
    """Spring Authorization Server gave each token a full life, so the end never came."""
    token = _open(made)
    for _ in range(4):
        clock.forward(600_000)
        token = _token(made.refresh.refresh(token, client_id="web"))
    clock.forward(192_000)
    assert _refused(made, token) in ("refresh-family-too-old", "refresh-idle-too-long")


def test_the_last_token_never_outlives_its_family(made: Issuing, clock: SetClock, store: Store) -> None:
    token = _open(made)
    for _ in range(4):
        clock.forward(600_000)
        token = _token(made.refresh.refresh(token, client_id="web"))
    until = select(refresh_tokens.c.idle_until).where(refresh_tokens.c.digest == token_digest(token))
    end = select(refresh_families.c.ends_at)
    both = store.database.read(lambda c: (c.execute(until).scalar_one(), c.execute(end).scalar_one()))
    assert both[0] <= both[1]


def test_a_disabled_account_cannot_refresh_log_in_or_use_its_access_token(
    made: Issuing, clock: SetClock, store: Store
) -> None:
    opened = made.refresh.open(made.account, client_id="web")
    claims = _claims(made, opened, clock)
    assert not made.revocations.is_revoked(claims)
    assert store.accounts.disable("ann", clock())
    assert _refused(made, _token(opened)) == "refresh-family-ended"
    made.revocations.refresh()
    assert made.revocations.is_revoked(claims)
    with pytest.raises(InvalidCredentialError, match="overtaken"):
        made.refresh.open(made.account, client_id="web")


def test_a_login_under_way_does_not_survive_a_password_change(made: Issuing, clock: SetClock, store: Store) -> None:
    assert store.accounts.change_password("ann", "hash", "hash2", clock())
    with pytest.raises(InvalidCredentialError, match="overtaken"):
        made.refresh.open(made.account, client_id="web")


def test_a_password_change_ends_every_family_and_voids_every_token(
    made: Issuing, clock: SetClock, store: Store
) -> None:
    opened = [made.refresh.open(made.account, client_id="web") for _ in range(3)]
    assert not store.accounts.change_password("ann", "not the hash", "hash2", clock())
    assert store.accounts.change_password("ann", "hash", "hash2", clock())
    made.revocations.refresh()
    for answer in opened:
        assert made.revocations.is_revoked(_claims(made, answer, clock))
        assert _refused(made, _token(answer)) == "refresh-family-ended"
    account = store.accounts.by_id("ann")
    assert account is not None
    fresh = made.refresh.open(account, client_id="web")
    assert not made.revocations.is_revoked(_claims(made, fresh, clock)), "a token of the same second lives"


def test_the_end_of_a_client_ends_what_it_was_given_and_nothing_else(
    made: Issuing, clock: SetClock, store: Store
) -> None:
    web, app = made.refresh.open(made.account, client_id="web"), made.refresh.open(made.account, client_id="app")
    kept = _claims(made, app, clock)
    gone = _claims(made, web, clock)
    assert store.refresh.end_client("web", clock(), clock() + 4530) == 1
    made.revocations.refresh()
    assert made.revocations.is_revoked(gone)
    assert not made.revocations.is_revoked(kept)
    assert _refused(made, _token(web)) == "refresh-family-ended"
    assert made.refresh.refresh(_token(app), client_id="app")
    clock.forward(2)
    fresh = made.refresh.open(made.account, client_id="web")
    made.revocations.refresh()
    assert not made.revocations.is_revoked(_claims(made, fresh, clock))
    clock.forward(4_600)
    made.revocations.refresh()
    assert not made.revocations.is_revoked({**gone, "iat": 0, "sid": "x", "jti": "y"}), "entries leave with their time"


def test_the_end_of_a_device_ends_the_sessions_on_it(made: Issuing, clock: SetClock, store: Store) -> None:
    phone, again, laptop = (
        made.refresh.open(made.account, client_id="web", device=name) for name in ("phone", "phone", "laptop")
    )
    assert store.refresh.end_device("ann", "phone", clock(), clock() + 4530) == 2
    assert store.refresh.end_device("bob", "laptop", clock(), clock() + 4530) == 0
    made.revocations.refresh()
    assert [made.revocations.is_revoked(_claims(made, one, clock)) for one in (phone, again, laptop)] == [
        True,
        True,
        False,
    ]
    assert _refused(made, _token(phone), device="phone") == "refresh-family-ended"
    assert made.refresh.refresh(_token(laptop), client_id="web", device="laptop")


@pytest.mark.fault(14)
@pytest.mark.parametrize("change", ["roles", "everything"])
@pytest.mark.parametrize("refreshed", [False, True])
def test_what_was_issued_before_the_clock_was_set_back_is_void_too(
    made: Issuing, clock: SetClock, store: Store, change: str, refreshed: bool
) -> None:
    """Its ``iat`` is later than "now", so "void before now" misses it; it must not come to life when the clock is there again."""
    behind, quiet = made.refresh.open(made.account, client_id="web"), clock()
    clock.forward(600)
    ahead = made.refresh.refresh(_token(behind), client_id="web") if refreshed else None
    ahead = ahead or made.refresh.open(made.account, client_id="web")
    claims = _claims(made, ahead, clock)
    clock.forward(quiet + 60 - clock())
    if change == "roles":
        store.accounts.set_access("ann", (), (), clock())
    else:
        store.refresh.end_everything(clock(), clock() + 4530)
    clock.forward(600)
    made.revocations.refresh()
    assert made.revocations.is_revoked(claims)
    account = store.accounts.by_id("ann")
    assert account is not None
    assert not made.revocations.is_revoked(_claims(made, made.refresh.open(account, client_id="web"), clock))


def test_reuse_voids_the_access_tokens_of_the_family(made: Issuing, clock: SetClock) -> None:
    first = _open(made)
    answer = made.refresh.refresh(first, client_id="web")
    clock.forward(11)
    claims = _claims(made, answer, clock)
    assert not made.revocations.is_revoked(claims)
    _refused(made, first)
    made.revocations.refresh()
    assert made.revocations.is_revoked(claims)


def test_a_logout_ends_one_family_and_no_other(made: Issuing) -> None:
    first, second = _open(made), _open(made)
    assert made.refresh.end_by_token(first)
    assert _refused(made, first) == "refresh-family-ended"
    assert made.refresh.refresh(second, client_id="web")
    assert [family.ended_at for family in made.refresh.families("ann")] == [None]


def test_scopes_and_roles_that_were_taken_away_are_gone_at_the_next_refresh(
    made: Issuing, clock: SetClock, store: Store
) -> None:
    token = _open(made)
    store.accounts.set_access("ann", (), ("notes:read", "admin"), clock())
    answer = made.refresh.refresh(token, client_id="web")
    assert json.loads(answer)["scope"] == "notes:read", "and none is added to a session that did not ask for it"
    assert _claims(made, answer, clock)["roles"] == ()


@pytest.mark.parametrize("token", ["", "x", "a" * 42, "a" * 44, "ä" * 43, "a" * 42 + "=", "a" * 42 + "\n", "a" * 43])
def test_what_is_no_token_is_refused(made: Issuing, token: str) -> None:
    assert _refused(made, token) in ("refresh-malformed", "refresh-unknown")


def test_the_database_holds_no_token_and_no_answer_that_it_could_read(
    made: Issuing, store: Store, store_url: str, tmp_path: Path
) -> None:
    first = _open(made)
    answer = made.refresh.refresh(first, client_id="web")
    rows = store.database.read(lambda c: [tuple(row) for row in c.execute(select(refresh_tokens))])
    stored = repr(rows).encode()
    for secret in (first, _token(answer), json.loads(answer)["access_token"]):
        assert secret.encode() not in stored
    if store_url.startswith("sqlite"):
        everything = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
        assert first.encode() not in everything
        assert _token(answer).encode() not in everything


def test_an_answer_is_deleted_when_its_window_has_ended(made: Issuing, store: Store, clock: SetClock) -> None:
    made.refresh.refresh(_open(made), client_id="web")
    kept = select(refresh_tokens.c.sealed_answer).where(refresh_tokens.c.sealed_answer.is_not(None))
    assert len(store.database.read(lambda c: list(c.execute(kept)))) == 1
    made.refresh.forget_when_due()
    assert len(store.database.read(lambda c: list(c.execute(kept)))) == 1
    clock.forward(10)
    made.refresh.forget_when_due()
    assert store.database.read(lambda c: list(c.execute(kept))) == []


def test_ended_families_are_forgotten_with_their_tokens(made: Issuing, store: Store, clock: SetClock) -> None:
    _open(made)
    clock.forward(2_592_000)
    assert store.refresh.forget_families(clock()) == 1
    assert store.database.read(lambda c: list(c.execute(select(refresh_tokens)))) == []


def test_a_sealed_answer_opens_with_its_own_token_only() -> None:
    sealed = seal("a" * 43, b"answer")
    assert unseal("a" * 43, sealed) == b"answer"
    with pytest.raises(InvalidCredentialError):
        unseal("b" * 43, sealed)
    with pytest.raises(InvalidCredentialError):
        unseal("a" * 43, sealed[:-1])


def test_two_accounts_of_one_address_cannot_be(store: Store) -> None:
    assert store.accounts.add(Account("a", "x@example.com", "h", 1.0))
    assert not store.accounts.add(Account("b", "x@example.com", "h", 1.0))
    assert store.accounts.by_id("b") is None


def test_a_login_waits_for_a_password_change_that_is_being_committed(postgres_store: Store, clock: SetClock) -> None:
    """Without a lock on the account the new session would begin after the change and live on."""
    made = issuing(postgres_store, clock)
    began, done = Event(), Event()

    def change() -> None:
        def work(connection: Connection) -> None:
            connection.execute(update(accounts).values(password_hash="new"))
            began.set()
            done.wait(0.3)

        postgres_store.database.write(work)

    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(change)
        began.wait(10)
        with pytest.raises(InvalidCredentialError, match="overtaken"):
            made.refresh.open(made.account, client_id="web")
        done.set()
        changing.result()


def test_a_disabled_account_cannot_refresh_even_where_its_families_were_left(
    made: Issuing, store: Store, clock: SetClock
) -> None:
    token = _open(made)
    store.database.write(lambda c: c.execute(update(accounts).values(disabled_at=clock())))
    assert _refused(made, token) == "refresh-account-disabled"
