"""Runs the real command in a process of its own."""

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stopper import cli

Run = Callable[..., "subprocess.CompletedProcess[str]"]

LEAKY = '''"""A small API with a hole."""
from flask import Flask

app = Flask(__name__)


@app.get("/health")
def health():
    return {"ok": True}


@app.errorhandler(500)
def unexpected(error):
    return {"error": "internal"}, 500


if __name__ == "__main__":
    app.run(debug=True)
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with one leaky file and nothing else."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "app.py").write_text(LEAKY)
    return project


@pytest.fixture
def stopper(folder: Path) -> Run:
    """``stopper("check", "app.py")`` in the project's folder."""

    def run(*arguments: str, cwd: Path = folder, **variables: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            **os.environ,
            "PYTHONWARNINGS": "default",
            "XDG_CACHE_HOME": str(folder.parent / "cache"),
            **variables,
        }
        command = [sys.executable, "-m", "stopper.cli", *arguments]
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


@pytest.fixture
def stopper_here(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The same command in this process: for what is refused before anything is done, where starting would be all the work."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
    monkeypatch.setattr(cli, "_end", lambda code: None)

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        monkeypatch.setattr(sys, "argv", ["stopper", *arguments])
        capfd.readouterr()
        try:
            with pytest.raises(SystemExit) as ended:
                cli.main()
        finally:
            gc.enable()
        out, err = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, int(str(ended.value.code)), out, err)

    return run
