"""The auth service as a stranger starts it: a process of its own."""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

PASSWORD = "violet harbour teapot crane"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


@dataclass
class Service:
    """A running `stopper serve`."""

    process: subprocess.Popen[str]
    address: str
    folder: Path
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    def ask(self, method: str, path: str, body: object = None, token: str | None = None, **headers: str) -> Answer:
        """One request; *body* goes as JSON."""
        said = dict(headers)
        if token:
            said["Authorization"] = f"Bearer {token}"
        raw = None
        if body is not None:
            said.setdefault("Content-Type", "application/json")
            raw = json.dumps(body).encode()
        found = self.pool.request(method, self.address + path, body=raw, headers=said, timeout=30)
        return Answer(found.status, dict(found.headers), found.data)

    def output(self) -> str:
        """Everything that the process has written so far."""
        return (self.folder / "out").read_text() + (self.folder / "err").read_text()


def command(*arguments: str) -> list[str]:
    """The command line of `stopper serve`."""
    return [sys.executable, "-m", "stopper.cli", "serve", *arguments]


def environment(**more: str) -> dict[str, str]:
    """The environment without settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STOPPER_")}
    return {**kept, **more}


@contextlib.contextmanager
def serving(folder: Path, *arguments: str, **settings: str) -> Iterator[Service]:
    """Run it in *folder* on a free port until the block ends."""
    folder.mkdir(exist_ok=True)
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        process = subprocess.Popen(
            command("--port", "0", *arguments),
            cwd=folder,
            stdout=out,
            stderr=err,
            text=True,
            env=environment(**settings),
        )
    try:
        yield Service(process, _address(process, folder), folder)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[str], folder: Path) -> str:
    while process.poll() is None:
        found = re.search(r"Stopper is at (http://\S+)", (folder / "out").read_text())
        if found:
            return _until_it_answers(process, found[1])
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise AssertionError((folder / "err").read_text())


def _until_it_answers(process: subprocess.Popen[str], address: str) -> str:
    # The socket listens before the workers are there: the first request waits for them.
    pool = urllib3.PoolManager(retries=False)
    assert pool.request("GET", address + "/health", timeout=60).status == 200
    return address
