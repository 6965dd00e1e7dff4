"""Settings that hold one another are looked through once, not once by each way that leads to them."""

import time
from pathlib import Path

import pytest

from stopper.scan.catalogue import load
from stopper.scan.source.read import read_source

HEAD = "from flask import Flask, jsonify\napp = Flask(__name__)\n"
TAIL = "app.config.update(A={last})\n@app.get('/x')\ndef x():\n    return jsonify({last})\n"


@pytest.mark.parametrize(
    ("first", "more"),
    [("{'a': 1}", "{{**A{0}, 'k{1}': A{0}}}"), ("[1]", "[A{0}, A{0}, *A{0}]")],
    ids=["mapping", "list"],
)
def test_every_rule_ends_where_tables_share_their_parts(tmp_path: Path, first: str, more: str) -> None:
    lines = [f"A0 = {first}", *(f"A{n} = {more.format(n - 1, n)}" for n in range(1, 41))]
    (tmp_path / "app.py").write_text(HEAD + "\n".join(lines) + "\n" + TAIL.format(last="A40"))
    began = time.process_time()
    app = read_source((tmp_path,), tmp_path).app
    for rule in load():
        if rule.detect is not None:
            list(rule.detect(app))
    assert time.process_time() - began < 20
