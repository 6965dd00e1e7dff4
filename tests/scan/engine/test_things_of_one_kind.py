"""What a crawl leaves out because it would tell nothing new, and what it takes up by the way."""

import json

import pytest
from flask import Flask, Response, jsonify, request

from stopper.core.app import Route
from stopper.scan.surface.crawl import crawled
from stopper.scan.surface.graphql import found_door
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport


@pytest.mark.parametrize("leads_on", [False, True])
def test_things_of_one_kind_are_asked_for_as_long_as_they_lead_further(leads_on: bool) -> None:
    app, asked = Flask("shop"), list[int]()

    @app.get("/")
    def start() -> str:
        return "".join(f'<a href="/lamp/{number}">lamp {number}</a>' for number in range(1, 11))

    @app.get("/lamp/<int:number>")
    def lamp(number: int) -> str:
        asked.append(number)
        return f"<h1>Lamp {number}</h1>" + (f'<a href="/room-{"abcdefghijk"[number]}">where</a>' if leads_on else "")

    courier = Courier(WsgiTransport(app), mode="default", max_requests=100)
    seen = crawled(courier, "", "stp", ("/",))
    assert "/lamp/{id}" in {route.path for route in seen.routes}
    assert (len({*asked}) == 10) is leads_on


@pytest.mark.parametrize("path", ["/query", "/inquiry"])
def test_what_answers_where_graphql_was_looked_for_is_a_route(path: str) -> None:
    app = Flask("find")

    @app.get(path)
    def find() -> Response:
        return jsonify(result=[request.args.get("username")])

    courier = Courier(WsgiTransport(app), mode="default", max_requests=100)
    assert found_door(courier, "") == ()
    seen = crawled(courier, "", "stp", ("/",), led=courier.graphql.others)
    assert {route.path for route in seen.routes} == ({path} if path == "/query" else set())


@pytest.mark.parametrize(
    ("name", "flag"), [("is_admin", True), ("isActive", True), ("issue", False), ("canvas", False)]
)
def test_what_is_or_is_not_is_no_text_though_a_document_says_so(name: str, flag: bool) -> None:
    schema = {"type": "object", "properties": {name: {"type": "string"}}}
    route = Route("/people", ("POST",), request_schema=schema, readers=frozenset({"spec"}))
    body = json.loads(HonestRequests(canary="stp")(route, "POST").body)
    assert (body[name] is False) is flag


@pytest.mark.parametrize("path", ["/people/", "/people"])
def test_a_form_is_sent_where_the_server_sends_it_on_to(path: str) -> None:
    app = Flask("people")
    app.add_url_rule("/", "start", lambda: '<form method="post" action="/people"><input name="name"></form>')
    app.add_url_rule(path, "people", lambda: "found", methods=["POST"])
    seen = crawled(Courier(WsgiTransport(app), mode="default", max_requests=100), "", "stp", ("/",))
    assert [route.path for route in seen.routes if "POST" in route.methods] == [path]


@pytest.mark.parametrize(("host", "own"), [("127.0.0.1:5000", True), ("localhost", True), ("elsewhere.test", False)])
def test_an_address_of_the_machine_itself_is_where_the_application_stood_when_it_was_written(
    host: str, own: bool
) -> None:
    app = Flask("written")
    page = f'<a href="http://{host}/tasks">tasks</a><script>fetch("http://{host}/answers", {{method: "POST"}})</script>'
    app.add_url_rule("/", "start", lambda: page)
    app.add_url_rule("/tasks", "tasks", lambda: "three tasks")
    app.add_url_rule("/answers", "answers", lambda: "thank you", methods=["POST"])
    seen = crawled(Courier(WsgiTransport(app), mode="default", max_requests=100), "", "stp", ("/",))
    assert {"/tasks", "/answers"}.issubset({route.path for route in seen.routes}) is own
