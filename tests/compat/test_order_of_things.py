"""Decorators, classes, contexts and other extensions in every order: no view answers without its guard."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest
from flask import Flask, Response, jsonify, request
from flask.views import MethodView
from tests.compat.made import SECRET, access, bearer, make_app

import stopper.compat.flask_jwt_extended as compat
from stopper import Stopper
from stopper.compat.flask_jwt_extended.doors import open_routes
from stopper.compat.flask_jwt_extended.exceptions import NoAuthorizationError

View = Callable[..., Any]


def kept(view: View) -> View:
    """A cache, as they are written: by path, whoever asks."""
    answers: dict[str, Any] = {}

    @wraps(view)
    def cached(*args: Any, **kwargs: Any) -> Any:
        if request.path not in answers:
            answers[request.path] = view(*args, **kwargs)
        return answers[request.path]

    return cached


def _by_function(app: Flask) -> None:
    app.add_url_rule("/kept", "kept", kept(compat.jwt_required()(lambda: "in")))


def _by_class(app: Flask) -> None:
    class Kept(MethodView):
        decorators = [compat.jwt_required(), kept]  # noqa: RUF012  # as applications write it

        def get(self) -> str:
            return "in"

    app.add_url_rule("/kept", view_func=Kept.as_view("kept"))


def _by_method(app: Flask) -> None:
    class Kept(MethodView):
        @kept
        @compat.jwt_required()
        def get(self) -> str:
            return "in"

    app.add_url_rule("/kept", view_func=Kept.as_view("kept"))


def _by_method_under_class(app: Flask) -> None:
    class Kept(MethodView):
        decorators = [kept]  # noqa: RUF012  # as applications write it

        @compat.jwt_required()
        def get(self) -> str:
            return "in"

    app.add_url_rule("/kept", view_func=Kept.as_view("kept"))


@pytest.mark.parametrize("add", [_by_function, _by_class, _by_method, _by_method_under_class])
def test_a_cache_above_the_guard_gives_nothing_away(add: Callable[[Flask], None]) -> None:
    app = make_app()
    add(app)
    client, token = app.test_client(), access(app)
    assert client.get("/kept").status_code == 401
    for _ in range(2):
        assert client.get("/kept", headers=bearer(token)).text == "in"
    assert client.get("/kept").status_code == 401
    assert client.head("/kept").status_code == 401
    assert client.get("/kept", headers=bearer("x")).status_code == 401
    assert client.options("/kept").status_code == 200


def test_a_decorator_above_the_guard_may_refuse_first() -> None:
    app = make_app()

    def json_only(view: View) -> View:
        @wraps(view)
        def asked(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs) if request.is_json else (jsonify(error="send JSON"), 415)

        return asked

    app.add_url_rule("/json", "json", json_only(compat.jwt_required()(lambda: "in")), methods=["POST"])
    client = app.test_client()
    assert client.post("/json").status_code == 415
    assert client.post("/json", json={}).status_code == 401
    assert client.post("/json", json={}, headers=bearer(access(app))).text == "in"


def test_a_class_may_guard_one_method_alone() -> None:
    class Notes(MethodView):
        def get(self) -> str:
            return "read"

        @compat.jwt_required()
        def post(self) -> str:
            return "written"

    app = make_app()
    app.add_url_rule("/notes", view_func=Notes.as_view("notes"))
    client = app.test_client()
    assert client.get("/notes").text == "read"
    assert client.post("/notes").status_code == 401
    assert client.post("/notes", headers=bearer(access(app))).text == "written"


@pytest.mark.parametrize("listed", [[compat.jwt_required()], {"get": [compat.jwt_required()]}])
def test_decorators_that_a_resource_lists_are_told_as_guards(listed: Any) -> None:
    """As Flask-RESTful has them: they are put round the method at each request."""

    class Notes(MethodView):
        method_decorators = listed

        def get(self) -> str:
            return "read"

        def post(self) -> str:
            return "written"

    app = make_app()
    app.add_url_rule("/notes", view_func=Notes.as_view("notes"))
    told = [route for route in open_routes(app) if route.endswith("/notes")]
    assert told == ([] if isinstance(listed, list) else ["POST /notes"])


def test_a_context_that_was_pushed_for_good_does_not_hand_on_who_called() -> None:
    app = make_app()
    app.add_url_rule("/who", "who", lambda: str(compat.get_jwt_identity()))
    token = access(app)
    with app.app_context():
        client = app.test_client()
        assert client.get("/me", headers=bearer(token)).json == {"who": "ann"}
        assert client.get("/who").status_code == 500
        assert client.get("/maybe").json == {"who": None}


def test_where_another_extension_takes_the_errors_the_refusal_is_still_a_refusal() -> None:
    """Flask-RESTful and Flask-RESTX put themselves before the application's handlers and make 500 of what they do not know."""

    class Api:
        error_handlers: dict[type[Exception], View] = {}  # noqa: RUF012  # as theirs

        def error_router(self, original: View, error: Exception) -> Any:
            known = any(isinstance(error, kind) for kind in self.error_handlers)
            return Response("theirs", 418) if known else Response("failed", 500)

    app, api = make_app(), Api()
    app.handle_user_exception = partial(api.error_router, app.handle_user_exception)  # type: ignore[method-assign]
    client = app.test_client()
    assert client.get("/me").status_code == 401
    assert client.get("/me").mimetype == "application/problem+json"
    assert client.get("/me", headers=bearer(access(app))).status_code == 200
    api.error_handlers[NoAuthorizationError] = lambda error: None
    assert client.get("/me").text == "theirs"


