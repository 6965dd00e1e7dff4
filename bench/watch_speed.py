"""What a request costs under the leak sensor against the same request without it, in process, no server.

Run: python bench/watch_speed.py
"""

import logging
import random
import statistics
import sys
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, request
from verify_speed import ROUNDS, per_call
from werkzeug.test import EnvironBuilder

from stopper import Stopper

CALLS = 60
BODY = {"notes": [{"id": number, "text": "a note of some length that says little"} for number in range(150)]}
"""About 10 kB of JSON."""


def made() -> Flask:
    """An application with a small answer, a large one, and one that logs."""
    app = Flask("bench")
    app.secret_key = "kept-6f1b2c9d8e7a-apart"
    log = logging.getLogger("bench")
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(logging.NullHandler())

    @app.get("/small")
    def small() -> dict[str, object]:
        return {"ok": True}

    @app.get("/large")
    def large() -> dict[str, object]:
        return BODY

    @app.post("/log-in")
    def log_in() -> dict[str, object]:
        log.info("somebody asks, %d bytes", len(request.get_json()["password"]))
        return {"ok": True}

    return app


def caller(app: Flask, build: Callable[[], EnvironBuilder], new: bool) -> Callable[[], object]:
    """One request; with a credential that is *new* each time, the worst case, all of its spellings have to be learned."""

    def start(status: str, headers: object, exc_info: object = None) -> Callable[[bytes], object]:
        return lambda body: None

    environ = build().get_environ()
    body = environ["wsgi.input"].getvalue()

    def call() -> object:
        token = f"{random.getrandbits(200):050x}" if new else "kept-9c1d7f2e4b6a8035"
        again = {**environ, "HTTP_AUTHORIZATION": f"Bearer {token}", "wsgi.input": type(environ["wsgi.input"])(body)}  # fmt: skip
        answer: Iterable[bytes] = app.wsgi_app(again, start)
        return b"".join(answer)

    return call


BUILDS: dict[str, tuple[Callable[[], EnvironBuilder], bool]] = {
    "small answer": (lambda: EnvironBuilder(path="/small"), False),
    "small, a new token": (lambda: EnvironBuilder(path="/small"), True),
    "10 kB of JSON": (lambda: EnvironBuilder(path="/large"), False),
    "log-in with a log line": (
        lambda: EnvironBuilder(path="/log-in", method="POST", json={"password": "Abc-123456789"}),
        False,
    ),
}


def main() -> None:
    """The ratio of each kind of request, watched to bare."""
    app = made()
    calls = {name: caller(app, build, new) for name, (build, new) in BUILDS.items()}
    ratios: dict[str, list[float]] = {name: [] for name in calls}
    costs: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        bare = measured(calls)
        sensor = Stopper.watch(app, lambda leak: None)
        watched = measured(calls)
        sensor.stop()
        for name in calls:
            ratios[name].append(watched[name] / bare[name])
            costs[name].append(watched[name] - bare[name])
    for name in calls:
        sys.stdout.write(
            f"{name:24} x{statistics.median(ratios[name]):.2f} of a bare request,"
            f" {statistics.median(costs[name]) * 1e6:.0f} microseconds more\n"
        )


def measured(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Seconds a call, in a new order each time."""
    return {name: per_call(calls[name], CALLS) for name in random.sample(list(calls), len(calls))}


if __name__ == "__main__":
    main()
