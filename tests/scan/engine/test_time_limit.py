"""A run with a time limit ends, whatever hangs, says what it lost, and takes back what it did."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.test_engine import rule
from tests.scan.engine.test_scan import served

from stopper.cli.group import run
from stopper.core.errors import IncompleteError
from stopper.core.exchange import Request
from stopper.core.finding import Verdict
from stopper.core.probe import Steps, Target, compute, passed, send, undo
from stopper.core.rule import Rule
from stopper.scan.options import ProbeOptions
from stopper.scan.report import Report
from stopper.scan.run import run_scan
from stopper.scan.wire import time_limit

FOR_EVER = 3600.0
"""Seconds for one request: a run that does not break off hangs its test."""


@contextmanager
def stuck(*paths: str) -> Iterator[tuple[Flask, list[str]]]:
    """An API that never answers *paths*, until the test is over; with what was deleted from it."""
    release, deleted = threading.Event(), list[str]()
    app = Flask("stuck")

    @app.before_request
    def hang() -> None:
        if request.path in paths:
            release.wait()

    for path in ("/", "/a", "/b", "/c"):
        app.add_url_rule(path, path, lambda: jsonify(links=["/a", "/b", "/c"]))

    @app.delete("/things/<name>")
    def delete(name: str) -> Any:
        deleted.append(name)
        return "", 204

    app.add_url_rule("/things", "make", lambda: (jsonify(id="t1"), 201), methods=["POST"])
    try:
        yield app, deleted
    finally:
        release.set()


def scan(app: Flask, *rules: Rule, **given: Any) -> Report:
    with served(app) as url:
        options = ProbeOptions(rules=rules, mode="active", timeout=FOR_EVER, time_limit=1.0)
        return run_scan(url, replace(options, **given))


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "GRACE", 0.5)


def asks(path: str) -> Any:
    def probe(target: Target) -> Steps[Verdict]:
        answer = yield from send(Request("GET", path))
        return passed(str(answer.response.status))

    return probe


@pytest.mark.parametrize("disturbs", [False, True])
def test_a_server_that_never_answers_cannot_hold_the_run(disturbs: bool) -> None:
    with stuck("/slow") as (app, _):
        rules = [rule(f"asks-{number}", probe=asks("/slow"), disturbs=disturbs) for number in range(4)]
        report = scan(app, *rules)
    (error,) = [one.message for one in report.errors if "--timeout" in one.message]
    assert "its time of 1 s was used up" in error
    assert "of 4 probes have no verdict" in error
    assert "route-methods were not asked" in error


@pytest.mark.parametrize("disturbs", [False, True])
def test_a_computation_without_end_cannot_hold_the_run(disturbs: bool) -> None:
    release = threading.Event()

    def computes(target: Target) -> Steps[Verdict]:
        yield from compute(release.wait)
        return passed("done")

    try:
        with stuck() as (app, _):
            report = scan(app, rule("computes", probe=computes, disturbs=disturbs))
    finally:
        release.set()
    assert [one.outcome for one in report.outcomes] == ["open"]


def test_what_a_probe_did_is_taken_back_after_the_time_is_over() -> None:
    def makes(target: Target) -> Steps[Verdict]:
        yield from undo(Request("DELETE", "/things/t1", (), b"", "write"))
        yield from send(Request("POST", "/things", (), b"", "write"))
        yield from send(Request("GET", "/slow"))
        return passed("made")

    with stuck("/slow") as (app, deleted):
        scan(app, rule("makes", probe=makes), time_limit=5.0)  # enough to come to the probe on a busy machine
    assert deleted == ["t1"]


def test_a_host_that_does_not_answer_at_all_is_one_line() -> None:
    with stuck("/") as (app, _), pytest.raises(IncompleteError, match="does not answer"):
        scan(app)


def test_a_run_within_its_time_says_nothing_of_it() -> None:
    with stuck() as (app, _):
        report = scan(app, rule("asks", probe=asks("/a")), time_limit=600.0)
    assert report.errors == ()


def test_the_command_ends_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    with stuck("/b") as (app, _), served(app) as url:
        code = run(["scan", url, "--timeout", "1", "--request-timeout", "3600", "--select", "debug-enabled"])
    assert code == 3
    assert "--timeout" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "words", [["--timeout", "nan"], ["--timeout", "inf"], ["--request-timeout", "nan"], ["--timeout", "0"]]
)
def test_a_time_is_a_number_of_seconds(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", "http://127.0.0.1:1", *words]) == 2
    assert "Traceback" not in capsys.readouterr().err
