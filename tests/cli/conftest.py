"""Runs the real command in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
