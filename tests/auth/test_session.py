"""Sessions without a browser: ids, ends, renewals, revocations, in both databases; and the tokens against CSRF."""

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from stopper.auth.account import Account
from stopper.auth.clock import SetClock
from stopper.auth.revocation import Revocations
from stopper.auth.session import MAX_CLAIMS, Change, NewSession, Sessions
from stopper.auth.session_csrf import CsrfTokens
from stopper.core.errors import InvalidCredentialError, SettingError, StoreUnavailableError
from stopper.core.secret import Secret
from stopper.store import Store, migration
from stopper.store.schema import browser_sessions

ROOT = Secret(bytes(range(7, 39)))
HOUR = 3600.0


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def sessions(store: Store, clock: SetClock) -> Sessions:
    return Sessions(store.sessions, ROOT, clock=clock, life=12 * HOUR, idle=HOUR / 2, most=3)


def alive(sessions: Sessions, made: NewSession) -> bool:
    try:
        sessions.find(made.secret.reveal())
    except InvalidCredentialError:
        return False
    return True


def reason(sessions: Sessions, shown: str) -> str:
    with pytest.raises(InvalidCredentialError) as caught:
        sessions.find(shown)
    return caught.value.reason


def test_what_begins_is_found_with_all_that_was_said(sessions: Sessions, clock: SetClock) -> None:
    made = sessions.begin(
        "ann", amr=["pwd", "otp"], scopes=["a"], roles=["admin"], tenant="acme", device="Fire\nfox", claims={"acr": "gold", "permissions": ["x"]}
    )  # fmt: skip
    found = sessions.find(made.secret.reveal())
    assert found == made.live
    principal = found.principal
    assert (principal.subject, principal.kind, principal.tenant) == ("ann", "browser_session", "acme")
    assert (sorted(principal.scopes), sorted(principal.roles), principal.amr) == (["a"], ["admin"], ("pwd", "otp"))
    assert principal.claims == {"acr": "gold", "permissions": ("x",), "sid": principal.credential_id}
    assert principal.auth_time == int(clock())
    assert found.session.device == "Firefox"


@pytest.mark.feature("F46")
def test_the_store_has_neither_the_id_nor_a_plain_hash_of_it(sessions: Sessions, store: Store) -> None:
    import hashlib

    made = sessions.begin("ann")
    rows = store.database.read(lambda connection: connection.execute(select(browser_sessions)).mappings().all())
    kept = repr([dict(row) for row in rows])
    shown = made.secret.reveal()
    assert shown not in kept
    assert shown not in repr(made)
    assert bytes(rows[0]["digest"]) != hashlib.sha256(shown.encode()).digest()
    assert made.live.session.id not in shown


def test_an_id_is_256_random_bits(sessions: Sessions) -> None:
    ids = {sessions.begin(f"p{number}").secret.reveal() for number in range(20)}
    assert len(ids) == 20
    assert {len(base64.urlsafe_b64decode(shown + "=")) for shown in ids} == {32}


