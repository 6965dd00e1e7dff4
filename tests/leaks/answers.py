"""What a client reads. Here the canary is the text of an exception that nobody has registered."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
from flask import Blueprint, Flask, abort, jsonify, make_response, redirect, request
from flask.sessions import SecureCookieSessionInterface
from tests.leaks.place import Group, Place, canary
from werkzeug.debug import DebuggedApplication
from werkzeug.exceptions import InternalServerError
from werkzeug.test import Client

from stopper import Stopper, public

group = Group()


def asked(place: Place, app: Flask, path: str = "/", **config: object) -> None:
    """Ask *app* once; with the protection it is guarded. What comes back is kept, and its errors too."""
    app.config.update(config)
    if place.protected:
        Stopper(app)
    shown = Client(app).get(path)
    Path("answer").write_text(f"{shown.status}\n{shown.headers}\n{shown.get_data(as_text=True)}")
    for set_cookie in shown.headers.getlist("Set-Cookie"):
        name, _, value = set_cookie.partition(";")[0].partition("=")
        if name == "session":  # whoever holds the cookie can read it
            reader = SecureCookieSessionInterface().get_signing_serializer(app)
            Path("session").write_text(str(reader and reader.loads(value)))


def failing(place: Place, work: Callable[[str], Any] | None = None) -> Flask:
    app = Flask("shop")
    app.logger.disabled = (
        True  # here it is about the answer; what a log says of a text that nobody knows is its own affair
    )
    value = place.canary
    object.__setattr__(place, "kept", None)

    @app.get("/")
    @public
    def index() -> Any:
        return (work or fail)(value)

    return app


def fail(value: str) -> Any:
    raise ValueError(f"no such account: {value}")


def caught(title: str, answer: Callable[[Exception], Any], kind: Any = Exception) -> None:
    @group.path(title)
    def run(place: Place) -> None:
        app = failing(place)
        app.register_error_handler(kind, answer)
        asked(place, app)


caught("a handler that answers str(error)", lambda error: (str(error), 500))
caught("a handler that answers repr(error)", lambda error: (repr(error), 500))
caught("a handler that answers error.args", lambda error: ({"error": error.args[0]}, 400))
caught("a handler that answers JSON with the text", lambda error: (jsonify(error=str(error)), 500))
caught("a handler that answers HTML with the text", lambda error: (f"<p>{error}</p>", 500))
caught("a handler that answers the traceback", lambda error: (traceback.format_exc(), 500))
caught("a handler that answers with status 200", lambda error: {"ok": False, "why": str(error)})
caught("a handler that puts the text into a header", lambda error: ("", 500, {"X-Error": str(error)}))
caught("a handler of one built-in class", lambda error: (str(error), 400), ValueError)
caught("a handler of status 500", lambda error: (str(error.original_exception), 500), 500)
caught("a handler of InternalServerError", lambda error: (str(error.original_exception), 500), InternalServerError)


@group.path("a handler of a blueprint")
def _(place: Place) -> None:
    app = Flask("shop")
    value = place.canary
    object.__setattr__(place, "kept", None)
    blueprint = Blueprint("notes", __name__)

    @blueprint.get("/")
    @public
    def index() -> Any:
        return fail(value)

    blueprint.register_error_handler(Exception, lambda error: (str(error), 500))
    app.register_blueprint(blueprint)
    asked(place, app)


@group.path("a handler that answers the cause")
def _(place: Place) -> None:
    def work(value: str) -> Any:
        try:
            fail(value)
        except ValueError as cause:
            raise RuntimeError("outer") from cause

    app = failing(place, work)
    app.register_error_handler(Exception, lambda error: (str(error.__cause__), 500))
    asked(place, app)


@group.path("the text given to abort")
def _(place: Place) -> None:
    asked(place, failing(place, lambda value: abort(400, f"no such account: {value}")))


@group.path("a missing form field, trapped")
def _(place: Place) -> None:
    app = failing(place, lambda value: request.form[value])
    object.__setattr__(place, "kept", None)
    try:
        asked(place, app, TRAP_BAD_REQUEST_ERRORS=True, PROPAGATE_EXCEPTIONS=True)
    except Exception:
        traceback.print_exc()


@group.path("exceptions that propagate to the server")
def _(place: Place) -> None:
    try:
        asked(place, failing(place), PROPAGATE_EXCEPTIONS=True)
    except Exception:
        traceback.print_exc()


@group.path("HTTP errors that are trapped")
def _(place: Place) -> None:
    try:
        asked(
            place, failing(place, lambda value: abort(404, value)), TRAP_HTTP_EXCEPTIONS=True, PROPAGATE_EXCEPTIONS=True
        )
    except Exception:
        traceback.print_exc()


@group.path("Werkzeug's debugger in front of the application")
def _(place: Place) -> None:
    app = failing(place)
    if place.protected:
        Stopper(app)
    else:
        app.config["PROPAGATE_EXCEPTIONS"] = True
    shown = Client(DebuggedApplication(app, evalex=True)).get("/")
    Path("answer").write_text(shown.get_data(as_text=True))
    assert shown.status_code in (500, 503)


@group.path("debug mode")
def _(place: Place) -> None:
    app = failing(place)
    app.debug = True
    try:
        asked(place, app)
    except Exception:
        traceback.print_exc()


def with_secret(title: str, work: Callable[[Any], Any]) -> None:
    """The view holds the secret as a Secret and hands it out by mistake."""

    @group.path(title, canary)
    def run(place: Place) -> None:
        app = Flask("shop")
        app.secret_key = "k" * 40
        app.config["PAYMENT_KEY"] = place.secret
        secret = place.secret

        @app.get("/")
        @public
        def index() -> Any:
            return work(secret)

        asked(place, app)


def cookie(secret: Any) -> Any:
    answer = make_response("ok")
    answer.set_cookie("key", f"{secret}")
    return answer


def session(secret: Any) -> Any:
    flask.session["key"] = secret
    return "ok"


with_secret("a route that shows the configuration", lambda _: {k: str(v) for k, v in flask.current_app.config.items()})
with_secret("a route that shows the configuration as text", lambda _: str(flask.current_app.config))
with_secret("a secret in a JSON answer", lambda secret: {"key": secret})
with_secret("a secret in a text answer", lambda secret: f"key {secret}")
with_secret("a secret in a stream", lambda secret: flask.Response(str(part) for part in ("a", secret)))
with_secret("a secret in a header", lambda secret: ("ok", 200, {"X-Key": f"{secret}"}))
with_secret("a secret in a redirect", lambda secret: redirect(f"/next?key={secret}"))
with_secret("a secret in a cookie", cookie)
with_secret("a secret in the session's cookie", session)
with_secret(
    "a secret in a template",
    lambda secret: flask.render_template_string("{{ key }} {{ config.PAYMENT_KEY }}", key=secret),
)
with_secret("a secret in a flashed message", lambda secret: (session("x"), flask.flash(f"used {secret}"), "ok")[2])
