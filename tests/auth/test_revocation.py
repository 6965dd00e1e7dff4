"""What is void is refused within the bound, in every process, and nothing passes on a guess."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event

from stopper.auth.clock import SetClock
from stopper.auth.revocation import BOUND_SECONDS, POLL_SECONDS, Kind, Revocation, Revocations
from stopper.core.errors import StoreUnavailableError
from stopper.store import Store


@pytest.fixture
def clock() -> SetClock:
    return SetClock(1_800_000_000.5)


@pytest.fixture
def ticks() -> SetClock:
    return SetClock(100.0)


@pytest.fixture
def view(store: Store, clock: SetClock, ticks: SetClock) -> Revocations:
    return Revocations(store.revocations, clock, token_lifetime=900, monotonic=ticks)


def claims(
    clock: SetClock, jti: str = "t", sid: str = "f", sub: str = "ann", client: str = "app", later: int = 0
) -> dict[str, object]:
    return {"jti": jti, "sid": sid, "sub": sub, "client_id": client, "iat": int(clock()) + later}


@pytest.mark.parametrize(
    ("revoke", "void", "living"),
    [
        (lambda view: view.revoke_token("t1"), {"jti": "t1"}, {"jti": "t2"}),
        (lambda view: view.revoke_family("f1"), {"sid": "f1"}, {"sid": "f2"}),
        (lambda view: view.revoke_subject("ann"), {"sub": "ann"}, {"sub": "bob"}),
        (lambda view: view.revoke_subject("ann"), {"sub": "ann"}, {"sub": "ann", "later": 1}),
        (lambda view: view.revoke_client("web"), {"client": "web"}, {"client": "app"}),
        (lambda view: view.revoke_client("web"), {"client": "web"}, {"client": "web", "later": 1}),
        (lambda view: view.revoke_all(), {"sub": "bob"}, {"sub": "bob", "later": 1}),
    ],
)
def test_what_is_revoked_is_void_at_once_here_and_the_rest_lives(
    view: Revocations, clock: SetClock, revoke: Callable[[Revocations], None], void: dict, living: dict
) -> None:
    assert not view.is_revoked(claims(clock, **void))
    revoke(view)
    assert view.is_revoked(claims(clock, **void))
    assert not view.is_revoked(claims(clock, **living))


@pytest.mark.feature("F9")
def test_another_process_sees_it_within_the_bound(
    store: Store, view: Revocations, clock: SetClock, ticks: SetClock
) -> None:
    other = Revocations(store.revocations, clock, token_lifetime=900, monotonic=ticks)
    assert not other.is_revoked(claims(clock))
    view.revoke_token("t")
    ticks.forward(POLL_SECONDS)
    assert other.is_revoked(claims(clock))


def test_a_token_that_does_not_say_when_it_was_issued_counts_as_old(view: Revocations) -> None:
    view.revoke_subject("ann")
    assert view.is_revoked({"sub": "ann"})
    assert not view.is_revoked({"sub": "bob"})
    view.revoke_all()
    assert view.is_revoked({"sub": "bob"})


@pytest.mark.feature("F9")
def test_a_request_costs_no_statement_while_the_view_is_fresh(
    store: Store, view: Revocations, clock: SetClock, ticks: SetClock
) -> None:
    statements: list[str] = []
    view.refresh()
    event.listen(store.database.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    for _ in range(1000):
        assert not view.is_revoked(claims(clock))
    assert statements == []
    ticks.forward(POLL_SECONDS)
    for _ in range(1000):
        view.is_revoked(claims(clock))
    assert len([text for text in statements if "revocations" in text]) == 1


class Flaky:
    """A journal that can be switched off."""

    def __init__(self) -> None:
        self.down = False
        self.entries: list[Revocation] = []

    def append(self, kind: Kind, value: str, before: int, until: float) -> None:
        if self.down:
            raise StoreUnavailableError
        self.entries.append(Revocation(len(self.entries) + 1, kind, value, before, until))

    def after(self, seq: int) -> list[Revocation]:
        if self.down:
            raise StoreUnavailableError
        return self.entries[seq:]

    def forget(self, now: float) -> int:
        return 0


def test_without_the_store_nothing_passes_once_the_bound_is_over(clock: SetClock, ticks: SetClock) -> None:
    journal = Flaky()
    view = Revocations(journal, clock, token_lifetime=900, monotonic=ticks)
    assert not view.is_revoked(claims(clock))
    journal.down = True
    ticks.forward(BOUND_SECONDS - 0.1)
    assert not view.is_revoked(claims(clock)), "within the bound the last view is good"
    ticks.forward(0.2)
    with pytest.raises(StoreUnavailableError):
        view.is_revoked(claims(clock))
    journal.down = False
    assert not view.is_revoked(claims(clock)), "and it comes back by itself"


def test_a_view_that_was_never_read_refuses(clock: SetClock) -> None:
    journal = Flaky()
    journal.down = True
    with pytest.raises(StoreUnavailableError):
        Revocations(journal, clock, token_lifetime=900).is_revoked(claims(clock))


def test_a_revocation_that_cannot_be_kept_is_an_error_and_no_success(clock: SetClock) -> None:
    """CVE-2020-15223 (fosite): the answer was 200 while the storage had failed."""
    journal = Flaky()
    view = Revocations(journal, clock, token_lifetime=900)
    journal.down = True
    with pytest.raises(StoreUnavailableError):
        view.revoke_token("t")


def test_entries_leave_after_the_longest_life_of_a_token_and_not_before(
    store: Store, view: Revocations, clock: SetClock, ticks: SetClock
) -> None:
    view.revoke_token("t")
    clock.forward(900 + 30)
    assert store.revocations.forget(clock()) == 0
    clock.forward(3600)
    assert store.revocations.forget(clock()) == 1
    clock.forward(60)
    ticks.forward(1)
    assert not view.is_revoked({"jti": "t", "iat": 0})


@pytest.mark.fault(14)
def test_a_clock_that_jumps_an_hour_and_comes_back_revives_nothing(
    store: Store, view: Revocations, clock: SetClock, ticks: SetClock
) -> None:
    view.revoke_token("t")
    clock.forward(3600)
    ticks.forward(1)
    view.is_revoked(claims(clock, jti="other"))
    store.forget()
    clock.forward(-3600)
    ticks.forward(1)
    assert view.is_revoked(claims(clock))


@pytest.mark.fault(40)
def test_a_forked_child_reads_the_journal_itself(store: Store, view: Revocations, clock: SetClock) -> None:
    view.revoke_token("t")
    child = os.fork()
    if child == 0:
        os._exit(0 if view.is_revoked(claims(clock)) and not view.is_revoked(claims(clock, jti="x")) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_no_entry_is_missed_while_many_write(store: Store, clock: SetClock) -> None:
    """Numbers are drawn before commits: a reader that saw 6 before 5 would never come back for 5."""
    seen = Revocations(store.revocations, clock, token_lifetime=900)
    done = threading.Event()

    def follow() -> None:
        while not done.is_set():
            seen.refresh()

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: store.revocations.append("token", f"t{n}", 0, clock() + 900), range(200)))
    finally:
        done.set()
        follower.join()
    seen.refresh()
    missed = [n for n in range(200) if not seen.is_revoked(claims(clock, jti=f"t{n}"))]
    assert missed == []


class Hints:
    """What a shared server would say."""

    def __init__(self) -> None:
        self.number = 0
        self.asked = 0

    def newest(self) -> int:
        self.asked += 1
        return self.number


def test_a_hint_makes_another_node_see_it_at_once(store: Store, clock: SetClock, ticks: SetClock) -> None:
    hints = Hints()
    store.database.tell = lambda seq: setattr(hints, "number", seq)
    here = Revocations(store.revocations, clock, token_lifetime=900, news=hints, monotonic=ticks)
    there = Revocations(store.revocations, clock, token_lifetime=900, news=hints, monotonic=ticks)
    assert not there.is_revoked(claims(clock))
    here.revoke_family("f")
    assert hints.number > 0
    assert there.is_revoked(claims(clock)), "no time has passed at all"


@pytest.mark.fault(9)
def test_fault_9_a_hint_that_was_lost_costs_no_more_than_the_bound(
    store: Store, clock: SetClock, ticks: SetClock
) -> None:
    hints = Hints()
    there = Revocations(store.revocations, clock, token_lifetime=900, news=hints, monotonic=ticks)
    assert not there.is_revoked(claims(clock))
    store.revocations.append("family", "f", 0, clock() + 900)
    hints.number = 0
    ticks.forward(BOUND_SECONDS)
    assert there.is_revoked(claims(clock))


def test_fault_39_a_database_behind_its_hint_is_not_read_at_every_request(
    store: Store, clock: SetClock, ticks: SetClock
) -> None:
    """Restored from yesterday's copy, the journal will not reach the number that Redis still knows."""
    hints = Hints()
    hints.number = 1_000_000
    there = Revocations(store.revocations, clock, token_lifetime=900, news=hints, monotonic=ticks)
    statements: list[str] = []
    event.listen(store.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    for _ in range(20):
        assert not there.is_revoked(claims(clock))
    assert len([one for one in statements if "revocations" in one]) == 1


def test_a_revocation_that_is_rolled_back_is_not_told(store: Store, clock: SetClock) -> None:
    from stopper.store import journal

    told: list[int] = []
    store.database.tell = told.append

    def breaks(connection: object) -> None:
        journal.append(connection, "family", "f", 0, clock() + 900)  # type: ignore[arg-type]
        raise LookupError

    with pytest.raises(LookupError):
        store.database.write(breaks)
    store.database.write(lambda connection: None)
    assert told == []
    store.revocations.append("family", "f", 0, clock() + 900)
    assert len(told) == 1
