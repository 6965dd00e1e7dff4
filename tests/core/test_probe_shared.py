"""A search that many probes need is done by one of them, and by the next when that one breaks off."""

import threading
from typing import Any

from tests.scan.engine.test_engine import notes_app, rule, target

from stopper.core.finding import Verdict
from stopper.core.probe import Steps, Target, compute, passed
from stopper.core.probing.shared import found_once
from stopper.scan.engine import run_probes


def probes(search: Any, count: int = 8) -> list[str]:
    """What *count* probes say who all need the search, side by side."""

    def probe(where: Target) -> Steps[Verdict]:
        return passed((yield from found_once(where, "thing", lambda: search())))

    where, courier = target(notes_app()[0])
    rules = [rule(f"r-{number}", probe=probe) for number in range(count)]
    return [one.verdict.message for one in run_probes(where, rules, courier, workers=count)]


def test_probes_that_come_while_it_is_looked_for_wait_for_it() -> None:
    asked: list[int] = []
    others = threading.Barrier(2)

    def search() -> Steps[str]:
        asked.append(1)
        yield from compute(lambda: others.wait(0.2) if len(asked) > 1 else None)
        return "found"

    assert probes(search) == ["found"] * 8
    assert len(asked) == 1


def test_a_search_that_breaks_off_is_left_to_the_next() -> None:
    asked: list[int] = []

    def search() -> Steps[str]:
        asked.append(1)
        yield from compute(lambda: None)
        if len(asked) == 1:
            raise ValueError("broken")
        return "found"

    said = probes(search)
    assert said.count("found") == 7
    assert len(asked) == 2
