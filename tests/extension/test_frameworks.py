"""The real frameworks of the field on a guarded application: doors closed, policies in their own spelling, refusals ours byte for byte."""

import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort, stream_with_context
from flask.views import MethodView
from tests.auth.token_smith import NOW
from tests.extension.made import bearer_header, forged, issuer, without_request_id

from stopper import Stopper, UndeclaredRouteError, bearer, current_principal, public, scope

Shown = list[tuple[str, str]]


def guarded(app: Flask) -> Stopper:
    app.logger.setLevel(logging.CRITICAL)
    return Stopper(app, issuers=[issuer()], clock=lambda: NOW)


def plain() -> Flask:
    """What every framework must answer like: the same doors in nothing but Flask."""
    app = Flask("plain")
    guarded(app)
    app.add_url_rule("/notes", "notes", (bearer & scope("notes"))(lambda: {"who": current_principal.subject}))
    app.add_url_rule("/open", "open", public(lambda: {"open": True}))
    app.add_url_rule("/fails", "fails", public(lambda: _fails()))
    app.add_url_rule("/missing", "missing", public(lambda: abort(404, "row 17 of notes")))
    return app


def _fails() -> Any:
    raise RuntimeError("database password is hunter2")


def restful() -> Flask:
    import flask_restful

    app = Flask("restful")
    guarded(app)

    class Notes(flask_restful.Resource):  # type: ignore[misc]
        @(bearer & scope("notes"))
        def get(self) -> dict[str, Any]:
            return {"who": current_principal.subject}

    @public
    class Open(flask_restful.Resource):  # type: ignore[misc]
        def get(self) -> dict[str, Any]:
            return {"open": True}

    class Fails(flask_restful.Resource):  # type: ignore[misc]
        @public
        def get(self) -> Any:
            _fails()

    class Missing(flask_restful.Resource):  # type: ignore[misc]
        @public
        def get(self) -> Any:
            flask_restful.abort(404, message="row 17 of notes")

    api = flask_restful.Api(app)
    for resource in (Notes, Open, Missing, Fails):
        api.add_resource(resource, f"/{resource.__name__.lower()}")
    return app


def restx() -> Flask:
    import flask_restx

    app = Flask("restx")
    stopper = guarded(app)
    api = flask_restx.Api(app)
    space = api.namespace("space", path="/")

    @space.route("/notes")
    class Notes(flask_restx.Resource):  # type: ignore[misc]
        @(bearer & scope("notes"))
        def get(self) -> dict[str, Any]:
            return {"who": current_principal.subject}

    @space.route("/open")
    @public
    class Open(flask_restx.Resource):  # type: ignore[misc]
        def get(self) -> dict[str, Any]:
            return {"open": True}

    @space.route("/fails")
    class Fails(flask_restx.Resource):  # type: ignore[misc]
        @public
        def get(self) -> Any:
            _fails()

    @space.route("/missing")
    class Missing(flask_restx.Resource):  # type: ignore[misc]
        @public
        def get(self) -> Any:
            flask_restx.abort(404, "row 17 of notes")

    for documentation in ("restx_doc.*", "specs", "doc", "root"):
        stopper.cover(documentation, bearer & scope("docs"))
    return app


def smorest() -> Flask:
    import flask_smorest

    app = Flask("smorest")
    app.config.update(API_TITLE="Notes", API_VERSION="1", OPENAPI_VERSION="3.0.3")
    guarded(app)
    api = flask_smorest.Api(app)
    blueprint = flask_smorest.Blueprint("notes", __name__)

    @blueprint.route("/notes")
    class Notes(MethodView):
        @(bearer & scope("notes"))
        @blueprint.response(200)
        def get(self) -> dict[str, Any]:
            return {"who": current_principal.subject}

    @blueprint.route("/open")
    @public
    @blueprint.response(200)
    def open_() -> dict[str, Any]:
        return {"open": True}

    @blueprint.route("/fails")
    @public
    def fails() -> Any:
        _fails()

    @blueprint.route("/missing")
    @public
    def missing() -> Any:
        flask_smorest.abort(404, message="row 17 of notes")

    api.register_blueprint(blueprint)
    return app


