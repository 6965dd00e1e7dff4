"""What a system of so many people asks of each part: sessions are lived through in steps of a minute, and what they ask for is counted.

Nothing here is measured in seconds of this machine. The simulation counts events: refreshes, log-ins, log-outs, revocations alive, and
what each costs the shared parts (statements, rows, round trips). docs/scale.md reads its numbers.

Run: python bench/scale_sim.py [PEOPLE] [REQUESTS_PER_SECOND]
"""

import random
import sys
from collections import Counter
from dataclasses import dataclass

SAMPLE = 20_000
"""People that are lived through; the rest is so many times as much. Two samples of different size are compared to see that it is."""
HOURS = 6
ACCESS_MINUTES = 15
KEPT_MINUTES = (900 + 30 + 3600) // 60
NODE_RATE = 4_000
"""Requests a second that one node of 8 cores is given: a tenth of what its verification alone would bear."""
ENTRY_BYTES = 81
REFRESH_STATEMENTS = 9
LOGIN_STATEMENTS = 4
LOGOUT_STATEMENTS = 5
TOKEN_ROW_BYTES = 250
POLLS_PER_SECOND = 2
DAY = 0.35
"""An average hour against a busy one."""


@dataclass(frozen=True)
class Habits:
    """What people do. Each figure is a guess of a busy consumer service; change them and run again."""

    there: float = 0.10
    """Part of the people who are using it at a busy hour."""
    stay_minutes: float = 25.0
    devices: float = 1.3
    logs_out: float = 0.05
    """Part of the visits that end with a log-out; the others close the lid."""
    logs_in: float = 0.10
    """Part of the visits that begin with a password; the others have a session from before."""


def live(people: int, habits: Habits, seed: int = 7) -> Counter[str]:
    """Events in HOURS of busy time, minute by minute."""
    chance = random.Random(seed)
    seen: Counter[str] = Counter()
    begin = habits.there / habits.stay_minutes
    until = [0] * people
    refresh_at = [0] * people
    ended: Counter[int] = Counter()
    for minute in range(HOURS * 60):
        for person in range(people):
            if until[person] <= minute:
                if chance.random() < begin:
                    until[person] = minute + max(1, round(chance.expovariate(1 / habits.stay_minutes)))
                    logs_in = chance.random() < habits.logs_in
                    seen["log-ins" if logs_in else "refreshes"] += 1
                    refresh_at[person] = minute + ACCESS_MINUTES
                continue
            seen["minutes of use"] += 1
            if refresh_at[person] <= minute:
                seen["refreshes"] += 1
                refresh_at[person] = minute + ACCESS_MINUTES
            if until[person] == minute + 1 and chance.random() < habits.logs_out:
                seen["log-outs"] += 1
                ended[minute + KEPT_MINUTES] += 1
        seen["revocations alive at the end"] = sum(count for end, count in ended.items() if end > minute)
    return seen


def report(people: int, rate: int, habits: Habits) -> list[str]:
    sample, twice = live(SAMPLE, habits), live(2 * SAMPLE, habits, seed=8)
    worst = max(abs(twice[name] / 2 / sample[name] - 1) for name in ("refreshes", "log-ins", "log-outs"))
    factor = habits.devices * people / SAMPLE
    seconds = HOURS * 3600

    def per_second(name: str) -> float:
        return sample[name] * factor / seconds

    alive = sample["revocations alive at the end"] * factor
    nodes = -(-rate // NODE_RATE)
    statements = (
        per_second("refreshes") * REFRESH_STATEMENTS
        + per_second("log-ins") * LOGIN_STATEMENTS
        + per_second("log-outs") * LOGOUT_STATEMENTS
    )
    rows = (per_second("refreshes") + per_second("log-ins")) * 86_400 * DAY
    lines = [
        ("people", f"{people:,}"),
        ("requests a second", f"{rate:,}"),
        ("nodes", f"{nodes:,}"),
        ("refreshes a second", f"{per_second('refreshes'):,.0f}"),
        ("log-ins a second", f"{per_second('log-ins'):,.0f}"),
        ("log-outs a second", f"{per_second('log-outs'):,.0f}"),
        ("SQL statements a second, writers", f"{statements:,.0f}"),
        ("SQL reads a second by nodes that follow the journal", f"{nodes * POLLS_PER_SECOND:,}"),
        ("journal rows a second to every node", f"{per_second('log-outs'):,.0f}"),
        ("journal rows sent a second, all nodes", f"{per_second('log-outs') * nodes:,.0f}"),
        ("revocations alive", f"{alive:,.0f}"),
        ("memory of them, one process", f"{alive * ENTRY_BYTES / 1e6:,.0f} MB"),
        ("Redis commands a second, if every request asks", f"{rate:,}"),
        ("token rows a day", f"{rows:,.0f} ({rows * TOKEN_ROW_BYTES / 1e9:,.0f} GB)"),
        ("two samples differ by", f"{worst:.1%}"),
    ]
    return [f"{name:54} {value}" for name, value in lines]


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000_000
    rate = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    sys.stdout.write("\n".join(report(people, rate, Habits())) + "\n")


if __name__ == "__main__":
    main()
