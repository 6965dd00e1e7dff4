"""A report says that a change can be seen only where there is one."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

APP = """import hashlib
import hmac
import os

from flask import Flask, abort, request

app = Flask(__name__)
DIGEST = os.environ["KEY_DIGEST"]


@app.before_request
def check():
    key = KEY
    if not hmac.compare_digest(hashlib.sha256(key.encode()).hexdigest(), DIGEST):
        abort(401)


@app.get("/orders")
def orders():
    return {"orders": []}
"""


@pytest.mark.parametrize(
    ("read", "said"),
    [
        ('request.args.get("api_key", "")', False),
        ('request.headers.get("X-API-Key") or request.args.get("api_key", "")', True),
    ],
)
def test_a_change_that_has_no_place_is_not_spoken_of(
    stopper: "Callable[..., CompletedProcess[str]]", folder: Path, read: str, said: bool
) -> None:
    (folder / "app.py").write_text(APP.replace("KEY\n", f"{read}\n", 1), encoding="utf-8")
    text = stopper("check", "--select", "api-key-accepted-in-url").stdout
    assert "api-key-accepted-in-url" in text
    assert ("--diff shows a change" in text) is said
    shown = stopper("check", "--select", "api-key-accepted-in-url", "--diff").stdout
    assert bool(shown) is said