@pytest.mark.parametrize("shown", ["", "x", "A" * 42, "A" * 44, "A" * 42 + "é", "A" * 42 + "\n", "A" * 10_000])
def test_what_has_not_the_form_costs_no_look_up(
    sessions: Sessions, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_store", None)
    assert reason(sessions, shown) == "session-form"


def test_another_root_finds_nothing(sessions: Sessions, store: Store, clock: SetClock) -> None:
    made = sessions.begin("ann")
    other = Sessions(store.sessions, Secret(bytes(range(140, 172))), clock=clock)
    assert reason(other, made.secret.reveal()) == "session-unknown"


@pytest.mark.parametrize("root", ["", "short", "changeme" * 8, "a" * 64])
def test_a_weak_root_is_refused(store: Store, root: str) -> None:
    with pytest.raises(SettingError, match="STOPPER_SESSION_SECRET"):
        Sessions(store.sessions, Secret(root))


@pytest.mark.feature("F46")
def test_idle_and_absolute_life(sessions: Sessions, clock: SetClock) -> None:
    made = sessions.begin("ann")
    shown = made.secret.reveal()
    clock.forward(HOUR / 2 - 1)
    sessions.find(shown)
    clock.forward(HOUR / 2)
    assert reason(sessions, shown) == "session-idle-too-long"
    busy = sessions.begin("ann").secret.reveal()
    for _ in range(24 * 3 - 1):
        clock.forward(HOUR / 6)
        sessions.find(busy)
    clock.forward(HOUR / 6)
    assert reason(sessions, busy) == "session-too-old"


def test_use_is_noted_once_a_minute(sessions: Sessions, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[float] = []
    shown = sessions.begin("ann").secret.reveal()
    touch = sessions._store.touch

    def noting(digest: bytes, now: float) -> None:
        noted.append(now)
        touch(digest, now)

    monkeypatch.setattr(sessions._store, "touch", noting)
    for _ in range(13):
        clock.forward(10)
        sessions.find(shown)
    assert len(noted) == 2


def test_a_note_that_is_lost_refuses_nobody(
    sessions: Sessions, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = sessions.begin("ann").secret.reveal()
    clock.forward(100)

    def away(*_: object) -> None:
        raise StoreUnavailableError

    monkeypatch.setattr(sessions._store, "touch", away)
    assert sessions.find(shown).session.subject == "ann"


def test_a_renewed_session_has_another_id_and_the_old_one_is_void(sessions: Sessions, clock: SetClock) -> None:
    made = sessions.begin("ann", amr=["pwd"], claims={"a": 1})
    clock.forward(60)
    again = sessions.renew(made.live, Change(amr=("pwd", "otp"), roles=("admin",), auth_time=int(clock())))
    assert reason(sessions, made.secret.reveal()) == "session-unknown"
    found = sessions.find(again.secret.reveal()).session
    assert (found.id, found.amr, found.roles) == (made.live.session.id, ("pwd", "otp"), ("admin",))
    assert (found.claims, found.ends_at) == (made.live.session.claims, made.live.session.ends_at)
    assert found.auth_time == made.live.session.auth_time + 60


def test_of_many_who_renew_one_did_it(sessions: Sessions) -> None:
    made = sessions.begin("ann")

    def renew(_: int) -> bool:
        try:
            sessions.renew(made.live, Change())
        except InvalidCredentialError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(renew, range(8))).count(True) == 1
    assert len(sessions.list("ann")) == 1


def test_of_a_renewal_and_an_end_nothing_is_left(sessions: Sessions) -> None:
    for _ in range(10):
        made = sessions.begin("ann")
        with ThreadPoolExecutor(2) as pool:
            pool.submit(sessions.end, "ann", made.live.session.id)
            renewed = pool.submit(sessions.renew, made.live, Change())
        assert sessions.list("ann") == []
        if renewed.exception() is None:
            assert not alive(sessions, renewed.result())


def test_own_sessions_are_listed_and_ended_and_nobody_elses(sessions: Sessions, clock: SetClock) -> None:
    first = sessions.begin("ann", device="phone")
    clock.forward(1)
    second = sessions.begin("ann", device="desk")
    other = sessions.begin("bob")
    assert [session.device for session in sessions.list("ann")] == ["desk", "phone"]
    assert not sessions.end("ann", other.live.session.id)
    assert not sessions.end("ann", "nothing")
    assert sessions.end("ann", first.live.session.id)
    assert not sessions.end("ann", first.live.session.id)
    assert [alive(sessions, made) for made in (first, second, other)] == [False, True, True]
    third = sessions.begin("ann")
    assert sessions.end_all("ann", but=third.live.session.id) == 1
    assert [alive(sessions, made) for made in (second, third, other)] == [False, True, True]
    assert sessions.end_all("ann") == 1


def test_a_new_session_instead_of_an_old_one_and_of_the_oldest_beyond_the_limit(
    sessions: Sessions, clock: SetClock
) -> None:
    made: list[NewSession] = []
    for _ in range(4):
        clock.forward(1)
        made.append(sessions.begin("ann"))
    assert [alive(sessions, each) for each in made] == [False, True, True, True]
    last = sessions.begin("bob", instead_of=made[3].live)
    assert not alive(sessions, made[3])
    assert alive(sessions, last)
    clock.forward(-3600)
    sessions.begin("ann")
    behind = sessions.begin("ann")
    assert alive(sessions, behind)
    assert len(sessions.list("ann")) == 3


@pytest.mark.feature("F46")
def test_many_log_ins_at_once_stay_within_the_limit(sessions: Sessions) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: sessions.begin("ann"), range(16)))
    assert len(sessions.list("ann")) == 3


