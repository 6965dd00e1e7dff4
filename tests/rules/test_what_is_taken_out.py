"""What is taken out of a mapping, or seems to be, before the mapping is logged; and bindings that a loop or a branch may leave as they were."""

from pathlib import Path

import pytest

from stopper.scan.catalogue import load
from stopper.scan.detecting import run_detectors
from stopper.scan.source.read import read_source

_RULES = {rule.slug: rule for rule in load()}
_HEAD = """import logging
import os
from flask import Flask, request
app = Flask(__name__)
log = logging.getLogger(__name__)
@app.post("/")
def view():
    row = {"id": 1, "password": request.json["password"]}
"""


def told(folder: Path, slug: str, text: str) -> int:
    """How often the rule tells of that program."""
    (folder / "app.py").write_text(text, encoding="utf-8")
    (result,) = run_detectors(read_source((folder,), folder).app, [_RULES[slug]])
    assert not result.error
    return len(result.hits)


@pytest.mark.parametrize(
    "body",
    [
        'if "debug" in row:\n        row = {"id": 1}',
        'if "debug" in row:\n        row.pop("password")',
        'request.args.get("all") or row.pop("password")',
        'request.args.get("all") and row.pop("password")',
        'None if request.args.get("all") else row.pop("password")',
        'for name in ("id",):\n        if name in request.args:\n            break\n        row.pop("password")',
    ],
)
def test_what_may_not_run_takes_nothing_out(body: str, tmp_path: Path) -> None:
    assert told(tmp_path, "credential-logged", f"{_HEAD}    {body}\n    log.info('%s', row)\n    return ''\n") == 1


@pytest.mark.parametrize(
    "shown",
    [
        '{k: v.lower() if k == "Host" else v for k, v in request.headers.items()}',
        '{k: v for k, v in request.headers.items() if request.method == "POST"}',
        '{"Authorization": None, "Cookie": None, **request.headers}',
    ],
)
def test_what_looks_like_a_mask_and_is_none(shown: str, tmp_path: Path) -> None:
    assert told(tmp_path, "whole-request-logged", f"{_HEAD}    log.info('%s', {shown})\n    return ''\n") == 1


@pytest.mark.parametrize("leaves", ["continue", "break"])
def test_a_loop_over_literals_that_is_cut_short_leaves_what_was_bound_before(leaves: str, tmp_path: Path) -> None:
    text = (
        "import os\nfrom flask import Flask, session\n\n\ndef make():\n    app = Flask(__name__)\n    secret = 'hardcoded-value-123'\n"
        f"    for name in ('A_SECRET', 'B_SECRET'):\n        if name not in os.environ:\n            {leaves}\n"
        "        secret = os.environ[name]\n    app.secret_key = secret\n    return app\n"
    )
    slugs = ("secret-key-unsafe-default", "secret-key-hardcoded")
    assert sum(told(tmp_path, slug, text) for slug in slugs) == 1


def test_a_long_gap_in_a_statement_and_comprehensions_in_comprehensions_end(tmp_path: Path) -> None:
    nested = "[x for x in " * 20 + "[1]" + "]" * 20
    text = (
        "import sqlite3\nfrom flask import Flask, jsonify\napp = Flask(__name__)\n@app.get('/')\ndef view():\n"
        f"    rows = sqlite3.connect('x').execute('select {' ' * 6000} id, u. from users').fetchall()\n    return jsonify(rows, {nested})\n"
    )
    assert told(tmp_path, "api-key-in-response", text) == 0
