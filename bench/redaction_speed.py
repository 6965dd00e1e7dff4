"""What redaction costs: a log call with the masking installed against a bare one, interleaved (goal P13: 1.5, and 3 with three secrets).

Run: python bench/redaction_speed.py
"""

import io
import logging
import random
import secrets
import statistics
import sys
import time
from collections.abc import Callable

from stopper.core import log_redaction
from stopper.core.secret import Secret

ROUNDS = 41
BLOCK = 400
KEPT = [Secret(secrets.token_urlsafe(32)) for _ in range(3)]
LINES: dict[str, tuple[str, tuple[object, ...]]] = {
    "short line": ("GET /notes/%d %d in %d ms", (42, 200, 3)),
    "access line": (
        '%s - - [%s] "%s" %s -',
        ("127.0.0.1", "25/Nov/2026 07:58:25", "GET /api/v1/users/42?page=3 HTTP/1.1", 200),
    ),
    "line with a UUID": ("user %s opened the report in %s", ("550e8400-e29b-41d4-a716-446655440000", "eu-west")),
    "three secrets": ("keys %s %s %s", tuple(secret.reveal() for secret in KEPT)),
}


def logger_for(line: str) -> logging.Logger:
    logger = logging.getLogger(f"bench.{line}")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger.handlers = [handler]
    return logger


def block(call: Callable[[], None]) -> float:
    started = time.thread_time()
    for _ in range(BLOCK):
        call()
    return time.thread_time() - started


def main() -> None:
    for name, (text, args) in LINES.items():
        logger = logger_for(name)
        call = lambda: logger.info(text, *args)  # noqa: B023, E731 - used inside this turn of the loop only
        ratios: list[float] = []
        for _ in range(ROUNDS):
            times: dict[bool, float] = {}
            for masked in random.sample([True, False], 2):
                (log_redaction.install if masked else log_redaction.uninstall)()
                times[masked] = block(call)
            ratios.append(times[True] / times[False])
        log_redaction.uninstall()
        low, _, high = statistics.quantiles(ratios, n=4)
        sys.stdout.write(
            f"{name:18} x{statistics.median(ratios):.2f} of a bare call  (middle half {low:.2f} to {high:.2f})\n"
        )


if __name__ == "__main__":
    main()
