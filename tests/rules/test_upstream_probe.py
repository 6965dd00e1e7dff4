"""A server that asks an address it is given is shown one good answer and an empty one: only who fails at the second alone is accused."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.finding import Verdict
from stopper.rules.ssrf.upstream_response_trusted import RULE
from stopper.scan.source.read import read_source
from stopper.scan.trial import try_rule

Use = Callable[[bytes], Any]


def asked(use: Use, root: Path) -> Verdict:
    """What the probe says of an application that hands the answer of ``feed_url`` to *use*."""
    app = Flask("an application")

    @app.get("/preview")
    def preview() -> Any:
        try:
            with urllib.request.urlopen(request.args["feed_url"], timeout=5) as answer:
                data = answer.read()
        except (KeyError, ValueError, urllib.error.URLError):
            return jsonify(error="give an address"), 400
        return use(data)

    (root / "app.py").write_text(
        'from flask import Flask, request\napp = Flask(__name__)\n\n@app.get("/preview")\ndef preview():\n    return request.args["feed_url"]\n',
        encoding="utf-8",
    )
    return try_rule(RULE, app, surface="http", root=root, source=read_source((root,), root).app)


def trusting(data: bytes) -> Any:
    return jsonify(status=json.loads(data)["status"])


def careful(data: bytes) -> Any:
    try:
        return trusting(data)
    except (ValueError, KeyError, TypeError):
        return jsonify(error="the other side answers badly"), 502


def test_who_fails_at_an_empty_answer_is_accused_with_both_exchanges(tmp_path: Path) -> None:
    verdict = asked(trusting, tmp_path)
    assert verdict.outcome == "fail", verdict.message
    assert [one.exchange.response.status for one in verdict.evidence if one.exchange] == [200, 500]


def never(_data: bytes) -> Any:
    raise RuntimeError


@pytest.mark.parametrize(("use", "outcome"), [
    (careful, "pass"),
    (lambda data: jsonify(length=len(data)), "pass"),
    (never, "open"),
])  # fmt: skip
def test_who_answers_502_ignores_it_or_fails_at_everything_is_not(use: Use, outcome: str, tmp_path: Path) -> None:
    assert asked(use, tmp_path).outcome == outcome
