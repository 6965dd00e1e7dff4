"""Connections kept at hand: one answer for one command, whatever happens between the two."""

import contextlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.servers.valkey import Valkey

from stopper.store.redis_connections import KEEP_SECONDS, MOST_KEPT, RecentConnections
from stopper.store.redis_server import RedisServer


@pytest.fixture
def server(valkey: Valkey) -> Iterator[RedisServer]:
    made = RedisServer(valkey.url)
    yield made
    made.close()


def _recent(server: RedisServer, **options: Any) -> RecentConnections:
    return RecentConnections(server._client.connection_pool, **options)


def test_one_connection_serves_one_thread(server: RedisServer, valkey: Valkey) -> None:
    recent = _recent(server)
    ids = {recent.ask("CLIENT", "ID") for _ in range(50)}
    assert len(ids) == 1
    recent.release()


def test_a_connection_that_the_server_ended_is_replaced(server: RedisServer, valkey: Valkey) -> None:
    recent = _recent(server)
    recent.ask("SET", "a", "1")
    client = valkey.client()
    client.client_kill_filter(_type="normal", skipme=True)
    client.close()
    assert recent.ask("GET", "a") == b"1"
    recent.release()


def test_a_server_that_forgot_the_script_is_told_it_again(server: RedisServer, valkey: Valkey) -> None:
    run = server.script("return tonumber(ARGV[1]) + 1")
    assert run([], [1]) == 2
    client = valkey.client()
    client.script_flush()
    client.close()
    assert [run([], [number]) for number in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("wrong", [KeyboardInterrupt, RuntimeError, OSError])
def test_a_command_that_was_cut_off_leaves_no_answer_for_the_next(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch, wrong: type[BaseException]
) -> None:
    """Else the next request would read what is said of another: a revoked token might pass."""
    recent = _recent(server)
    recent.ask("SET", "a", "mine")
    (kept, _) = recent._idle[-1]

    def cut(*_: Any, **__: Any) -> None:
        raise wrong("cut off")

    monkeypatch.setattr(kept, "read_response", cut)
    with pytest.raises(wrong):
        recent.ask("ECHO", "another's")
    monkeypatch.undo()
    assert [recent.ask("GET", "a") for _ in range(3)] == [b"mine"] * 3
    recent.release()


def test_a_refused_command_leaves_the_connection_whole(server: RedisServer) -> None:
    from redis.exceptions import ResponseError

    recent = _recent(server)
    number = recent.ask("CLIENT", "ID")
    with pytest.raises(ResponseError):
        recent.ask("NO-SUCH-COMMAND")
    assert recent.ask("CLIENT", "ID") == number
    recent.release()


def test_many_threads_each_get_their_own_answer_and_few_are_kept(server: RedisServer) -> None:
    recent = _recent(server)
    begin = threading.Barrier(40)

    def ask(number: int) -> bool:
        begin.wait()
        return all(recent.ask("ECHO", f"{number}-{turn}") == f"{number}-{turn}".encode() for turn in range(30))

    with ThreadPoolExecutor(40) as pool:
        assert all(pool.map(ask, range(40)))
    assert 0 < len(recent._idle) <= MOST_KEPT
    recent.release()
    assert not recent._idle


def test_what_lay_idle_goes_back_to_the_pool(server: RedisServer) -> None:
    now = [0.0]
    recent = _recent(server, monotonic=lambda: now[0])
    recent.ask("PING")
    (kept, _) = recent._idle[-1]
    now[0] += KEEP_SECONDS / 2
    recent.ask("PING")
    assert recent._idle[-1][0] is kept
    now[0] += KEEP_SECONDS
    assert recent._recent() is None
    assert not recent._idle
    assert recent.ask("PING") == b"PONG"
    recent.release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_child_speaks_over_a_connection_of_its_own(server: RedisServer) -> None:
    run = server.script("return redis.call('INCR', KEYS[1])")
    assert run(["n"], []) == 1
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # no test framework in the child, whatever happens
        with contextlib.suppress(BaseException):
            os.write(write, str(run(["n"], [])).encode())
        os._exit(0)
    os.close(write)
    assert os.read(read, 10) == b"2"
    os.close(read)
    os.waitpid(child, 0)
    assert run(["n"], []) == 3


@pytest.mark.parametrize(
    "text", ["", "a b", "\r\n$1\r\nx", "*3\r\n", "ü\u202e", "\x00", "x" * 100_000, b"\xff\xfe\r\n", 5, -1, 0.25]
)
def test_whatever_stands_in_a_command_stays_one_text(server: RedisServer, text: str | int | float | bytes) -> None:
    """Else whoever chooses a name that is counted could speak to the server."""
    recent = _recent(server)
    assert recent.ask("ECHO", text) == (text if isinstance(text, bytes) else str(text).encode())
    assert recent.ask("ECHO", "mine") == b"mine"
    recent.release()
