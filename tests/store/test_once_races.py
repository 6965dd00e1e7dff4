"""Eight processes with sixty-four threads each redeem one value: exactly one wins, whatever kind of value, in every store."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.servers.once_worker import PURPOSES
from tests.servers.postgres import Cluster
from tests.servers.valkey import Valkey

from stopper.store import open_store
from stopper.store.redis_server import RedisServer
from stopper.store.redis_used import RedisSingleUse

ROUNDS, LONG_ROUNDS = 20, 1000
PROCESSES, THREADS = 8, 64
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Kind and URL of an empty store."""
    if request.param == "redis":
        valkey: Valkey = request.getfixturevalue("valkey")
        RedisSingleUse(RedisServer(valkey.url)).begin()
        return "redis", valkey.url.reveal()
    url = f"sqlite:///{tmp_path}/s.db"
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.new_database()
    store = open_store(url)
    store.migrate()
    store.close()
    return request.param, url


@pytest.mark.feature("F9")
def test_one_wins_of_eight_processes_with_sixty_four_threads(where: tuple[str, str]) -> None:
    _race(where, ROUNDS)


@pytest.mark.soak
def test_one_wins_a_thousand_times(where: tuple[str, str]) -> None:
    _race(where, LONG_ROUNDS)


def _race(where: tuple[str, str], rounds: int) -> None:
    with _workers(*where) as workers:
        for number in range(rounds):
            line = f"{PURPOSES[number % len(PURPOSES)]} {secrets.token_urlsafe(16)}\n"
            for worker in workers:
                assert worker.stdin is not None
                worker.stdin.write(line)
                worker.stdin.flush()
            told = [worker.stdout.readline() for worker in workers if worker.stdout is not None]
            assert all(said.endswith(f" of {THREADS}\n") for said in told), told
            assert sum(int(said.split()[0]) for said in told) == 1, (line, told)


@contextmanager
def _workers(kind: str, url: str) -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "tests.servers.once_worker", kind, url, str(THREADS)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(PROCESSES)
    ]
    try:
        for worker in started:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        yield started
    finally:
        for worker in started:
            assert worker.stdin is not None
            worker.stdin.close()
            worker.wait(60)
            assert worker.stdout is not None
            worker.stdout.close()
