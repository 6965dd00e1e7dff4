"""Disabling, a new password and new roles hold against whoever refreshes or logs in at the same moment.

The time that voids a token is taken once the account's row is locked: a change that waited for the lock would otherwise void
less than it should, and a token from within the wait would live on for a quarter of an hour.
"""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import select
from tests.servers.issuing import Issuing, issuing

from stopper.auth import base64url
from stopper.auth.clock import SetClock
from stopper.auth.refresh_token import token_digest
from stopper.core.errors import InvalidCredentialError
from stopper.store import Store
from stopper.store.accounts import SqlAccounts
from stopper.store.schema import accounts, refresh_families

NOW = 1_800_000_000.5

Change = Callable[[SqlAccounts, float], bool]
CHANGES: dict[str, Change] = {
    "disabled": lambda rows, now: rows.disable("ann", now),
    "password": lambda rows, now: rows.change_password("ann", "hash", "other", now),
    "access": lambda rows, now: rows.set_access("ann", (), (), now),
}


def claims_of(answer: bytes) -> dict[str, Any]:
    token: str = json.loads(answer)["access_token"]
    found: dict[str, Any] = json.loads(base64url.decode(token.split(".")[1].encode()))
    return found


def is_void(made: Issuing, answer: bytes) -> bool:
    made.revocations.refresh()
    return made.revocations.is_revoked(claims_of(answer))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("waited", [0.0, 0.6, 3.0])
def test_a_token_from_while_the_change_waited_is_void(store: Store, change: Change, waited: float) -> None:
    clock = SetClock(NOW)
    made = issuing(store, clock)
    rows = SqlAccounts(store.database, clock=clock)
    asked_at = clock()
    clock.now = asked_at + waited
    answer = made.refresh.open(made.account, client_id="web")
    assert not is_void(made, answer)
    assert change(rows, asked_at)
    assert is_void(made, answer)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_log_in_that_was_under_way_does_not_survive(store: Store, change: Change) -> None:
    made = issuing(store)
    read_before = made.account
    assert change(store.accounts, NOW)
    with pytest.raises(InvalidCredentialError):
        made.refresh.open(read_before, client_id="web")


@pytest.mark.parametrize("change", ["disabled", "password"])
def test_ending_the_sessions_voids_each_of_them_by_name(store: Store, change: str) -> None:
    made = issuing(store)
    answers = [made.refresh.open(made.account, client_id="web") for _ in range(3)]
    assert CHANGES[change](store.accounts, 0.0)
    ended = {entry.value for entry in store.revocations.after(0) if entry.kind == "family"}
    assert ended == {claims_of(answer)["sid"] for answer in answers}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_refresh_that_waits_for_the_change_gets_nothing_of_before(postgres_store: Store, change: Change) -> None:
    store = postgres_store
    made = issuing(store)
    token = json.loads(made.refresh.open(made.account, client_id="web"))["refresh_token"]
    locked, go = threading.Event(), threading.Event()
    found: list[bytes] = []

    class Slow(SqlAccounts):
        def _change(self, connection: Any, *given: Any, **named: Any) -> bool:
            done = super()._change(connection, *given, **named)
            locked.set()
            go.wait(10)
            return done

    def refresh() -> None:
        try:
            found.append(made.refresh.refresh(token, client_id="web"))
        except InvalidCredentialError as refused:
            found.append(refused.reason.encode())

    changing = threading.Thread(target=lambda: change(Slow(store.database), NOW))
    changing.start()
    assert locked.wait(10)
    refreshing = threading.Thread(target=refresh)
    refreshing.start()
    refreshing.join(0.5)
    assert refreshing.is_alive()
    go.set()
    changing.join(10)
    refreshing.join(10)
    living = select(refresh_families.c.ended_at).where(refresh_families.c.account_id == "ann")
    if store.database.read(lambda connection: connection.execute(living).scalar_one()) is not None:
        assert found[0].startswith(b"refresh-")
    else:
        assert claims_of(found[0])["roles"] == []


def test_a_refresh_and_a_log_out_do_not_meet_head_on(postgres_store: Store) -> None:
    """Two orders of locks would be a deadlock: PostgreSQL ends it after a second, and the log shows it."""
    store = postgres_store
    made = issuing(store)
    for _ in range(30):
        token = json.loads(made.refresh.open(made.account, client_id="web"))["refresh_token"]
        family = store.refresh.family_of(token_digest(token))
        assert family is not None
        together = threading.Barrier(2)

        def log_out(family_id: str = family.id, together: threading.Barrier = together) -> None:
            together.wait()
            made.refresh.end(family_id)

        leaving = threading.Thread(target=log_out)
        leaving.start()
        together.wait()
        answer = None
        with suppress(InvalidCredentialError):
            answer = made.refresh.refresh(token, client_id="web")
        leaving.join(10)
        if answer is not None:
            assert is_void(made, answer)
    counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert store.database.read(lambda connection: connection.exec_driver_sql(counted).scalar_one()) == 0
    assert store.database.read(lambda connection: connection.execute(select(accounts.c.id)).scalar_one()) == "ann"