def apiflask() -> Flask:
    import apiflask as library

    app = library.APIFlask("apiflask", openapi_blueprint_url_prefix="/described")
    stopper = guarded(app)
    stopper.cover("openapi.*", bearer & scope("docs"))

    @app.get("/notes")
    @(bearer & scope("notes"))
    @app.doc(summary="notes")
    def notes() -> dict[str, Any]:
        return {"who": current_principal.subject}

    app.add_url_rule("/open", "open", public(lambda: {"open": True}))
    app.add_url_rule("/fails", "fails", public(lambda: _fails()))

    @app.get("/missing")
    @public
    def missing() -> Any:
        library.abort(404, "row 17 of notes")

    return app


MAKERS = {maker.__name__: maker for maker in (restful, restx, smorest, apiflask)}


@pytest.fixture(params=sorted(MAKERS))
def app(request: pytest.FixtureRequest) -> Flask:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own, about each other
        return MAKERS[request.param]()


def ask(app: Flask, path: str, method: str = "GET", shown: Shown | None = None) -> Any:
    return app.test_client().open(path, method=method, headers=shown or [])


def test_the_framework_seals_and_lets_the_right_ones_pass(app: Flask) -> None:
    app.extensions["stopper"].seal()
    assert ask(app, "/open").json == {"open": True}
    assert ask(app, "/notes", shown=[bearer_header(sub="alice", scope="notes")]).json == {"who": "alice"}


@pytest.mark.parametrize(
    ("path", "method", "shown", "status"),
    [
        ("/notes", "GET", [], 401),
        ("/notes", "HEAD", [], 401),
        ("/notes", "GET", [bearer_header(forged())], 401),
        ("/notes", "GET", [bearer_header(), ("X-API-Key", "k")], 400),
        ("/notes", "GET", [bearer_header(scope="other")], 403),
        ("/nothing", "GET", [], 404),
        ("/missing", "GET", [], 404),
        ("/notes", "DELETE", [], 405),
        ("/fails", "GET", [], 500),
    ],
)
def test_refusals_are_ours_to_the_letter(app: Flask, path: str, method: str, shown: Shown, status: int) -> None:
    if app.name in ("smorest", "apiflask") and status in (404, 405, 500):
        # These register Flask error handlers for what no guard decided; handlers of an application come first.
        answer = ask(app, path, method, shown)
        assert answer.status_code == status
        assert "hunter2" not in answer.text
        return
    assert not app.config.get("PROPAGATE_EXCEPTIONS")
    found = without_request_id(ask(app, path, method, shown))
    ours = without_request_id(ask(plain(), path, method, shown))
    assert found[0] == status
    assert found[2] == ours[2]
    drop = {"Allow"}  # which methods there are is the application's
    assert sorted(pair for pair in found[1] if pair[0] not in drop) == sorted(
        pair for pair in ours[1] if pair[0] not in drop
    )


def test_a_door_without_a_policy_closes_the_application() -> None:
    import flask_restful

    app = Flask("undeclared")
    stopper = guarded(app)

    class Forgotten(flask_restful.Resource):  # type: ignore[misc]
        def get(self) -> str:
            return "ran"

    flask_restful.Api(app).add_resource(Forgotten, "/forgotten")
    with pytest.raises(UndeclaredRouteError, match="forgotten"):
        stopper.seal()
    assert ask(app, "/forgotten").status_code == 503


def test_the_documentation_of_restx_and_apiflask_is_closed_until_it_is_covered() -> None:
    app = restx()
    assert ask(app, "/swagger.json").status_code == 401
    assert ask(app, "/swagger.json", shown=[bearer_header(scope="docs")]).status_code == 200


def test_flask_admin_is_closed_until_its_blueprints_are_covered() -> None:
    import flask_admin

    class Panel(flask_admin.BaseView):  # type: ignore[misc]
        @flask_admin.expose("/")
        def index(self) -> str:
            return "panel"

    app = Flask("admin")
    app.secret_key = "a key of tests that says nothing to nobody 0815"
    stopper = guarded(app)
    flask_admin.Admin(app).add_view(Panel(endpoint="panel"))
    with pytest.raises(UndeclaredRouteError, match="panel"):
        stopper.seal()
    for endpoints in ("admin.*", "panel.*"):
        stopper.cover(endpoints, bearer & scope("admin"))
    stopper.seal()
    for path in ("/admin/", "/admin/panel/"):
        assert ask(app, path).status_code == 401
        assert ask(app, path, shown=[bearer_header()]).status_code == 403
    assert ask(app, "/admin/panel/", shown=[bearer_header(scope="admin")]).data == b"panel"


