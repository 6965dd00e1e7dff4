"""kill -9 before every single statement of a change: afterwards the old state is whole or the new one is, never both, never neither."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from tests.servers.issuing import AUDIENCE, ISSUER, Issuing, issuing

from stopper.auth.clock import system_clock
from stopper.auth.issuer import Issuer
from stopper.auth.keyring import Keyring
from stopper.auth.refresh_token import token_digest
from stopper.auth.single_use import SingleUse
from stopper.auth.verifier import Verifier
from stopper.core.errors import RefusalError, StoreUnavailableError
from stopper.store import Store

ROOT = Path(__file__).parents[2]
T = TypeVar("T")
Kill = Callable[[str, int, str], str]


@pytest.fixture
def kill(store: Store, store_url: str, tmp_path: Path) -> Iterator[Kill]:
    """Does an operation in another process, which is killed before its n-th statement; says where it died."""
    command = [sys.executable, "-m", "tests.servers.kill_worker", store_url, str(tmp_path / "data" / "master.key")]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert worker.stdin is not None
    assert worker.stdout is not None
    asked, told = worker.stdin, worker.stdout

    def one(operation: str, step: int, value: str) -> str:
        asked.write(f"{operation} {step} {value}\n")
        asked.flush()
        return told.readline().strip()

    yield one
    asked.close()
    worker.wait(30)
    told.close()


def _each_step(kill: Kill, operation: str, value: Callable[[], str]) -> Iterator[tuple[str, bool]]:
    """What was changed and whether that had been committed, after each kill; the last one comes after everything."""
    seen = set()
    for step in range(1, 60):
        changed = value()
        _, commits, before = kill(operation, step, changed).split()
        seen.add(before)
        yield changed, commits != "0"
        if before == "nothing":
            assert {"INSERT", "UPDATE"} & seen, seen
            assert "COMMIT" in seen
            return
    raise AssertionError("it never ends")


def _patiently(ask: Callable[[], T]) -> T:
    """PostgreSQL notices a dead client a moment later; until then a row may be locked and the answer is 503."""
    for _ in range(30):
        try:
            return ask()
        except StoreUnavailableError:
            time.sleep(0.2)
    raise AssertionError("the killed process still holds its lock")


def _node(ring: Keyring) -> Verifier:
    return Verifier([Issuer(ISSUER, ["EdDSA"], keys=ring, audience=AUDIENCE)])


def _first_token(made: Issuing) -> str:
    return json.loads(made.refresh.open(made.account, client_id="web"))["refresh_token"]


def _is_live(made: Issuing, token: str) -> bool:
    family = made.store.refresh.family_of(token_digest(token))
    return family is not None and family.ended_at is None


@pytest.mark.fault(1)
def test_a_refresh(store: Store, kill: Kill) -> None:
    """Whoever lost the answer asks again, gets one, and its successor is the only token that goes on."""
    made = issuing(store)
    for token, _ in _each_step(kill, "refresh", lambda: _first_token(made)):
        answer = _patiently(lambda token=token: made.refresh.refresh(token, client_id="web"))
        assert made.refresh.refresh(token, client_id="web") == answer
        successor = json.loads(answer)["refresh_token"]
        made.refresh.refresh(successor, client_id="web")
        with pytest.raises(RefusalError):
            made.refresh.refresh(token, client_id="web")
        assert not _is_live(made, successor)


@pytest.mark.fault(1)
def test_the_end_of_a_session(store: Store, kill: Kill) -> None:
    """Before the commit the session goes on; after it, it is over, and what it had issued is void too."""
    made = issuing(store)
    tokens: dict[str, str] = {}

    def family() -> str:
        token = _first_token(made)
        found = store.refresh.family_of(token_digest(token))
        assert found is not None
        tokens[found.id] = token
        return found.id

    for ended, committed in _each_step(kill, "end", family):
        if committed:
            with pytest.raises(RefusalError):
                made.refresh.refresh(tokens[ended], client_id="web")
        else:
            _patiently(lambda ended=ended: made.refresh.refresh(tokens[ended], client_id="web"))
        made.revocations.refresh()
        assert made.revocations.is_revoked({"sid": ended, "sub": "ann", "jti": "j", "iat": 0}) is committed


@pytest.mark.parametrize("operation", ["create", "activate"])
def test_the_making_of_a_key(store: Store, kill: Kill, operation: str) -> None:
    """There is always exactly one key without an end, it signs or will, and what was signed before is taken by every node."""
    made = issuing(store)
    keys = len(store.keys.load())
    for _, committed in _each_step(kill, operation, lambda: "-"):
        now = _patiently(store.keys.load)
        keys += committed
        assert len(now) == keys
        assert len([key for key in now if key.retires_at is None]) == 1
        ring = Keyring(store.keys, system_clock)
        other = _node(ring)
        made.keyring.reload()
        answer = json.loads(made.refresh.open(made.account, client_id="web"))
        assert other.verify(answer["access_token"]).subject == "ann"


def test_the_end_of_a_key(store: Store, kill: Kill) -> None:
    """A key that is ended at once verifies nothing after the commit, and everything before it."""
    made = issuing(store)
    token = json.loads(made.refresh.open(made.account, client_id="web"))["access_token"]
    kid = made.keyring.signing_key().kid
    for _, committed in _each_step(kill, "retire", lambda: kid):
        ring = Keyring(store.keys, system_clock)
        verifier = _node(ring)
        _patiently(store.keys.load)
        if committed:
            with pytest.raises(RefusalError):
                verifier.verify(token)
        else:
            assert verifier.verify(token).subject == "ann"


def test_the_use_of_a_single_use_value(store: Store, kill: Kill) -> None:
    """Before the commit it is unused and one may redeem it; after the commit nobody can."""
    issuing(store)
    numbers = iter(range(1000))
    used = SingleUse(store.single_use, system_clock)
    for value, committed in _each_step(kill, "redeem", lambda: f"value-{next(numbers)}"):
        assert _patiently(lambda value=value: used.redeem("code", value, valid_for=60)) is not committed
        assert not used.redeem("code", value, valid_for=60)
