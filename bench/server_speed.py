"""Requests a second behind real servers, against the stack of extensions (goal P9).

Run: python bench/server_speed.py       (needs wrk, a valkey-server or redis-server, and what bench/stack.py names)

All applications of one server stand side by side, one worker each; short runs of wrk go round them in shuffled order.
"""

import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("STACK_KEY", f"{tempfile.mkdtemp(prefix='stopper-bench-')}/key.pem")
from stack import ORIGIN, factories, token
from tests.servers.valkey import Valkey

ROUNDS, SECONDS, CONNECTIONS = 5, 1, 16
PAIRS = (
    ("redis, cold", "stack, redis", 1.7),
    ("redis, seen", "stack, redis", 2.0),
    ("memory, seen", "stack, memory", 2.5),
)
BIN = Path(sys.executable).parent


def command(kind: str, port: int) -> list[str]:
    where = f"127.0.0.1:{port}"
    gunicorn = [str(BIN / "gunicorn"), "-b", where, "--log-level", "error", "-w", "1"]
    return {
        "gunicorn sync": [*gunicorn, "stack_wsgi:application"],
        "gunicorn gthread": [*gunicorn, "-k", "gthread", "--threads", "8", "stack_wsgi:application"],
        "granian": [str(BIN / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--blocking-threads", "8",
                    "--no-access-log", "--log-level", "error", "stack_wsgi:application"],
        "waitress": [str(BIN / "waitress-serve"), "--host=127.0.0.1", f"--port={port}", "--threads=8", "stack_wsgi:application"],
    }[kind]  # fmt: skip


@contextmanager
def serving(kind: str, name: str, redis: str) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environ = {
        **os.environ,
        "STACK_APP": name,
        "STACK_REDIS": redis,
        "STACK_DATA": tempfile.mkdtemp(prefix="stopper-bench-"),
    }
    process = subprocess.Popen(
        command(kind, port),
        env=environ,
        cwd=Path(__file__).parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def rate(port: int, headers: Mapping[str, str]) -> float:
    said = [item for name, value in headers.items() for item in ("-H", f"{name}: {value}")]
    run = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", *said, f"http://127.0.0.1:{port}/thing"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Non-2xx" not in run.stdout, run.stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", run.stdout)
    assert found is not None, run.stdout
    return float(found[1])


def main() -> None:
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed")
    server = Valkey()
    server.start()
    redis = str(server.socket)
    names = {name for pair in PAIRS for name in pair[:2]}
    headers = {"Authorization": f"Bearer {token()}", "Origin": ORIGIN}
    try:
        for kind in ("gunicorn sync", "gunicorn gthread", "granian", "waitress"):
            _side_by_side(kind, sorted(names & set(factories(redis))), redis, headers)
    finally:
        server.stop()


def _side_by_side(kind: str, names: list[str], redis: str, headers: Mapping[str, str]) -> None:
    from contextlib import ExitStack

    with ExitStack() as running:
        ports = {name: running.enter_context(serving(kind, name, redis)) for name in names}
        for port in ports.values():
            rate(port, headers)
        found: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(ROUNDS):
            for name in random.sample(names, len(names)):
                found[name].append(rate(ports[name], headers))
    for name, base, limit in PAIRS:
        ratio = statistics.median(one / other for one, other in zip(found[name], found[base], strict=True))
        sys.stdout.write(f"P9 {kind:17} {name:13} / {base:14} {ratio:.2f}  limit {limit}\n")


if __name__ == "__main__":
    main()
