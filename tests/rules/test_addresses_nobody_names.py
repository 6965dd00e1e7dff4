"""A route that goes and gets something is asked with an address under the usual names where nobody knows what it reads."""

from typing import Any
from urllib.request import urlopen

import pytest
from flask import Flask, jsonify, request

from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule


@pytest.mark.parametrize(("path", "gets"), [("/api/import", True), ("/hooks/test", True), ("/api/import", False)])
def test_a_route_that_gets_what_an_unknown_member_says_is_told(path: str, gets: bool) -> None:
    app = Flask("imports")

    @app.post(path)
    def fetch() -> Any:
        said = str((request.get_json(silent=True) or {}).get("source", ""))
        if not gets or not said.startswith("http"):
            return jsonify(message="nothing to get"), 400
        with urlopen(said, timeout=2) as answer:
            return jsonify(size=len(answer.read(100)))

    rule = find("server-side-request-forgery")
    assert rule is not None
    assert (try_rule(rule, app, depth="standard").outcome == "fail") is gets
