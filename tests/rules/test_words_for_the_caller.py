"""What the page of exception-text-in-response cannot say: libraries that are not installed here word exceptions for the caller."""

from pathlib import Path

import pytest

from stopper.rules.leak.exception_text_in_response import RULE
from stopper.scan.engine import run_detectors
from stopper.scan.source.read import read_source

APP = """from flask import Flask, jsonify
from {module} import {name}

app = Flask(__name__)


@app.errorhandler({name})
def invalid(error):
    return jsonify(message=str(error)), 400
"""


@pytest.mark.parametrize(
    ("module", "name", "found"),
    [
        ("notifications_utils.errors", "InvalidRecipientError", 0),
        ("phones", "InvalidPhoneNumber", 0),
        ("sqlalchemy.exc", "InvalidRequestError", 1),
        ("jwt", "InvalidTokenError", 1),
    ],
)
def test_words_about_the_input_are_for_the_caller(tmp_path: Path, module: str, name: str, found: int) -> None:
    """An invalid address or number is told; what a database or a token library says is not."""
    (tmp_path / "app.py").write_text(APP.format(module=module, name=name), encoding="utf-8")
    (result,) = run_detectors(read_source((tmp_path,), tmp_path).app, [RULE])
    assert len(list(result.hits)) == found