def test_every_revocation_of_a_person_ends_the_sessions(sessions: Sessions, store: Store, clock: SetClock) -> None:
    store.accounts.add(Account("ann", "ann@example.com", "hash", 1.0))
    revocations = Revocations(store.revocations, clock, token_lifetime=900)
    now = clock()
    for end in (
        lambda: revocations.revoke_subject("ann"),
        revocations.revoke_all,
        lambda: store.accounts.change_password("ann", "hash", "new", now),
        lambda: store.accounts.set_access("ann", ("admin",), (), now),
        lambda: store.accounts.log_out("ann", now),
        lambda: store.refresh.end_everything(now, now + 900),
        lambda: store.accounts.disable("ann", now),
    ):
        made, other = sessions.begin("ann"), sessions.begin("ann")
        end()
        assert [alive(sessions, each) for each in (made, other)] == [False, False]
        # Logged in within the same second, but after it.
        assert alive(sessions, sessions.begin("ann"))


def test_a_revoked_family_may_be_a_session(sessions: Sessions, store: Store, clock: SetClock) -> None:
    made, other = sessions.begin("ann"), sessions.begin("ann")
    Revocations(store.revocations, clock, token_lifetime=900).revoke_family(made.live.session.id)
    assert [alive(sessions, each) for each in (made, other)] == [False, True]


def test_what_was_revoked_stays_so_when_the_journal_forgets(sessions: Sessions, store: Store, clock: SetClock) -> None:
    """A session outlives the entry of the journal, which is kept for as long as access tokens live."""
    made = sessions.begin("ann")
    store.revocations.append("subject", "ann", int(clock()) + 1, clock() + 900)
    assert store.revocations.forget(clock() + 1000) == 1
    assert not alive(sessions, made)


def test_a_log_in_that_a_revocation_overtakes_is_refused(sessions: Sessions, store: Store, clock: SetClock) -> None:
    """The old password was right when it was looked at, and is another one by now."""
    moment = sessions.moment()
    store.revocations.append("subject", "bob", int(clock()) + 1, clock() + 900)
    assert alive(sessions, sessions.begin("ann", since=moment))
    store.revocations.append("subject", "ann", int(clock()) + 1, clock() + 900)
    with pytest.raises(InvalidCredentialError, match="revoked-meanwhile"):
        sessions.begin("ann", since=moment)
    assert sessions.list("ann")[1:] == []
    assert alive(sessions, sessions.begin("ann", since=sessions.moment()))


def test_in_no_interleaving_does_a_session_of_the_old_password_live(sessions: Sessions, store: Store) -> None:
    store.accounts.add(Account("ann", "ann@example.com", "hash-0", 1.0))

    def log_in(number: int) -> bool:
        moment = sessions.moment()
        account = store.accounts.by_id("ann")
        if account is None or account.password_hash != f"hash-{number}":
            return False
        try:
            sessions.begin("ann", since=moment)
        except InvalidCredentialError:
            return False
        return True

    for number in range(12):
        with ThreadPoolExecutor(3) as pool:
            done = [pool.submit(log_in, number) for _ in range(2)]
            pool.submit(store.accounts.change_password, "ann", f"hash-{number}", f"hash-{number + 1}", 100.0)
        assert all(each.exception() is None for each in done)
        assert sessions.list("ann") == [], number


