"""In which order probes run, and which of them side by side."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from stopper.core.rule import SEVERITIES, Rule
from stopper.scan.turns import OF_ONE, Turn, Turns
from stopper.scan.wire.courier import Courier

if TYPE_CHECKING:
    from stopper.scan.engine import ProbeResult

LITTLE_LEFT: Final = 0.35
"""The part of the budget after which little of it is left when the probes begin."""
AT_ONCE: Final = 3
"""Probes that run side by side then."""
FOR_CHANGES: Final = 0.4
"""The part of what is left that those who mostly read leave to those who vary what they send: what is injected weighs most."""
FOR_ERRORS: Final = 40
"""Requests that are left to those who provoke errors where the budget will not do for all."""
_HEAVY: Final = ("critical", "high")
"""What weighs much."""
_READING: Final = {"transport": 0, "inventory": 1, "authentication": 2, "function-authorization": 3, "data-exposure": 4}
"""The checks whose probes mostly read, in the order in which they are run."""
_CHEAP: Final = ("authentication", "data-exposure", "inventory", "transport")
"""Those of them that look at what was read already, so that what weighs less costs hardly anything there."""
TO_STOP: Final = 2.0
"""Seconds that probes have to come to their end in where the run is ended from outside."""
FIRST: Final = ("llm", "object-authorization", "property-authorization")
"""The checks whose probes come before all others. A model answers a handful of questions an hour, and whatever else asks at its door uses them up."""


def first_of_all(calm: Sequence[Rule]) -> list[list[Rule]]:
    """The rules that come before all others, one lot after the other: behind whose things are whose, what an ordinary person does that is an
    administrator's, which needs two people as well."""
    lots = [[rule for rule in calm if rule.check == check] for check in FIRST]
    of_roles = [rule for rule in calm if rule.check == "function-authorization" and rule.severity == "critical"]
    return [*lots[:2], of_roles, *lots[2:]]


def by_kind(
    calm: Sequence[Rule],
    provoking: Sequence[Rule],
    courier: Courier,
    workers: int,
    run: Callable[[Rule], None],
    results: "Mapping[str, ProbeResult]",
) -> None:
    """Run probes kind by kind: what each kind needs is left by those before it."""
    kept = courier.kept_back
    # Whose things are whose is asked first: nobody else changes them meanwhile, and a budget that runs out is not felt there.
    early = first_of_all(calm)
    for rules in early:
        run_beside(rules, courier, workers, run)
    calm = [rule for rule in calm if not any(rule in rules for rules in early)]
    # Where looking for routes and whose things are whose took much, what is left is shared: what weighs most has it first.
    left = courier.max_requests - courier.sent - courier.kept_back
    little = courier.sent > courier.max_requests * LITTLE_LEFT
    at_once = min(workers, AT_ONCE) if little else workers  # side by side all would begin and few come to an end
    # What is written makes the readings of all anew: those who mostly read are done before the others begin. What weighs little is asked when
    # all that weighs much has been, so that a budget that runs out costs what weighs least.
    reading = [rule for rule in calm if rule.check in _READING]
    first = [
        rule for rule in reading if rule.severity in _HEAVY or (rule.severity == "medium" and rule.check in _CHEAP)
    ]
    courier.kept_back = kept + max(0, int(left * FOR_CHANGES))
    before = courier.exhausted
    run_beside(sorted(first, key=_by_need) if little else first, courier, at_once, run)
    courier.kept_back, courier.exhausted = kept, before  # those who were cut short are run again
    changing = [rule for rule in calm if rule.check not in _READING]
    tight = courier.sent > courier.max_requests // 2
    # Few inputs take an address, so that what fetches one costs little.
    heavy = sorted((rule for rule in changing if rule.severity in _HEAVY), key=lambda rule: rule.check != "ssrf")
    run_beside(
        sorted(heavy, key=_by_need) if tight else heavy, courier, min(at_once, AT_ONCE) if tight else at_once, run
    )
    # Those who read and were cut short take what the others left. Errors are provoked for many requests, and what weighs less asks few.
    held = {slug for slug, one in results.items() if one.cut and one.verdict.outcome != "fail"}
    cut = [rule for rule in first if rule.slug in held]
    rest = [rule for rule in reading if rule not in first]
    lighter = [rule for rule in changing if rule.severity == "medium"]
    low = [rule for rule in changing if rule.severity == "low"]
    for later in (sorted(cut, key=_by_need), rest, lighter, provoking, low):
        run_beside(later, courier, at_once, run)


def by_turns(
    calm: Sequence[Rule], provoking: Sequence[Rule], courier: Courier, run: Callable[[Rule, Turn | None], None]
) -> None:
    """The same where the budget will not do for all of them: each probe asks a little in its turn, so that what goes through all routes and
    inputs is not done before what looks at one door. What weighs much, or costs hardly anything, begins."""
    kept = courier.kept_back
    early = first_of_all(calm)
    for rules in early:
        run_beside(rules, courier, AT_ONCE, lambda rule: run(rule, None))
    courier.kept_back = kept + FOR_ERRORS * bool(provoking)
    _in_turns([rule for rule in calm if not any(rule in rules for rules in early)], courier, run)
    courier.kept_back = kept
    _in_turns(provoking, courier, run)


def _in_turns(rules: Sequence[Rule], courier: Courier, run: Callable[[Rule, Turn], None]) -> None:
    turns = Turns(AT_ONCE, courier.stopping)
    places = {rule.slug: place for place, rule in enumerate(sorted(rules, key=_by_need))}

    def one(rule: Rule) -> None:
        # What is injected weighs most, and asks much at each input.
        varies = rule.severity in _HEAVY and rule.check not in _READING
        with Turn(turns, _first_turn(rule), places[rule.slug], OF_ONE * (1 + varies)) as turn:
            run(rule, turn)

    run_beside(rules, courier, len(rules), one)


def _first_turn(rule: Rule) -> int:
    if rule.severity in _HEAVY or (rule.severity == "medium" and rule.check in _CHEAP):
        return 0
    return 2 if rule.severity == "medium" else 5


def readers_first(rules: Iterable[Rule]) -> list[Rule]:
    """Probes of checks that mostly read, before those that mostly change things: what was read is shared until something is written.

    Among those that change things what weighs most is first, so that a budget that runs out costs what weighs least.
    """
    last = len(_READING)
    return sorted(
        rules,
        key=lambda rule: (
            _READING.get(rule.check, last),
            0 if rule.check in _READING else by_weight(rule),
        ),
    )


def by_weight(rule: Rule) -> int:
    return -SEVERITIES.index(rule.severity)


def _by_need(rule: Rule) -> tuple[int, bool]:
    """What weighs much first; of that what asks little, as with a few bad credentials, before what goes through all routes and inputs."""
    return (-len(SEVERITIES) if rule.check == "ssrf" else by_weight(rule)), rule.check != "authentication"


def run_beside(rules: Sequence[Rule], courier: Courier, workers: int, run: Callable[[Rule], None]) -> None:
    waiting: queue.SimpleQueue[Rule] = queue.SimpleQueue()
    for rule in rules:
        waiting.put(rule)

    def work() -> None:
        while not courier.stopping.is_set():
            try:
                rule = waiting.get_nowait()
            except queue.Empty:
                return
            run(rule)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(workers, len(rules)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(courier.time.patience())  # a guess of secrets, say, cannot be broken off
        if courier.time.used_up:
            courier.stopping.set()
    except BaseException:
        courier.end()
        until = time.monotonic() + TO_STOP
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        raise
