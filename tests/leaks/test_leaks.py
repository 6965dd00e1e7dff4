"""A canary goes every way that a secret can go. With Stopper it is found nowhere; without, the same path shows it.

The second half is the proof of the first: a path that shows nothing without the protection has tested nothing. ``docs/leaks.md`` is the
list, made from these files.
"""

import importlib
import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.leaks.place import Group, places_with

GROUPS = {
    "log_calls": "What is said in a log call",
    "log_handlers": "Where a log goes",
    "encodings": "How the secret is written",
    "shapes": "Credentials that nobody has registered",
    "values": "What a service does with the value itself",
    "ends": "How a process, a thread or a call ends",
    "libraries": "What libraries print and log of their own accord",
    "answers": "What a client reads",
    "servers": "Access logs and error logs of servers",
    "outside": "What leaves for elsewhere",
}
"""Each is a file here, with what its paths have in common."""


@cache
def group(name: str) -> Group:
    found: Group = importlib.import_module(f"tests.leaks.{name}").group
    return found


PATHS = [(name, path.title) for name in GROUPS for path in group(name).paths]


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Any:
    """Runs a group once a mode, in whichever of pytest-xdist's workers asks first; the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "leaks"
    shared.mkdir(exist_ok=True)

    @cache
    def run(name: str, mode: str) -> tuple[Path, dict[str, dict[str, str]]]:
        where = shared / f"{name}-{mode}"
        try:
            where.mkdir()
        except FileExistsError:
            until = time.monotonic() + 300
            while not (where / "told.json").exists() and time.monotonic() < until:
                time.sleep(0.1)
            return where, json.loads((where / "told.json").read_text())
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("STOPPER_", "COVERAGE_"))}
        command = [sys.executable, "-m", "tests.leaks.child", name, mode, str(where)]
        done = subprocess.run(
            command, cwd=repository, env=environ, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        return where, json.loads((where / "told.json").read_text())

    return run


@pytest.mark.feature("F17")
@pytest.mark.parametrize(("name", "title"), PATHS, ids=[f"{name}-{title}" for name, title in PATHS])
def test_the_canary_is_found_nowhere(told: Any, name: str, title: str) -> None:
    where, found = told(name, "on")
    one = found[title]
    assert one["wrong"] is None, one["wrong"]
    assert places_with(one["canary"], where / one["folder"]) == []


@pytest.mark.parametrize(("name", "title"), PATHS, ids=[f"{name}-{title}" for name, title in PATHS])
def test_without_the_protection_the_same_path_shows_it(told: Any, name: str, title: str) -> None:
    where, found = told(name, "off")
    one = found[title]
    assert one["wrong"] is None, one["wrong"]
    assert places_with(one["canary"], where / one["folder"]) != []


def page() -> str:
    """docs/leaks.md."""
    lines = [
        "# Leak paths",
        "",
        "Made from `tests/leaks/`: `python -m tests.leaks.test_leaks > docs/leaks.md`. Each path plants a canary and looks for it in the log,",
        "both streams, answers, files and whatever else the path leaves. With Stopper it is nowhere; the same path without it shows it.",
    ]
    for name, title in GROUPS.items():
        lines += ["", f"## {title}", "", *(f"- {path.title}" for path in group(name).paths)]
    return "\n".join((*lines, "", f"{len(PATHS)} paths."))


def test_there_are_a_hundred_and_the_page_lists_them(repository: Path) -> None:
    assert len(PATHS) >= 100
    assert len(set(PATHS)) == len(PATHS)
    assert (repository / "docs/leaks.md").read_text("utf-8").rstrip("\n") == page()


if __name__ == "__main__":
    sys.stdout.write(page() + "\n")
