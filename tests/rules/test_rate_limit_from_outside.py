"""Whether anything limits a caller, judged from outside alone: by all that the scan asked, never by a few requests."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.app import App, Route
from stopper.core.exchange import Request
from stopper.core.finding import Verdict
from stopper.core.probe import Target
from stopper.rules.rate.rate_limit_missing import RULE
from stopper.scan.engine import run_probes
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.tokens.forge import TokenForge
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


def _limit(most: int, *, of_path: bool) -> Callable[[Flask], None]:
    def to(app: Flask) -> None:
        seen: dict[str, int] = {}

        @app.before_request
        def count() -> Any:
            key = request.path if of_path else ""
            seen[key] = seen.get(key, 0) + 1
            return ("", 429) if seen[key] > most and request.path == "/notes" else None

    return to


def _told(app: Flask) -> None:
    @app.after_request
    def tell(response: Any) -> Any:
        response.headers["RateLimit"] = '"default";r=50;t=30'
        return response


def _nothing(app: Flask) -> None:
    pass


def asked(limit: Callable[[Flask], None], before: int = 300, rate: float = 0.0) -> tuple[Verdict, int]:
    """The verdict after *before* other requests of the scan, and how many the probe itself sent."""
    app = Flask("outside")
    app.add_url_rule("/notes", "notes", view_func=lambda: jsonify([]))
    app.add_url_rule("/other", "other", view_func=lambda: jsonify([]))
    limit(app)
    courier = Courier(WsgiTransport(app), rate=rate)
    model = App(name="outside", routes=(Route("/notes", ("GET",)),), readers=frozenset({"wire"}))
    target = Target(model, "wsgi", "http://localhost", "default", "standard", TokenForge(), HonestRequests())
    for _ in range(before):
        courier.carry(Request("GET", "/other"))
    return run_probes(target, [RULE], courier)[0].verdict, courier.sent - before


def test_hundreds_of_requests_without_a_limit_are_proof() -> None:
    verdict, sent = asked(_nothing)
    assert verdict.outcome == "fail"
    assert "101 requests of one path and 401 in all" in verdict.message
    assert sent <= 101


@pytest.mark.parametrize(
    "limit",
    [_limit(100, of_path=True), _limit(60, of_path=True), _limit(350, of_path=False), _limit(20, of_path=True), _told],
)
def test_a_usual_limit_is_met_or_told(limit: Callable[[Flask], None]) -> None:
    assert asked(limit)[0].outcome == "pass"


def test_a_small_scan_accuses_nobody() -> None:
    verdict, sent = asked(_nothing, before=10)
    assert verdict.outcome == "open"
    assert sent <= 26, "what cannot tell is not asked"


def test_a_scan_that_is_held_back_accuses_nobody() -> None:
    verdict, sent = asked(_nothing, rate=1e6)
    assert verdict.outcome == "open"
    assert sent <= 26
