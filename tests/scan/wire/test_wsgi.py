"""The WSGI transport speaks to an application as a real server would, and outlives what the application does."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Flask, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

from stopper.core.exchange import Request
from stopper.scan.wire.http import HttpTransport
from stopper.scan.wire.transport import BODY_CAP
from stopper.scan.wire.wsgi import WsgiTransport

Start = Callable[..., Any]


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        pass


def mirror() -> Flask:
    """An application that tells what it was asked."""
    app = Flask(__name__)

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT"])
    def show(path: str) -> Any:
        keys = (
            "REQUEST_METHOD",
            "PATH_INFO",
            "QUERY_STRING",
            "HTTP_X_TWO",
            "HTTP_X_UNDER",
            "CONTENT_TYPE",
            "HTTP_COOKIE",
            "REMOTE_ADDR",
        )
        return jsonify({key: request.environ.get(key) for key in keys} | {"body": request.get_data(as_text=True)})

    app.url_map.merge_slashes = False
    return app


def test_both_transports_show_the_application_the_same() -> None:
    """A probe must not come to another verdict because the surface is another."""
    app = mirror()
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    http, wsgi = HttpTransport(f"http://127.0.0.1:{server.server_port}"), WsgiTransport(app)
    try:
        for asked in (
            Request("GET", "/a%2e%2eb/c%20d?x=1&x=2&y=%2F", (("X-Two", "1"), ("X-Two", "2"))),
            Request("GET", "/a//b", (("X_Under", "no"),)),
            Request("GET", "/%c3%a9", (("Cookie", "a=1"), ("Cookie", "b=2"))),
            Request("POST", "/p", (("Content-Type", "text/plain"),), b"hello", "write"),
            Request("PUT", "/p", (), b"", "write"),
        ):
            assert wsgi.send(asked, 5).json() == http.send(asked, 5).json()
            assert wsgi.send(asked, 5).status == 200
    finally:
        http.close()
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_an_exception_that_is_let_through_is_a_500_that_tells_its_type() -> None:
    app = Flask(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.get("/")
    def broken() -> str:
        raise LookupError("secret text")

    response = WsgiTransport(app).send(Request("GET", "/"), 5)
    assert (response.status, response.raised) == (500, "LookupError")


def test_a_view_that_exits_does_not_end_the_scan() -> None:
    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        raise SystemExit(1)

    assert WsgiTransport(app).send(Request("GET", "/"), 5).raised == "SystemExit"


def test_a_view_that_hangs_is_let_go_at_the_deadline() -> None:
    go = threading.Event()

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        go.wait(20)
        start("200 OK", [])
        return [b""]

    response = WsgiTransport(app).send(Request("GET", "/"), 0.2)
    go.set()
    assert response.status == 0
    assert "no answer within" in (response.error or "")


def test_an_application_that_always_hangs_is_given_up() -> None:
    go = threading.Event()

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        go.wait(20)
        return []

    transport = WsgiTransport(app)
    errors = [transport.send(Request("GET", "/"), 0.01).error or "" for _ in range(20)]
    go.set()
    assert "no longer answers" in errors[-1]


def test_an_endless_answer_is_cut_and_its_generator_closed() -> None:
    closed = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 65536
        finally:
            closed.set()

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return endless()

    response = WsgiTransport(app).send(Request("GET", "/"), 10)
    assert response.truncated
    assert len(response.body) == BODY_CAP
    assert closed.is_set()


def test_what_is_written_with_the_old_callable_is_part_of_the_body() -> None:
    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        write = start("200 OK", [])
        write(b"one ")
        return [b"two"]

    assert WsgiTransport(app).send(Request("GET", "/"), 5).body == b"one two"


def test_head_has_no_body_and_a_view_may_take_its_time() -> None:
    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        time.sleep(0.05)
        start("204 No Content", [("X-A", "1"), ("X-A", "2")])
        return [b"body"]

    response = WsgiTransport(app).send(Request("HEAD", "/"), 5)
    assert (response.status, response.body) == (204, b"")
    assert response.all_headers("x-a") == ("1", "2")
    assert response.seconds >= 0.05
