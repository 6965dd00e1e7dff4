"""What a look-up of a revocation costs with ten million live entries against a thousand, and what an entry takes (goal P12: x1.3, 200 bytes).

Both views are asked in turn, for tokens that are void and tokens that are not. The journal is a list in this process: what is measured
is the view of it that every process has. It needs about 2 GB for a minute; say a smaller number to need less.

Run: python bench/revocation_speed.py [ENTRIES]
"""

import random
import statistics
import sys
import time
from pathlib import Path

from stopper.auth.clock import SetClock
from stopper.auth.revocation import Kind, Revocation, Revocations

ROUNDS = 41
BLOCK = 2_000
LIFE = 4_530.0


class Journal:
    """Entries that end evenly over the life of a revocation."""

    def __init__(self, entries: int, now: float) -> None:
        self.entries = entries
        self.now = now

    def append(self, kind: Kind, value: str, before: int, until: float) -> None:
        raise NotImplementedError("the bench only reads")

    def after(self, seq: int) -> "list[Revocation] | object":
        """Made one by one: a list of them would be what is measured."""
        step = LIFE / self.entries
        return (
            Revocation(number + 1, "token", _jti(number), 0, self.now + step * (number + 1))
            for number in range(seq, self.entries)
        )

    def forget(self, now: float) -> int:
        return 0


def _jti(number: int) -> str:
    return f"{number:022d}"


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def view(entries: int, clock: SetClock) -> tuple[Revocations, float]:
    """A view of so many entries, and the bytes that each of them takes."""
    before = _resident()
    made = Revocations(Journal(entries, clock()), clock, token_lifetime=900, monotonic=lambda: 0.0)  # type: ignore[arg-type]
    made.refresh()
    return made, (_resident() - before) / entries


def block(asked: Revocations, claims: list[dict[str, object]]) -> float:
    started = time.thread_time()
    for one in claims:
        asked.is_revoked(one)
    return time.thread_time() - started


def main() -> None:
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    clock = SetClock()
    small, _ = view(1_000, clock)
    large, size = view(entries, clock)
    sys.stdout.write(f"{entries:,} entries: {size:.0f} bytes each\n")
    for name, void in (("tokens that are void", True), ("tokens that are not", False)):
        ratios: list[float] = []
        for _ in range(ROUNDS):
            times: dict[bool, float] = {}
            for big in random.sample([True, False], 2):
                count = entries if big else 1_000
                numbers = [random.randrange(count) + (0 if void else count) for _ in range(BLOCK)]
                claims: list[dict[str, object]] = [
                    {"jti": _jti(number), "sid": "s", "sub": "ann", "iat": int(clock())} for number in numbers
                ]
                times[big] = block(large if big else small, claims)
            ratios.append(times[True] / times[False])
        low, _, high = statistics.quantiles(ratios, n=4)
        sys.stdout.write(
            f"{name}: x{statistics.median(ratios):.2f} of a look-up among 1,000  (middle half {low:.2f} to {high:.2f})\n"
        )
    longest = 0.0
    while clock.forward(60.0) or len(large._tokens):
        started = time.thread_time()
        large._drop_old()
        longest = max(longest, time.thread_time() - started)
    sys.stdout.write(f"longest pause when a minute's entries leave: {longest * 1000:.0f} ms\n")


if __name__ == "__main__":
    main()
