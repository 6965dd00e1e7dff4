"""Clients who send slowly do not keep the service from everybody else."""

import socket
import threading
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from gunicorn.workers.gthread import ThreadWorker
from tests.servers.service import serving

from stopper.service import worker
from stopper.service.worker import LONGEST_REQUEST, PunctualWorker


class Connection:
    """As much of gunicorn's as the worker looks at."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock


def test_a_turn_that_lasts_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(worker, "monotonic", lambda: clock.now)
    monkeypatch.setattr(ThreadWorker, "notify", lambda self: None)
    monkeypatch.setattr(ThreadWorker, "handle", lambda self, conn: conn.sock.recv(1))
    punctual = object.__new__(PunctualWorker)
    punctual._began = {}
    ours, theirs = socket.socketpair()
    with ours, theirs:
        found: list[bytes] = []
        connection = Connection(ours)
        turn = threading.Thread(target=lambda: found.append(punctual.handle(connection)), daemon=True)
        turn.start()
        while connection not in punctual._began:
            turn.join(0.01)
            assert turn.is_alive()
        clock.now += LONGEST_REQUEST - 0.1
        punctual.notify()
        turn.join(0.2)
        assert turn.is_alive()
        clock.now += 0.2
        punctual.notify()
        turn.join(10)
        assert found == [b""]
        assert punctual._began == {}


@pytest.mark.soak
@pytest.mark.parametrize("begun", [b"", b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"])
def test_twenty_half_requests_and_an_honest_one(tmp_path: Path, begun: bytes) -> None:
    with serving(tmp_path / "run") as service:
        host = urlsplit(service.address)
        slow = [socket.create_connection((host.hostname or "", host.port or 0)) for _ in range(20)]
        for one in slow:
            one.sendall(b"POST /auth/login HTTP/1.1\r\nHost: x\r\n" + begun)
        assert service.pool.request("GET", f"{service.address}/health", timeout=60).status == 200
        for one in slow:
            one.close()
