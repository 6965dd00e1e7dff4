"""What nobody needs any more goes away while the service runs, and a store that is away disturbs no answer."""

import dataclasses

import pytest
from sqlalchemy import func, select

from stopper.auth.clock import SetClock
from stopper.core.errors import StoreUnavailableError
from stopper.core.secret import Secret
from stopper.service import Accounts
from stopper.service.sweeping import SWEEP_SECONDS, Sweeper
from stopper.store.schema import refresh_families, revocations


def _rows(accounts: Accounts, table) -> int:
    count = select(func.count()).select_from(table)
    return accounts.store.database.read(lambda connection: connection.execute(count).scalar_one())


def test_old_rows_go_every_ten_minutes_and_not_at_every_request(accounts: Accounts) -> None:
    clock, ticks = SetClock(accounts.clock()), SetClock(0.0)
    moved = dataclasses.replace(accounts, clock=clock, store=dataclasses.replace(accounts.store, clock=clock))
    sweeper = Sweeper(moved, ticks)
    accounts.register("ann@example.com", Secret("violet harbour teapot crane"), "192.0.2.1")
    accounts.login("ann@example.com", Secret("violet harbour teapot crane"), None, "192.0.2.1")
    accounts.revocations.revoke_token("t")
    clock.forward(2_592_001)
    sweeper.sweep()
    assert (_rows(accounts, refresh_families), _rows(accounts, revocations)) == (1, 1)
    ticks.forward(SWEEP_SECONDS)
    sweeper.sweep()
    assert (_rows(accounts, refresh_families), _rows(accounts, revocations)) == (0, 0)


def test_a_store_that_is_away_disturbs_nobody(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = SetClock(0.0)
    sweeper = Sweeper(accounts, ticks)
    ticks.forward(SWEEP_SECONDS)

    def fails(*_: object, **__: object) -> None:
        raise StoreUnavailableError

    monkeypatch.setattr(type(accounts.store.database), "_run", fails)
    sweeper.sweep()
