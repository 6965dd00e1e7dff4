"""However many refresh one token at once, there is one successor pair in the world and everybody in the window gets it.

CVE-2026-1035 (Keycloak) and better-auth's lost sessions are what happens otherwise.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import func, select
from tests.servers.issuing import Issuing, issuing

from stopper.auth.refresh_token import token_digest
from stopper.core.errors import StoreUnavailableError
from stopper.store import Store, open_store
from stopper.store.schema import refresh_tokens

ROUNDS = 20
ROOT = Path(__file__).parents[2]


def _tokens_in(store: Store, family: str) -> int:
    count = select(func.count()).select_from(refresh_tokens).where(refresh_tokens.c.family_id == family)
    return store.database.read(lambda connection: connection.execute(count).scalar_one())


def _first_token(made: Issuing) -> str:
    return json.loads(made.refresh.open(made.account, client_id="web"))["refresh_token"]


def _family(store: Store, token: str) -> str:
    found = store.refresh.family_of(token_digest(token))
    assert found is not None
    return found.id


def test_sixty_four_threads_get_one_answer(store: Store) -> None:
    made = issuing(store)
    for _ in range(ROUNDS // 5):
        token = _first_token(made)
        barrier = Barrier(64)

        def one(token: str = token, barrier: Barrier = barrier) -> bytes:
            barrier.wait()
            return made.refresh.refresh(token, client_id="web")

        with ThreadPoolExecutor(64) as pool:
            answers = list(pool.map(lambda _: one(), range(64)))
        assert len(set(answers)) == 1
        assert _tokens_in(store, _family(store, token)) == 2


@pytest.mark.feature("F8")
def test_many_processes_get_one_answer(store: Store, store_url: str, tmp_path: Path) -> None:
    made = issuing(store)
    with _workers(store_url, tmp_path, processes=8, threads=8) as workers:
        for _ in range(ROUNDS):
            token = _first_token(made)
            for worker in workers:
                _say(worker, token)
            results = [result for worker in workers for result in json.loads(_hear(worker))]
            assert len(results) == 64
            assert len(set(results)) == 1, set(results)
            assert not results[0].startswith("refused")
            assert _tokens_in(store, _family(store, token)) == 2


@contextmanager
def _workers(url: str, tmp_path: Path, processes: int, threads: int) -> Iterator[list[subprocess.Popen[str]]]:
    command = [
        sys.executable,
        "-m",
        "tests.servers.race_worker",
        url,
        str(tmp_path / "data" / "master.key"),
        str(threads),
    ]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(processes)
    ]
    try:
        for worker in started:
            assert _hear(worker) == "ready\n"
        yield started
    finally:
        for worker in started:
            assert worker.stdin is not None
            worker.stdin.close()
            worker.wait(30)
            assert worker.stdout is not None
            worker.stdout.close()


def _say(worker: subprocess.Popen[str], line: str) -> None:
    assert worker.stdin is not None
    worker.stdin.write(line + "\n")
    worker.stdin.flush()


def _hear(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline()


_STOPS_BEFORE_COMMIT = """
import sys, time
from pathlib import Path
from stopper.store import open_store
from stopper.store import rotation
from tests.servers.issuing import issuing
store = open_store(sys.argv[1], key_file=Path(sys.argv[2]))
made = issuing(store)
succeed = rotation._succeed
def stops(*arguments):
    result = succeed(*arguments)
    print("updated", flush=True)
    time.sleep(60)
    return result
rotation._succeed = stops
made.refresh.refresh(sys.argv[3], client_id="web")
"""


@pytest.mark.fault(1)
def test_killed_between_update_and_commit_the_old_token_still_works(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    """Either old or new is valid after kill -9: never both, never neither."""
    made = issuing(store)
    token = _first_token(made)
    family = _family(store, token)
    key_file = str(tmp_path / "data" / "master.key")
    process = subprocess.Popen(
        [sys.executable, "-c", _STOPS_BEFORE_COMMIT, store_url, key_file, token],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "updated\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    answer = _patiently(made, token)
    assert _tokens_in(store, family) == 2
    assert made.refresh.refresh(token, client_id="web") == answer


def _patiently(made: Issuing, token: str) -> bytes:
    """PostgreSQL notices a dead client a moment later; until then the row is locked and the answer is 503."""
    for _ in range(20):
        try:
            return made.refresh.refresh(token, client_id="web")
        except StoreUnavailableError:
            time.sleep(0.2)
    raise AssertionError("the killed process still holds its lock")


@pytest.mark.feature("F8")
def test_killed_after_commit_the_lost_answer_is_given_again(store_url: str, tmp_path: Path) -> None:
    """The answer that never arrived is the one that a second request gets, from another process."""
    key_file = tmp_path / "data" / "master.key"
    first = open_store(store_url, key_file=key_file)
    first.migrate()
    made = issuing(first)
    token = _first_token(made)
    lost = made.refresh.refresh(token, client_id="web")
    first.close()
    second = open_store(store_url, key_file=key_file)
    assert issuing(second).refresh.refresh(token, client_id="web") == lost
    second.close()


def test_many_who_log_in_at_once_all_get_in(store: Store) -> None:
    """Reading and then writing under a plain BEGIN fails on SQLite at once, whatever the busy timeout is."""
    made = issuing(store)
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: made.refresh.open(made.account, client_id="web"), range(120)))
    assert len(set(answers)) == 120
    assert len(made.refresh.families("ann")) == 120