def test_a_websocket_is_refused_before_its_handshake() -> None:
    import flask_sock

    app = Flask("sock")
    stopper = guarded(app)
    ran: list[str] = []

    @flask_sock.Sock(app).route("/talk")
    @bearer
    def talk(socket: Any) -> None:
        ran.append("talk")

    stopper.seal()
    upgrade = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    for shown, status in (([], 401), ([bearer_header(forged())], 401)):
        answer = ask(app, "/talk", shown=[*upgrade, *shown])
        assert answer.status_code == status
        assert "Sec-WebSocket-Accept" not in answer.headers
    assert ran == []


def test_a_stream_is_decided_before_its_first_byte_and_knows_who_reads() -> None:
    app = Flask("stream")
    guarded(app)
    made: list[str] = []

    @app.get("/stream")
    @bearer
    def stream() -> Response:
        def lines() -> Iterator[str]:
            made.append("line")
            yield current_principal.subject

        return Response(stream_with_context(lines()), content_type="text/plain")

    assert ask(app, "/stream").status_code == 401
    assert made == []
    assert ask(app, "/stream", shown=[bearer_header(sub="alice")]).data == b"alice"


def test_a_blueprint_in_another_has_its_own_default() -> None:
    app = Flask("nested")
    stopper = guarded(app)
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    outer.add_url_rule("/a", "a", lambda: "a")
    inner.add_url_rule("/b", "b", lambda: "b")
    outer.register_blueprint(inner, url_prefix="/inner")
    app.register_blueprint(outer, url_prefix="/outer")
    stopper.cover("outer.a", bearer)
    stopper.cover(inner, bearer & scope("inner"))
    stopper.seal()
    assert ask(app, "/outer/a", shown=[bearer_header()]).status_code == 200
    assert ask(app, "/outer/inner/b", shown=[bearer_header()]).status_code == 403
    assert ask(app, "/outer/inner/b", shown=[bearer_header(scope="inner")]).status_code == 200


@pytest.mark.parametrize("library", ["flask_restful", "flask_restx"])
def test_the_library_may_come_before_the_guard_and_own_handlers_stay(library: str) -> None:
    import importlib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = importlib.import_module(library)
    app = Flask("before")

    class TeapotError(Exception):
        pass

    api = (
        found.Api(app, errors={"TeapotError": {"message": "tea", "status": 418}})
        if library == "flask_restful"
        else found.Api(app)
    )
    if library == "flask_restx":
        api.errorhandler(TeapotError)(lambda error: ({"message": "tea"}, 418))

    class Kettle(found.Resource):  # type: ignore[misc, name-defined]
        @public
        def get(self) -> Any:
            raise TeapotError("hot water at 10.0.0.5")

        @public
        def put(self) -> Any:
            _fails()

    api.add_resource(Kettle, "/kettle")
    stopper = guarded(app)
    stopper.cover("*", public)
    assert ask(app, "/kettle").status_code == 418
    assert ask(app, "/kettle").json["message"] == "tea"
    assert ask(app, "/kettle", "PUT").data == ask(plain(), "/fails").data
    assert ask(app, "/kettle", "DELETE").data == ask(plain(), "/notes", "DELETE").data


def test_a_websocket_opens_for_whoever_may() -> None:
    """Over a real server: the handshake of flask-sock works behind the guard, and the view knows who talks."""
    import threading

    import flask_sock
    import simple_websocket
    from werkzeug.serving import make_server

    app = Flask("talk")
    stopper = guarded(app)
    heard: list[str] = []

    @flask_sock.Sock(app).route("/talk")
    @(bearer & scope("talk"))
    def talk(socket: Any) -> None:
        heard.append(socket.receive(timeout=20))
        socket.send("heard by " + current_principal.subject)

    stopper.seal()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"ws://127.0.0.1:{server.server_port}/talk"
    try:
        client = simple_websocket.Client.connect(url, headers=[bearer_header(scope="talk", sub="ann")])
        client.send("hello")
        assert client.receive(timeout=20) == "heard by ann"
        client.close()
    finally:
        server.shutdown()
        thread.join(20)
        server.server_close()
    assert heard == ["hello"]
