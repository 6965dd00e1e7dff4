"""What a live scan finds beside what it was told of."""

from flask import Flask

from stopper.core.app import Route
from stopper.scan.crawl import other_versions
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
