"""A thing is used once, by one caller, for one purpose, in one tenant."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from stopper.auth.clock import SetClock
from stopper.auth.revocation import CLOCK_SLACK
from stopper.auth.single_use import SingleUse
from stopper.core.errors import StoreUnavailableError
from stopper.store import Store, open_store


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def test_once_and_never_again(store: Store, clock: SetClock) -> None:
    used = SingleUse(store.single_use, clock)
    assert used.redeem("code", "abc", valid_for=60)
    assert not used.redeem("code", "abc", valid_for=60)
    clock.forward(59)
    assert not used.redeem("code", "abc", valid_for=60)


def test_purpose_and_tenant_keep_things_apart(store: Store, clock: SetClock) -> None:
    """CVE-2026-4325 (Keycloak): one kind of action could consume or replay another's."""
    used = SingleUse(store.single_use, clock)
    assert used.redeem("code", "abc", valid_for=60, tenant="a")
    assert used.redeem("reset", "abc", valid_for=60, tenant="a")
    assert used.redeem("code", "abc", valid_for=60, tenant="b")
    assert not used.redeem("code", "abc", valid_for=60, tenant="a")


def test_of_thirty_two_at_once_one_wins(store: Store, clock: SetClock) -> None:
    used = SingleUse(store.single_use, clock)
    for number in range(20):
        with ThreadPoolExecutor(32) as pool:
            results = list(pool.map(lambda _, n=number: used.redeem("code", f"c{n}", valid_for=60), range(32)))
        assert results.count(True) == 1


def test_it_is_remembered_across_processes(store: Store, store_url: str, clock: SetClock, tmp_path) -> None:
    assert SingleUse(store.single_use, clock).redeem("code", "abc", valid_for=60)
    other = open_store(store_url, key_file=tmp_path / "data" / "master.key")
    assert not SingleUse(other.single_use, clock).redeem("code", "abc", valid_for=60)
    other.close()


def test_what_cannot_be_valid_any_more_is_forgotten_and_not_redeemed(store: Store, clock: SetClock) -> None:
    used = SingleUse(store.single_use, clock)
    assert used.redeem("code", "abc", valid_for=60)
    clock.forward(60 + CLOCK_SLACK)
    assert store.single_use.forget(clock()) == 1
    assert not used.redeem("code", "abc", valid_for=0)


@pytest.mark.fault(14)
def test_a_clock_that_jumps_an_hour_and_comes_back_gives_nothing_a_second_use(store: Store, clock: SetClock) -> None:
    used = SingleUse(store.single_use, clock)
    assert used.redeem("code", "abc", valid_for=60)
    clock.forward(3600)
    store.single_use.forget(clock())
    clock.forward(-3600)
    assert not used.redeem("code", "abc", valid_for=60)


def test_without_the_store_nothing_is_redeemed(tmp_path, clock: SetClock) -> None:
    store = open_store("postgresql://nobody@/none?host=/nonexistent", key_file=tmp_path / "k")
    with pytest.raises(StoreUnavailableError):
        SingleUse(store.single_use, clock).redeem("code", "abc", valid_for=60)
