"""Where reading is open at many paths whose changes need a key, nobody forgot it: that weighs ``low``. One that is forgotten does not."""

from pathlib import Path

import pytest

from stopper.rules.api_key import api_key_coverage_incomplete
from stopper.scan.source.read import read_source

HEAD = """
import hmac, os
from functools import wraps
from flask import Flask, abort, jsonify, request
from huts import store

app = Flask(__name__)


def api_key_required(view):
    @wraps(view)
    def asking(*args, **options):
        if not hmac.compare_digest(request.headers.get("X-API-Key", ""), os.environ["API_KEY"]):
            abort(401)
        return view(*args, **options)

    return asking
"""
BOTH = """

@app.get("/{word}")
{guard}def {word}():
    return jsonify(store.{word}())


@app.post("/{word}")
@api_key_required
def add_{word}():
    store.add("{word}", request.get_json())
    return jsonify(ok=True)
"""
GUARD = "@api_key_required\n"
WORDS = ("huts", "paths", "peaks", "lakes")


@pytest.mark.parametrize(
    ("closed", "weights"), [((), ["low"] * 4), (("paths", "peaks", "lakes"), [None]), (("peaks", "lakes"), [None] * 2)]
)
def test_what_a_read_without_a_key_weighs(closed: tuple[str, ...], weights: list[str | None], tmp_path: Path) -> None:
    parts = [BOTH.format(word=word, guard=GUARD if word in closed else "") for word in WORDS]
    (tmp_path / "app.py").write_text(HEAD + "".join(parts))
    told = list(api_key_coverage_incomplete.detect(read_source((tmp_path,), tmp_path).app))
    assert [hit.severity for hit in told] == weights
