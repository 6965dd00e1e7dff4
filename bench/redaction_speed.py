"""What redaction costs: a log call with the masking installed against a bare one, interleaved (goal P13: 1.5, and 3 with three secrets).

Ids and times are new in every call, so nothing is remembered that a real log would not repeat. The flood is four threads that log
without a pause; the last lines are what `mask` alone makes of a megabyte.

Run: python bench/redaction_speed.py
"""

import io
import logging
import random
import secrets
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Callable

from stopper.core import log_redaction
from stopper.core.redactor import mask
from stopper.core.secret import Secret

ROUNDS = 41
BLOCK = 400
KEPT = [Secret(secrets.token_urlsafe(32)) for _ in range(3)]
MORE = [Secret(secrets.token_urlsafe(32)) for _ in range(200)]
Arguments = tuple[object, ...]


def path() -> str:
    return f"/api/v1/users/{random.randrange(10_000)}?page={random.randrange(9)}"


LINES: dict[str, tuple[str, Callable[[], Arguments]]] = {
    "short line": ("GET /notes/%d %d in %d ms", lambda: (random.randrange(10_000), 200, random.randrange(90))),
    "access line": (
        '%s - - [%s] "%s" %s -',
        lambda: ("127.0.0.1", f"25/Nov/2026 07:58:{random.randrange(60):02}", f"GET {path()} HTTP/1.1", 200),
    ),
    "the same access line": (
        '%s - - [%s] "%s" %s -',
        lambda: ("127.0.0.1", "25/Nov/2026 07:58:25", "GET /api/v1/users/42?page=3 HTTP/1.1", 200),
    ),
    "line with a UUID": ("user %s opened the report in %s", lambda: (str(uuid.uuid4()), "eu-west")),
    "three secrets": ("keys %s %s %s", lambda: tuple(secret.reveal() for secret in KEPT)),
}


def logger_for(line: str) -> logging.Logger:
    logger = logging.getLogger(f"bench.{line}")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger.handlers = [handler]
    return logger


def block(call: Callable[[Arguments], None], given: list[Arguments]) -> float:
    started = time.thread_time()
    for args in given:
        call(args)
    return time.thread_time() - started


def flood(call: Callable[[Arguments], None], given: list[Arguments]) -> float:
    """Four threads at once; the processor time of all of them."""
    threads = [threading.Thread(target=block, args=(call, given)) for _ in range(4)]
    started = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.process_time() - started


def compare(name: str, line: str, run: Callable[[Callable[[Arguments], None], list[Arguments]], float]) -> None:
    text, make = LINES[line]
    logger = logger_for(line)
    ratios: list[float] = []
    for _ in range(ROUNDS):
        times: dict[bool, float] = {}
        for masked in random.sample([True, False], 2):
            (log_redaction.install if masked else log_redaction.uninstall)()
            times[masked] = run(lambda args: logger.info(text, *args), [make() for _ in range(BLOCK)])
        ratios.append(times[True] / times[False])
    log_redaction.uninstall()
    low, _, high = statistics.quantiles(ratios, n=4)
    sys.stdout.write(
        f"{name:22} x{statistics.median(ratios):.2f} of a bare call  (middle half {low:.2f} to {high:.2f})\n"
    )


def whole(name: str, text: str) -> None:
    started = time.thread_time()
    mask(text)
    seconds = time.thread_time() - started
    sys.stdout.write(f"{name:22} {len(text) / seconds / 1e6:.1f} MB/s\n")


def main() -> None:
    for line in LINES:
        compare(line, line, block)
    compare("flood of access lines", "access line", flood)
    whole("a megabyte of prose", "the quick brown fox jumps over the lazy dog " * 23_000)
    whole("a megabyte of base64", secrets.token_urlsafe(750_000))
    whole("a megabyte of names", "password=hunter2 " * 60_000)


if __name__ == "__main__":
    main()
