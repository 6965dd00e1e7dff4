"""What a live scan finds beside what it was told of."""

from flask import Flask, jsonify

from stopper.core.app import Route
from stopper.scan.crawl import crawled, other_versions
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


def _app(*paths: str) -> Flask:
    app = Flask(__name__)
    for number, path in enumerate(paths):
        app.add_url_rule(path, f"view{number}", lambda: {"ok": True})
    return app


def test_an_old_version_that_still_answers_is_found() -> None:
    courier = Courier(WsgiTransport(_app("/api/v1/users", "/api/v2/users")), mode="default", max_requests=50)
    found = other_versions(courier, [Route("/api/v2/users", ("GET",))], "canary")
    assert [route.path for route in found] == ["/api/v1/users"]


def test_a_version_that_is_gone_is_not_found_and_paths_without_one_ask_nothing() -> None:
    courier = Courier(WsgiTransport(_app("/api/v2/users", "/notes")), mode="default", max_requests=50)
    assert other_versions(courier, [Route("/api/v2/users", ("GET",))], "canary") == ()
    before = courier.sent
    assert other_versions(courier, [Route("/notes", ("GET",))], "canary") == ()
    assert courier.sent == before


def test_a_link_that_is_too_dangerous_to_follow_ends_no_crawl() -> None:
    app = _app("/notes", "/reset-database", "/orders")
    app.add_url_rule("/", "home", lambda: jsonify(links=["/notes", "/reset-database", "/orders"]))
    courier = Courier(WsgiTransport(app), mode="active", max_requests=200)
    routes, _ = crawled(courier, "", "canary")
    assert {"/notes", "/orders"} <= {route.path for route in routes}
    assert ("GET", "/reset-database") not in courier.asked
    assert "GET /reset-database" in courier.skipped
