"""However many refresh one token at once, there is one successor pair in the world and everybody in the window gets it.

CVE-2026-1035 (Keycloak) and better-auth's lost sessions are what happens otherwise.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import func, select
from tests.servers.issuing import Issuing, issuing

from stopper.auth.refresh_token import token_digest
from stopper.store import Store, open_store
from stopper.store.schema import refresh_tokens

ROUNDS, LONG_ROUNDS = 20, 1000
PROCESSES, THREADS = 8, 8
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
    _race(store, store_url, tmp_path, ROUNDS)


@pytest.mark.soak
def test_many_processes_get_one_answer_a_thousand_times(store: Store, store_url: str, tmp_path: Path) -> None:
    _race(store, store_url, tmp_path, LONG_ROUNDS)


def _race(store: Store, store_url: str, tmp_path: Path, rounds: int) -> None:
    made = issuing(store)
    with _workers(store_url, tmp_path, PROCESSES, THREADS) as workers:
        for _ in range(rounds):
            token = _first_token(made)
            for worker in workers:
                _say(worker, token)
            results = [result for worker in workers for result in json.loads(_hear(worker))]
            assert len(results) == PROCESSES * THREADS
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
