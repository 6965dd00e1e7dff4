"""What a guarded request costs against a bare one, in process, no server, memory only (goal P5 without revocation).

Run: python bench/guard_speed.py
"""

import random
import statistics
import sys
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from verify_speed import AUDIENCE, ISSUER, ROUNDS, materials, per_call, token_of
from werkzeug.test import EnvironBuilder

from stopper import Issuer, Stopper, bearer, limit, scope
from stopper.extension.limits import RateLimit

CALLS = 60


def app_of(cache_size: int | None, key: Any, *limits: RateLimit) -> Flask:
    """An application with one route, behind *limits*; None: without Stopper."""
    app = Flask("bench")
    view: Callable[[], str] = lambda: "ok"  # noqa: E731 - a view is a function
    if cache_size is not None:
        app.config["STOPPER_TOKEN_CACHE_SIZE"] = cache_size
        Stopper(app, issuers=[Issuer(ISSUER, ["RS256"], keys=key, audience=AUDIENCE)])
        view = (bearer & scope("notes:read"))(view)
        for one in limits:
            view = one(view)
    app.add_url_rule("/notes", "notes", view)
    return app


def caller(app: Flask, token: str) -> Callable[[], object]:
    environ = EnvironBuilder(path="/notes", headers={"Authorization": f"Bearer {token}"}).get_environ()

    def start(status: str, headers: object, exc_info: object = None) -> Callable[[bytes], object]:
        return lambda body: None

    def call() -> object:
        answer: Iterable[bytes] = app.wsgi_app(dict(environ), start)
        return b"".join(answer)

    return call


def main() -> None:
    sign, key, *_ = materials("RS256")
    token = token_of("RS256", sign)
    cold = app_of(0, key)
    calls = {
        "bare": caller(app_of(None, key), token),
        "token seen before": caller(app_of(4096, key), token),
        "seen, one limit": caller(app_of(4096, key, limit("90000/second")), token),
        "seen, one sliding": caller(app_of(4096, key, limit("90000/second sliding")), token),
        "seen, three limits": caller(
            app_of(4096, key, limit("90000/second, 1000000/minute"), limit("90000/second", by="address")), token
        ),
        "token verified anew": caller(cold, token),
        "forged token refused": caller(cold, token[:-4] + "AAAA"),
        "over the length cap": caller(cold, "a" * 20_000),
    }
    ratios: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(ROUNDS):
        found = {name: per_call(calls[name], CALLS) for name in random.sample(list(calls), len(calls))}
        for name, seconds in found.items():
            ratios[name].append(seconds / found["bare"])
    for name, values in ratios.items():
        sys.stdout.write(f"{name:22} x{statistics.median(values):.2f} of a bare request\n")


if __name__ == "__main__":
    main()
