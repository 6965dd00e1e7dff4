"""A scan that writes and is ended from outside takes back what it can within seconds, and says in one line what stays."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.test_scan import served

from stopper.core.exchange import Request
from stopper.scan.staying import stays
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.time_limit import GRACE, TimeLimit
from stopper.scan.wire.wsgi import WsgiTransport

PATIENCE = 120.0
"""Seconds until a scan on a busy machine has come to where it is ended."""


class Shelf:
    """People who register, and their notes, which can be deleted; ``waits`` holds what deletes up."""

    def __init__(self, waits: threading.Event | None = None) -> None:
        self.app, self.notes, self.people = Flask("shelf"), dict[int, str](), dict[str, str]()
        self.read, self.deleting = threading.Event(), threading.Event()
        made = iter(range(1, 100_000))

        def caller() -> str:
            return request.headers.get("Authorization", "").removeprefix("Bearer token-of-")

        @self.app.post("/register")
        def register() -> Any:
            said: dict[str, Any] = request.get_json(silent=True) or {}
            if not isinstance(said.get("username"), str) or not said.get("password"):
                return jsonify(error="username and password"), 400
            self.people[said["username"]] = str(said["password"])
            return jsonify(id=next(made)), 201

        @self.app.post("/login")
        def login() -> Any:
            said: dict[str, Any] = request.get_json(silent=True) or {}
            name = str(said.get("username"))
            if self.people.get(name) != said.get("password"):
                return jsonify(error="wrong"), 401
            return jsonify(access_token=f"token-of-{name}")

        @self.app.post("/notes")
        def add() -> Any:
            if caller() not in self.people:
                return jsonify(error="log in"), 401
            time.sleep(0.05)  # else the scan is over before anybody could end it
            number = next(made)
            said: dict[str, Any] = request.get_json(silent=True) or {}
            self.notes[number] = str(said.get("text"))
            return jsonify(id=number, text=self.notes[number]), 201

        @self.app.get("/notes")
        def everything() -> Any:
            return jsonify(list(self.notes)) if caller() in self.people else (jsonify(error="log in"), 401)

        @self.app.route("/notes/<int:number>", methods=["GET", "DELETE"])
        def note(number: int) -> Any:
            if caller() not in self.people or number not in self.notes:
                return jsonify(error="none"), 404
            if request.method == "DELETE":
                self.deleting.set()
                if waits is not None:
                    waits.wait(PATIENCE)
                del self.notes[number]
            else:
                self.read.set()
            return jsonify(id=number)

        links = ["/register", "/login", "/notes", "/notes/1"]
        self.app.add_url_rule("/", "home", lambda: jsonify(links=links))


def until(come: Callable[[], object]) -> None:
    """Wait until *come* is true."""
    end = time.monotonic() + PATIENCE
    while not come():
        assert time.monotonic() < end, "the scan did not come so far"
        time.sleep(0.01)


def started(url: str) -> "subprocess.Popen[str]":
    # A shell's job in the background ignores Ctrl-C; a person's does not. A busy machine needs longer than a person waits.
    code = (
        "import signal, stopper.cli as c, stopper.scan.wire.time_limit as t; "
        f"t.GRACE = {PATIENCE / 2}; signal.signal(signal.SIGINT, signal.default_int_handler); c.main()"
    )
    command = [sys.executable, "-c", code, "scan", url, "--active"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_can_be_taken_back_is_and_the_rest_is_named(number: signal.Signals, code: int) -> None:
    shelf = Shelf()
    with served(shelf.app) as url, started(url) as scan:
        until(lambda: shelf.notes)
        scan.send_signal(number)
        out, err = scan.communicate(timeout=PATIENCE)
    assert (scan.returncode, out) == (code, "")
    (line,) = err.splitlines()
    # What was on its way when the signal came has no answer that says its id, or one that came too late: then the line names it.
    assert shelf.notes == {} or "POST /notes" in line
    assert line.startswith(f"stopper: interrupted; no report was written; at {url} stay")
    assert any(name in line for name in shelf.people)


def test_a_second_ctrl_c_ends_at_once() -> None:
    """Where the target hangs in what takes back, nobody has to wait for it."""
    waits = threading.Event()
    shelf = Shelf(waits)
    with served(shelf.app) as url, started(url) as scan:
        try:
            until(shelf.read.is_set)  # what was made and has not been answered yet cannot be taken back
            scan.send_signal(signal.SIGINT)
            until(shelf.deleting.is_set)
            began = time.monotonic()
            scan.send_signal(signal.SIGINT)
            _, err = scan.communicate(timeout=PATIENCE)
        finally:
            waits.set()
    assert time.monotonic() - began < PATIENCE / 4
    assert "POST /notes" in err
    assert "Traceback" not in err


def test_what_was_answered_as_the_run_ended_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal comes when the answer is there and nobody has looked at it."""
    shelf = Shelf()
    shelf.people["a"] = ""
    courier = Courier(WsgiTransport(shelf.app), mode="active")

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(courier.made, "learn", ended)
    with pytest.raises(KeyboardInterrupt):
        courier.carry(Request("POST", "/notes", (("Authorization", "Bearer token-of-a"),), b"{}", "write"))
    assert shelf.notes
    assert "what POST /notes may have done, which had no answer yet" in stays(courier, "here")


def test_what_takes_back_has_a_few_seconds_and_nothing_else_has_any() -> None:
    for limit in (TimeLimit(None), TimeLimit(3600.0)):
        limit.end()
        assert limit.left(60.0) == 0
        assert 0 < limit.left(60.0, last=True) <= GRACE
