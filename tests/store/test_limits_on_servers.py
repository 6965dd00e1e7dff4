"""Limits behind a real server with several processes: with a Valkey no more pass than the limit; without one they are refused."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.extension.test_raw_sockets import _free_port, _wait, send, status
from tests.servers.valkey import Valkey

HERE = Path(__file__).parent


@contextmanager
def served(folder: Path, **environ: str) -> Iterator[tuple[int, Path]]:
    """Three processes of two threads; their port and their log."""
    port, log = _free_port(), folder / "log.txt"
    command = [
        sys.executable, "-m", "gunicorn", "--workers", "3", "--worker-class", "gthread", "--threads", "2", "--bind", f"127.0.0.1:{port}",
        "--no-control-socket", "served_limits:app",
    ]  # fmt: skip
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=HERE, env={**os.environ, **environ}, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait(server, port, log)
            yield port, log
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(20)


def ask(port: int, path: str, times: int) -> Counter[int]:
    asked = f"GET {path} HTTP/1.1\r\nHost: a.example.com\r\nConnection: close\r\n\r\n".encode()
    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(lambda _: status(send(port, asked)), range(times)))


@pytest.mark.parametrize("path", ["/few", "/slide"])
def test_many_processes_let_no_more_through_than_the_limit(tmp_path: Path, valkey: Valkey, path: str) -> None:
    with served(tmp_path, STOPPER_REDIS_URL=valkey.url.reveal()) as (port, _):
        assert ask(port, path, 150) == {200: 50, 429: 100}


def test_many_processes_without_a_shared_counter_are_refused(tmp_path: Path) -> None:
    with served(tmp_path) as (port, log):
        assert ask(port, "/few", 10) == {503: 10}
        assert "STOPPER_REDIS_URL" in log.read_text("utf-8")


def test_where_it_is_meant_each_counts_for_itself(tmp_path: Path) -> None:
    with served(tmp_path, STOPPER_ALLOW_LIMITS_PER_PROCESS="true") as (port, _):
        passed = ask(port, "/few", 300)[200]
    assert 50 <= passed <= 150
