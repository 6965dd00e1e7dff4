"""Probes share a bounded time at a door that is far slower than the rest; who needs that door is not held up."""

from typing import Any

import pytest
from flask import Flask, jsonify
from tests.scan.engine.test_engine import POST, rule, target

from stopper.core.exchange import Request, Response
from stopper.core.finding import Verdict
from stopper.core.probe import Skipped, Steps, Target, passed, send
from stopper.scan.engine import run_probe
from stopper.scan.wire.slow_doors import SlowDoors

WRITE = Request("POST", "/users?next=1", (), b"{}", "write")


def after(slow: float, usual: float, times: int, request: Request = WRITE) -> SlowDoors:
    doors = SlowDoors("standard")
    for _ in range(30):
        doors.learn(WRITE, Response(200, seconds=usual))
    for _ in range(times):
        doors.spent(request, Response(200, seconds=slow))
    return doors


def test_a_door_that_is_slow_beside_the_others_is_left_after_a_while_and_told() -> None:
    assert after(0.5, 0.01, 3).refusal(WRITE) == ""
    told = after(0.5, 0.01, 4).refusal(WRITE)
    assert "0.5 s each" in told
    assert "--depth deep" in told
    assert after(0.5, 0.01, 6).refusal(Request("PUT", "/users")) == ""


@pytest.mark.parametrize(("slow", "usual"), [(0.2, 0.01), (0.5, 0.4)])
def test_quick_answers_and_a_target_that_is_slow_everywhere_bound_nothing(slow: float, usual: float) -> None:
    assert after(slow, usual, 100).refusal(WRITE) == ""


def test_a_door_that_failed_slowly_is_tried_again_after_a_while_and_open_when_it_is_quick() -> None:
    doors = SlowDoors("standard")
    for _ in range(30):
        doors.learn(Request("GET", "/"), Response(200, seconds=0.01))
    doors.spent(WRITE, Response(500, seconds=5.0))
    assert "5.0 s each" in doors.refusal(WRITE)
    for _ in range(30):
        doors.learn(Request("GET", "/"), Response(200, seconds=0.01))
    assert doors.refusal(WRITE) == ""
    assert "5.0 s each" in doors.refusal(WRITE)  # one at a time
    doors.spent(WRITE, Response(201, seconds=0.01))
    assert doors.refusal(WRITE) == ""


def test_a_door_that_gives_no_answer_is_left_alone_until_others_have_answered() -> None:
    doors = SlowDoors("standard")
    silent, quick = Response(0, seconds=5.0, error="no answer in time"), Response(200, seconds=0.01)
    doors.learn(WRITE, silent)
    assert "1 in a row" in doors.hanging(WRITE)
    assert doors.hanging(Request("PUT", "/users")) == ""
    for _ in range(30):
        doors.learn(Request("GET", "/"), quick)
    assert doors.hanging(WRITE) == ""
    doors.learn(WRITE, silent)
    assert doors.hanging(WRITE) != ""
    doors.learn(WRITE, quick)
    assert doors.hanging(WRITE) == ""


def test_reading_is_never_bounded() -> None:
    reading = Request("GET", "/users")
    assert after(0.5, 0.01, 100, reading).refusal(reading) == ""


def test_nobody_reads_any_more_where_reading_never_ends() -> None:
    """What was asked with a query that takes long is left alone by itself."""
    doors, silent = SlowDoors("standard"), Response(0, seconds=5.0, error="no whole answer in time")
    endless, other = Request("GET", "/endless"), Request("GET", "/report?span=all")
    for request in (endless, other):
        doors.learn(request, silent)
    assert doors.hanging(endless)
    assert doors.hanging(Request("GET", "/endless?page=2"))
    assert doors.hanging(other)
    assert doors.hanging(Request("GET", "/report")) == doors.hanging(Request("GET", "/report?span=day")) == ""
    for _ in range(120):
        doors.learn(Request("GET", "/"), Response(200, seconds=0.01))
    assert doors.hanging(endless) == ""
    doors.learn(endless, silent)
    assert "480 others" in doors.hanging(endless)


@pytest.mark.parametrize(
    ("check", "measures", "turned_away"),
    [("input-validation", False, True), ("input-validation", True, False), ("object-authorization", False, False)],
)
def test_only_probes_that_vary_what_they_send_are_turned_away(check: str, measures: bool, turned_away: bool) -> None:
    app = Flask("slow")
    app.add_url_rule("/notes", "notes", lambda: jsonify(ok=True), methods=["POST"])
    given, courier = target(app)
    courier.slow = after(1.0, 0.01, 6, POST)
    asked: list[Any] = []

    def probe(_: Target) -> Steps[Verdict]:
        try:
            asked.append((yield from send(POST)))
        except Skipped as skipped:
            asked.append(str(skipped))
        return passed("done")

    run_probe(rule(probe=probe, check=check, measures=measures), given, courier)
    assert isinstance(asked[0], str) is turned_away
    assert bool(courier.skipped) is turned_away
