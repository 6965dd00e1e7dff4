"""The full job against the stack of extensions, in process (goals P1 to P5 and P8).

Run: python bench/stack_speed.py       (needs what bench/stack.py names, and a valkey-server or redis-server)
"""

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from stack import factories, ours, token
from tests.servers.valkey import Valkey
from werkzeug.test import EnvironBuilder

ROUNDS, BLOCK_SECONDS = 41, 0.02


def caller(made: tuple[Any, Mapping[str, str]]) -> Callable[[], str]:
    app, headers = made
    environ = EnvironBuilder(path="/thing", headers=dict(headers)).get_environ()
    said: list[str] = []

    def start(status: str, headers: object, exc_info: object = None) -> Callable[[bytes], object]:
        said.append(status)
        return lambda body: None

    def call() -> str:
        said.clear()
        answer: Iterable[bytes] = app.wsgi_app(dict(environ), start)
        b"".join(answer)
        return said[0]

    return call


def per_call(call: Callable[[], object], clock: Callable[[], float]) -> float:
    began, done = clock(), 0
    while clock() - began < BLOCK_SECONDS:
        call()
        done += 1
    return (clock() - began) / done


def measure(calls: Mapping[str, Callable[[], object]], clock: Callable[[], float]) -> dict[str, list[float]]:
    """Seconds of each in every round; all of a round stand beside each other."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name in random.sample(list(calls), len(calls)):
            found[name].append(per_call(calls[name], clock))
    return found


def ratio(found: Mapping[str, list[float]], name: str, base: str, less: str | None = None) -> float:
    """The median of the rounds' ratios; *less*: what both sides have in common and is taken off."""
    off = found[less] if less else [0.0] * ROUNDS
    return statistics.median(
        (one - common) / (other - common) for one, other, common in zip(found[name], found[base], off, strict=True)
    )


def refusals() -> Mapping[str, str]:
    good = token()
    head, claims, _ = good.split(".")
    other = token().rsplit(".", 1)[1]
    return {
        "signature of another token": f"{head}.{claims}.{other}",
        "payload changed": f"{head}.{claims[:-4]}AAAA.{good.rsplit('.', 1)[1]}",
        "8 kB of letters": "a" * 8000,
        "8 kB payload": token(pad="x" * 5500)[:-8] + "AAAAAAAA",
        "over the length cap": "a" * 20_000,
        "no algorithm": base_none(good),
    }


def base_none(good: str) -> str:
    from stopper.auth import base64url

    return base64url.encode(b'{"alg":"none","typ":"at+jwt"}') + "." + good.split(".")[1] + "."


def main() -> None:
    server = Valkey()
    server.start()
    try:
        _run(str(server.socket))
    finally:
        server.stop()


def _run(socket: str) -> None:
    calls = {name: caller(make()) for name, make in factories(socket).items()}
    for name, call in calls.items():
        assert call() == "200 OK", (name, call())
    found = measure(calls, time.thread_time)
    waits = measure(calls, time.perf_counter)
    say = sys.stdout.write
    say(
        f"P1 redis, cold: added cost / stack's       {ratio(found, 'redis, cold', 'stack, redis', 'bare'):.3f}  limit 0.22\n"
    )
    say(
        f"P2 redis, seen                             {ratio(found, 'redis, seen', 'stack, redis', 'bare'):.3f}  limit 0.14\n"
    )
    say(
        f"P3 memory, cold                            {ratio(found, 'memory, cold', 'stack, memory', 'bare'):.3f}  limit 0.10\n"
    )
    say(
        f"P4 memory, seen                            {ratio(found, 'memory, seen', 'stack, memory', 'bare'):.3f}  limit 0.04\n"
    )
    for name, limit in (("memory, seen", 1.3), ("memory, cold", 1.9), ("API key, memory", 1.35)):
        say(f"P5 {name:18} x bare request         {ratio(found, name, 'bare'):.2f}   limit {limit}\n")
    for name, limit in (("redis, seen", 2.5), ("redis, cold", 3.5)):
        say(
            f"P5 {name:18} x bare request, wall   {ratio(waits, name, 'bare'):.2f}   limit {limit}  (CPU {ratio(found, name, 'bare'):.2f})\n"
        )
    say(
        f"   stack, memory x bare {ratio(found, 'stack, memory', 'bare'):.1f}; stack, redis x bare, wall {ratio(waits, 'stack, redis', 'bare'):.1f}\n"
    )
    say(
        f"   P1, P2 by the wall clock: {ratio(waits, 'redis, cold', 'stack, redis', 'bare'):.3f}, {ratio(waits, 'redis, seen', 'stack, redis', 'bare'):.3f}\n"
    )
    _refused(say)


def _refused(say: Callable[[str], object]) -> None:
    app, headers = ours(None, seen=False)
    calls = {"bare": caller(factories(None)["bare"]()), "a good one": caller((app, headers))}
    for name, bad in refusals().items():
        calls[name] = caller((app, {**headers, "Authorization": f"Bearer {bad}"}))
        assert calls[name]() == "401 UNAUTHORIZED" or calls[name]().startswith("400"), name
    found = measure(calls, time.thread_time)
    for name in calls:
        say(f"P8 {name:28} x bare request {ratio(found, name, 'bare'):.2f}\n")


if __name__ == "__main__":
    main()
