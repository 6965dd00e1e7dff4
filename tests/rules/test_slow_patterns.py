"""A pattern that tries every way to split a text is told; what is slow for another reason, or not slow at all, is not."""

import re
import threading
from typing import Any

import pytest
from flask import Flask, jsonify

from stopper.core.finding import Verdict
from stopper.rules.injection.malformed_input_mishandled import RULE
from stopper.scan.trial import try_rule


def checking(pattern: str, *, first: float = 0.0) -> Verdict:
    """The verdict on an application that holds an e-mail address against *pattern* after *first* seconds of other work."""
    app = Flask("checking")

    @app.get("/subscribers/<mail>")
    def subscribers(mail: str) -> Any:
        threading.Event().wait(first)
        if not re.search(pattern, mail):
            return jsonify(error="not an address"), 400
        return jsonify(ok=True)

    return try_rule(RULE, app)


@pytest.mark.parametrize(
    "pattern", [r"^(a+)+$", r"^([0-9a-zA-Z]([-.\w]*[0-9a-zA-Z])*@([0-9a-zA-Z][-\w]*[0-9a-zA-Z]\.)+[a-zA-Z]{2,9})$"]
)
def test_a_pattern_that_tries_every_split_is_told(pattern: str) -> None:
    verdict = checking(pattern)
    assert verdict.outcome == "fail"
    assert "as mail" in verdict.message


@pytest.mark.parametrize(("pattern", "first"), [(r"^[^@\s]+@[^@\s]+$", 0.0), (r"^[^@\s]+@[^@\s]+$", 0.15)])
def test_a_plain_pattern_and_a_slow_server_are_not(pattern: str, first: float) -> None:
    assert checking(pattern, first=first).outcome == "pass"
