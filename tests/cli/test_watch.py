"""``stopper watch`` serves an app on this machine and tells each leak once, until it is told to stop."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = """
from flask import Flask, request
app = Flask(__name__)
app.secret_key = "kept-6f1b2c9d8e7a-apart"

@app.get("/key")
def key():
    print("the app talks")
    return app.secret_key

@app.get("/health")
def health():
    return {"ok": True}

def create_app(name="x"):
    return app
"""


class Watched:
    """A running ``stopper watch``."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "stopper.cli", "watch", *arguments, "--port", "0"]
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
        )
        assert self.process.stderr is not None
        self.said: list[str] = []
        self.address = self._address()
        self._reader = threading.Thread(target=lambda: self.said.extend(self.process.stderr or ()), daemon=True)
        self._reader.start()

    def _address(self) -> str:
        for line in self.process.stderr or ():
            self.said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                return found[0]
        raise AssertionError("".join(self.said))

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.address + path, timeout=30) as answer:
            return bytes(answer.read())

    def stop(self, number: int = signal.SIGINT) -> tuple[int, list[str]]:
        """The exit code and the lines of standard output."""
        self.process.send_signal(number)
        assert self.process.stdout is not None
        lines = self.process.stdout.read().splitlines()
        code = self.process.wait(30)
        self._reader.join(30)
        return code, lines


@contextlib.contextmanager
def watched(folder: Path, *arguments: str, app: str = APP) -> Iterator[Watched]:
    (folder / "shop.py").write_text(app)
    running = Watched(folder, *arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


@pytest.mark.feature("F74")
def test_each_leak_is_one_line_once(tmp_path: Path) -> None:
    with watched(tmp_path, "shop:app") as running:
        assert running.get("/key") == running.get("/key") == b"kept-6f1b2c9d8e7a-apart"
        running.get("/health")
        code, lines = running.stop()
    assert lines == ["shop.py:7 in key(): config SECRET_KEY reached the body of an answer, during GET /key [response]"]
    assert code == 1
    assert "the app talks\n" in running.said
    assert running.said[-1] == "stopped; 1 leak\n"


def test_as_lines_of_json(tmp_path: Path) -> None:
    with watched(tmp_path, "shop:create_app('y')", "--json") as running:
        running.get("/key")
        _, lines = running.stop(signal.SIGTERM)
    assert [(leak["secret"], leak["sink"], leak["line"]) for leak in map(json.loads, lines)] == [
        ("config SECRET_KEY", "response", 7)
    ]


def test_without_a_leak_it_ends_well(tmp_path: Path) -> None:
    with watched(tmp_path, "shop:app") as running:
        assert running.get("/health")
        assert running.stop() == (0, [])
    assert running.said[-1] == "stopped; no leak was seen\n"


def test_a_key_that_is_a_word_is_told(tmp_path: Path) -> None:
    with watched(tmp_path, "shop:app") as running:
        running.get("/health")
        code, lines = running.stop()
    assert (code, lines) == (0, [])
    assert not any("too common" in line for line in running.said)
    weak = APP.replace("kept-6f1b2c9d8e7a-apart", "secret")
    with watched(tmp_path, "shop:app", app=weak) as running:
        running.get("/key")
        code, lines = running.stop()
    assert (code, lines) == (0, [])
    assert "too short or too common to be looked for: config SECRET_KEY\n" in running.said


@pytest.mark.parametrize(
    ("target", "line"),
    [("nowhere:app", "there is no module 'nowhere' here"), ("app:nothing", "app has no 'nothing'"), ("x y", "is not MODULE:APP")],
)  # fmt: skip
def test_what_cannot_be_watched_is_one_line(stopper: object, target: str, line: str) -> None:
    done = stopper("watch", target, "--port", "0")  # type: ignore[operator]
    assert done.returncode == 2
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with watched(tmp_path, "shop:app") as running:
        port = running.address.rpartition(":")[2]
        command = [sys.executable, "-m", "stopper.cli", "watch", "shop:app", "--port", port]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"port {port} is taken" in done.stderr
