"""What a live scan finds beside what it was told of."""

from flask import Flask, jsonify, redirect, request

from stopper.core.app import Route
from stopper.scan.crawl import beside, crawled, other_versions
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
    routes = crawled(courier, "", "canary").routes
    assert {"/notes", "/orders"} <= {route.path for route in routes}
    assert ("GET", "/reset-database") not in courier.asked
    assert "GET /reset-database" in courier.skipped


def test_a_rule_that_takes_every_word_is_not_many_routes() -> None:
    """``/<project>/`` sends each word on, first to itself with a slash and then to a log-in that names it."""
    app = _app("/notes/")
    app.add_url_rule("/<project>/", "project", lambda project: redirect(f"/authenticate?project={project}"))
    app.add_url_rule("/authenticate", "authenticate", lambda: f"<p>Password of {request.args['project']}</p>")
    courier = Courier(WsgiTransport(app), mode="default", max_requests=200)
    found = {route.path for route in crawled(courier, "", "canary").routes}
    assert "/notes/" in found
    assert not {"/debug", "/debug/", "/admin", "/login/", "/notes"} & found


def test_the_document_of_an_api_that_lies_below_its_start_or_is_named_on_a_page_is_told() -> None:
    app = _app("/api/v1/users")
    app.add_url_rule(
        "/",
        "home",
        lambda: (
            """<script>ui({url: "/specs/apispec.json?x=1"})</script><a href="https://other.example/swagger.json">x</a>"""
        ),
    )
    courier = Courier(WsgiTransport(app), mode="default", max_requests=200)
    told = crawled(courier, "", "canary").documents
    assert "/specs/apispec.json" in told
    assert "/api/v1/swagger.json" in told
    assert not any("other.example" in place for place in told)
    inner = _app("/api/v1/users")
    assert "/api/v1/swagger.json" in crawled(Courier(WsgiTransport(inner), max_requests=200), "", "canary").documents
    below = _app("/api/v1/")
    assert "/api/v1/swagger.json" in crawled(Courier(WsgiTransport(below), max_requests=200), "", "canary").documents


def test_a_page_that_no_route_of_the_document_is_stands_beside_it() -> None:
    described = [Route("/notes/{note_id}", ("GET",)), Route("/users", ("GET",))]
    seen = [
        Route("/notes/{id}", ("GET",)),
        Route("/notes/new/form", ("GET",)),
        Route("/users/", ("GET",)),
        Route("/about", ("GET",)),
    ]
    assert [route.path for route in beside(described, seen)] == ["/notes/new/form", "/about"]


def test_many_links_of_one_folder_are_a_few_routes() -> None:
    app = _app(*(f"/lang/{number}x" for number in range(40)))
    app.add_url_rule("/", "home", lambda: jsonify(links=[f"/lang/{number}x" for number in range(40)]))
    courier = Courier(WsgiTransport(app), mode="default", max_requests=200)
    assert len([one for one in crawled(courier, "", "canary").routes if one.path.startswith("/lang/")]) <= 12


def test_a_link_that_logs_out_is_known_and_never_followed() -> None:
    app = _app("/notes", "/account/logout/")
    app.add_url_rule("/", "home", lambda: '<a href="/account/logout/">out</a><a href="/notes">notes</a>')
    courier = Courier(WsgiTransport(app), mode="active", max_requests=200)
    found = {route.path: route.methods for route in crawled(courier, "", "canary", ("/",)).routes}
    assert found["/account/logout/"] == ()
    assert "GET" in found["/notes"]
    assert ("GET", "/account/logout/") not in courier.asked


def test_an_api_that_shows_nothing_of_itself_is_asked_for_more_names() -> None:
    app = _app("/", "/login", "/download", "/account/login")
    app.add_url_rule("/user/<name>", "user", lambda name: {"name": name})
    courier = Courier(WsgiTransport(app), mode="default", max_requests=200)
    found = {route.path for route in crawled(courier, "", "canary").routes}
    assert {"/", "/login", "/download", "/account/login", "/user/{id}"} <= found


def test_an_api_that_shows_itself_is_asked_for_no_more_names() -> None:
    app = _app("/", "/login", "/users", "/notes", "/items", "/orders", "/download")
    courier = Courier(WsgiTransport(app), mode="default", max_requests=200)
    crawled(courier, "", "canary")
    assert ("GET", "/download") not in courier.asked


def test_a_page_that_says_that_nothing_is_there_with_200_and_names_the_path_is_no_route() -> None:
    app = _app("/notes/")
    app.register_error_handler(404, lambda _: f"<p>Not found. You asked for {request.path}</p>")
    app.add_url_rule("/", "home", lambda: '<a href="/api/v2/users">people</a>')
    courier = Courier(WsgiTransport(app), mode="default", max_requests=300)
    found = {route.path for route in crawled(courier, "", "canary").routes}
    assert found == {"/", "/notes/"}
    assert other_versions(courier, [Route("/api/v2/users", ("GET",))], "canary") == ()