def test_a_session_that_revocations_kept_elsewhere_void_is_refused(store: Store, clock: SetClock) -> None:
    sessions = Sessions(store.sessions, ROOT, clock=clock, void=lambda claims: claims["sub"] == "bob")
    assert alive(sessions, sessions.begin("ann"))
    assert reason(sessions, sessions.begin("bob").secret.reveal()) == "revoked"


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": ""}, {"subject": "a\nb"}, {"subject": "a" * 257}, {"scopes": "admin"}, {"roles": [""]}, {"tenant": ""},
        {"claims": {"sub": "x"}}, {"claims": {"a": object()}}, {"claims": {"a": float("nan")}}, {"claims": {"a": "x" * MAX_CLAIMS}},
    ],
)  # fmt: skip
def test_what_no_session_can_hold_is_an_error_of_the_program(sessions: Sessions, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"session|sid|claim|list of texts"):
        sessions.begin(**{"subject": "ann", **wrong})  # type: ignore[arg-type]
    assert sessions.list("ann") == []


def test_old_sessions_are_swept_by_the_next_log_in_and_by_the_store(
    sessions: Sessions, store: Store, clock: SetClock
) -> None:
    def count() -> int:
        rows = store.database.read(lambda connection: connection.execute(select(browser_sessions)).all())
        return len(rows)

    sessions.begin("ann")
    clock.forward(13 * HOUR)
    sessions.begin("bob")
    assert count() == 1
    assert store.sessions.forget(clock() + 13 * HOUR) == 1
    assert count() == 0


def test_the_step_goes_down_and_up_with_sessions_in_place(sessions: Sessions, store: Store, tmp_path: Path) -> None:
    store.accounts.add(Account("ann", "ann@example.com", "hash", 1.0))
    made = sessions.begin("ann")
    migration.downgrade(store.database, "0002")
    store.migrate()
    assert migration.difference(store.database) == []
    assert store.accounts.by_id("ann") is not None
    assert not alive(sessions, made)
    assert alive(sessions, sessions.begin("ann"))


def test_a_csrf_token_holds_for_its_session_and_for_no_other() -> None:
    tokens = CsrfTokens(ROOT)
    first, second = b"\x01" * 32, b"\x02" * 32
    token = tokens.issue(first)
    assert tokens.holds(first, token)
    assert not tokens.holds(second, token)
    assert not tokens.holds(b"", token)
    assert not CsrfTokens(Secret(bytes(range(140, 172)))).holds(first, token)
    assert tokens.issue(first) != token


def test_a_csrf_token_changed_in_any_letter_does_not_hold() -> None:
    tokens = CsrfTokens(ROOT)
    token = tokens.issue(b"s" * 32)
    for index, letter in enumerate(token):
        other = "A" if letter != "A" else "B"
        changed = token[:index] + other + token[index + 1 :]
        assert not tokens.holds(b"s" * 32, changed), index
    for wrong in ("", ".", token + "=", token + "A", token[1:], token.replace(".", ""), token + "\n", "é" * 66):
        assert not tokens.holds(b"s" * 32, wrong)


def test_before_login_a_token_holds_beside_its_own_cookie_only() -> None:
    tokens = CsrfTokens(ROOT)
    mine, other = tokens.issue_before_login(), tokens.issue_before_login()
    assert tokens.holds_before_login(mine, mine)
    assert not tokens.holds_before_login(mine, other)
    assert not tokens.holds_before_login("x.y", "x.y")
    assert not tokens.holds_before_login(mine, "é")
    bound = tokens.issue(b"s" * 32)
    assert not tokens.holds_before_login(bound, bound)
