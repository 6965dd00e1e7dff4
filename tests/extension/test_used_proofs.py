"""Used proofs do not pile up in an application that has no service beside it."""

from pathlib import Path

from flask import Flask
from sqlalchemy import func, select
from tests.auth.token_smith import NOW
from tests.extension.made import issuer

from stopper import Stopper, StoreUnavailableError
from stopper.auth.clock import SetClock
from stopper.auth.revocation import CLOCK_SLACK
from stopper.auth.single_use import SingleUse
from stopper.extension.used_proofs import SWEEP_SECONDS, SweptProofs
from stopper.extension.wiring import Given, remembers_proofs
from stopper.store import open_store
from stopper.store.schema import single_use


def test_old_ones_are_deleted_every_ten_minutes_and_young_ones_stay_used(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    store.migrate()
    clock, monotonic = SetClock(NOW), SetClock(0.0)
    proofs = SweptProofs(SingleUse(store.single_use, clock), store.single_use.forget, clock, monotonic)

    def kept() -> int:
        found = store.database.read(lambda connection: connection.execute(select(func.count()).select_from(single_use)))
        return int(found.scalar_one())

    for number in range(5):
        assert proofs.redeem("dpop", f"old{number}", valid_for=60)
    clock.forward(60 + CLOCK_SLACK)
    monotonic.forward(SWEEP_SECONDS - 1)
    assert proofs.redeem("dpop", "young", valid_for=60)
    assert kept() == 6
    monotonic.forward(1)
    assert not proofs.redeem("dpop", "young", valid_for=60)
    assert kept() == 1
    assert not proofs.redeem("dpop", "young", valid_for=60)
    store.close()


def test_a_sweep_that_fails_changes_no_decision() -> None:
    class Memory:
        def redeem(self, purpose: str, value: str, *, valid_for: float, tenant: str = "") -> bool:
            return True

    def away(now: float) -> int:
        raise StoreUnavailableError

    monotonic = SetClock(0.0)
    proofs = SweptProofs(Memory(), away, SetClock(NOW), monotonic)
    monotonic.forward(SWEEP_SECONDS)
    assert proofs.redeem("dpop", "a", valid_for=60)
    assert proofs.redeem("dpop", "b", valid_for=60)


def test_the_guard_sweeps_its_own_store(tmp_path: Path) -> None:
    app = Flask("swept")
    app.config["STOPPER_DATABASE_URL"] = f"sqlite:///{tmp_path}/s.db"
    Stopper(app, issuers=[issuer()])
    parts = app.extensions["stopper"].parts
    assert isinstance(remembers_proofs(parts, Given(), SetClock(NOW)), SweptProofs)