@pytest.mark.parametrize("value", ["False", "true", 1, None])
def test_only_true_turns_a_weakening_switch_on(value: Any) -> None:
    app = make_app()
    app.config["JWT_ALLOW_LEGACY_MESSAGES"] = value
    assert app.test_client().get("/me").status_code == 500


@pytest.mark.parametrize("token", [b"x.y.z", None, 7])
def test_what_is_no_text_is_no_token(token: Any) -> None:
    with make_app().test_request_context(), pytest.raises(compat.exceptions.DecodeError):
        compat.decode_token(token)


@pytest.mark.parametrize("first", ["stopper", "manager"])
def test_stopper_and_the_manager_come_in_any_order(first: str) -> None:
    app = Flask("shop")
    app.config.update(JWT_SECRET_KEY=SECRET, STOPPER_ENVELOPE="status")
    guard, manager = Stopper(), compat.JWTManager()
    for one in (guard, manager) if first == "stopper" else (manager, guard):
        one.init_app(app)

    @app.get("/me")
    @compat.jwt_required()
    def me() -> Any:
        return jsonify(who=compat.get_jwt_identity())

    guard.seal()
    client = app.test_client()
    assert client.get("/me", headers=bearer(access(app))).json == {"who": "ann"}
    refused = client.get("/me", headers=bearer("x"))
    assert refused.status_code == 401
    assert refused.json is not None
    assert refused.json["status"] == "failed"
    assert refused.headers["X-Content-Type-Options"] == "nosniff"


def test_one_manager_serves_applications_that_do_not_trust_each_other() -> None:
    manager = compat.JWTManager()
    apps = []
    for name, secret in (("shop", SECRET), ("bank", SECRET[::-1]), ("mill", SECRET)):
        app = Flask(name)
        app.config["JWT_SECRET_KEY"] = secret
        manager.init_app(app)
        app.add_url_rule("/me", "me", compat.jwt_required()(lambda: "in"))
        apps.append(app)
    passes = [
        (issuer.name, judge.name)
        for issuer in apps
        for judge in apps
        if judge.test_client().get("/me", headers=bearer(access(issuer))).status_code == 200
    ]
    # Also where two share a secret: a token names whom it is for.
    assert passes == [("shop", "shop"), ("bank", "bank"), ("mill", "mill")]
