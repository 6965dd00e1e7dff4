"""A limit that counts callers by an address which they write themselves, met and passed from outside."""

from typing import Any

import pytest
from flask import Flask, request
from tests.rules.from_outside import RULES, reached, verdict

from stopper.core.probing.errors_seen import LIMITED
from stopper.scan.engine import run_probe


def limited(way: str) -> Flask:
    """Counts by a header, by the connection, or by the last entry, which a proxy adds."""
    app, count = Flask("limited"), dict[str, int]()

    @app.get("/rates")
    def rates() -> Any:
        said = request.headers.get("X-Forwarded-For") or ""
        who = {"header": said, "last": said.rpartition(",")[2].strip().replace("127.0.0.1", "")}.get(
            way, ""
        ) or "somebody"
        count[who] = count.get(who, 0) + 1
        return ({"error": "too many requests"}, 429) if way != "none" and count[who] > 9 else {"rates": [1, 2]}

    app.add_url_rule("/", "start", lambda: {"see": ["GET /rates"]})
    return app


@pytest.mark.parametrize("way", ["header", "connection", "last"])
def test_a_limit_is_gone_for_whoever_says_another_address(way: str) -> None:
    target, courier = reached(limited(way))
    target.notes[LIMITED] = lambda: tuple(courier.limited)
    route = next(one for one in target.app.routes if one.path == "/rates")
    for _ in range(10):
        if not courier.limited:
            courier.carry(target.request_for(route, "GET"))
    assert courier.limited
    target.notes["burst"] = None
    found = run_probe(RULES["rate-limit-key-spoofable"], target, courier).verdict
    assert (found.outcome == "fail") is (way == "header"), found.message


def test_without_a_limit_nothing_is_said() -> None:
    assert verdict("rate-limit-key-spoofable", limited("none")).outcome == "not-applicable"
