"""What the page of exception-propagation-enabled cannot say: files beside the code that switch it on."""

from pathlib import Path

import pytest

from stopper.rules.leak.exception_propagation_enabled import RULE
from stopper.scan.engine import run_detectors
from stopper.scan.source.read import read_source

APP = "from flask import Flask\n\napp = Flask(__name__)\napp.config.from_prefixed_env()\n"


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        (".flaskenv", "FLASK_APP=app\nFLASK_PROPAGATE_EXCEPTIONS=true\n", 2),
        ("Dockerfile", "FROM python:3.12\nENV FLASK_TRAP_HTTP_EXCEPTIONS=1\n", 2),
        ("config.toml", "TRAP_BAD_REQUEST_ERRORS = true\n", 1),
        (".flaskenv", "FLASK_PROPAGATE_EXCEPTIONS=false\n", 0),
        (".flaskenv", "# FLASK_PROPAGATE_EXCEPTIONS=true\n", 0),
        (".env", "PROPAGATE_EXCEPTIONS=true\n", 0),
        (".env.development", "FLASK_PROPAGATE_EXCEPTIONS=true\n", 0),
    ],
)
def test_a_file_beside_the_code_switches_it_on(name: str, text: str, line: int, tmp_path: Path) -> None:
    """Flask loads variables that begin with FLASK_, and files of settings by their bare names."""
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    (tmp_path / name).write_text(text, encoding="utf-8")
    (result,) = run_detectors(read_source((tmp_path,), tmp_path).app, [RULE])
    assert [hit.span.line for hit in result.hits if hit.span] == ([line] if line else [])
