"""What the libraries of a running application are set up to do is read off them, and nothing of theirs is called."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from flask_jwt_extended import JWTManager, jwt_required
from flask_wtf import CSRFProtect  # type: ignore[import-untyped]
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from stopper.core.deployment.app_extensions import Extensions, ProxyTrust, TokenGuard, TokenManager
from stopper.scan.running.extensions import read_extensions
from stopper.scan.running.read import read_running

HERE = Path(__file__).parent


def read(app: object) -> Extensions:
    return read_extensions(app, lambda function: None)


def test_a_manager_tells_whether_its_two_questions_are_answered_by_the_application() -> None:
    """Also where the callback was set by hand, or is an object and no function."""
    app = Flask("shop")
    manager: Any = JWTManager(app)
    assert read(app).tokens == TokenManager(blocklist=False, user_lookup=False)

    class Gone:
        def __call__(self, header: object, claims: object) -> bool:
            raise AssertionError("nobody may ask")

    manager._token_in_blocklist_callback = Gone()
    manager.user_lookup_loader(functools.partial(print))
    assert read(app).tokens == TokenManager(blocklist=True, user_lookup=True)
    assert read(Flask("bare")).tokens is None


def test_guards_of_tokens_are_seen_through_other_decorators_and_in_classes() -> None:
    app = Flask("shop")

    def other(view: Callable[..., str]) -> Callable[..., str]:
        @functools.wraps(view)
        def inner() -> str:
            return view()

        return inner

    class Things(MethodView):
        @jwt_required(optional=True, locations=["cookies"])  # type: ignore[untyped-decorator]
        def get(self) -> str:
            return ""

    app.add_url_rule("/refresh", "refresh", other(jwt_required(refresh=True)(lambda: "")))
    app.add_url_rule("/open", "open", other(lambda: ""))
    app.add_url_rule("/things", view_func=Things.as_view("things"))
    assert read(app).token_guards == (
        TokenGuard("refresh", refresh=True),
        TokenGuard("things", optional=True, locations=("cookies",)),
    )


def test_exemptions_from_the_form_token_come_as_endpoints() -> None:
    app = Flask("shop")
    csrf = CSRFProtect(app)
    blue = Blueprint("blue", __name__)

    @app.post("/pay")
    @csrf.exempt  # type: ignore[untyped-decorator]
    def pay() -> str:
        return ""

    @app.post("/safe")
    def safe() -> str:
        return ""

    blue.add_url_rule("/in", "inside", lambda: "")
    csrf.exempt(blue)
    app.register_blueprint(blue)
    tokens = read(app).form_tokens
    assert tokens is not None
    assert tokens.exempt == {"pay", "blue.inside"}


def test_a_proxy_fix_is_found_under_other_middleware() -> None:
    app = Flask("shop")
    app.wsgi_app = DispatcherMiddleware(ProxyFix(app.wsgi_app, x_for=3, x_host=0))  # type: ignore[method-assign]
    assert read(app).proxies == (ProxyTrust({"x_for": 3, "x_proto": 1, "x_host": 0, "x_port": 0, "x_prefix": 0}),)
    assert read(Flask("bare")).proxies == ()


class Liar(type):
    """A class of classes that runs code when a class of its is looked at."""

    @property
    def __mro__(cls) -> Any:
        raise AssertionError("a class was asked")


class Trap(metaclass=Liar):
    """Says no to every look, and counts none: a look that runs its code fails the test."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"asked for {name}")

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"asked for {name}")

    def __call__(self, *args: object) -> Any:
        raise AssertionError("called")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")

    def __hash__(self) -> int:
        return 1

    def __iter__(self) -> Any:
        raise AssertionError("walked")

    @property
    def app(self) -> Any:
        raise AssertionError("a property ran")


@pytest.mark.parametrize("place", ["extensions", "wsgi_app", "session_interface", "view", "hook", "callback"])
def test_odd_objects_are_never_asked_called_or_compared(place: str) -> None:
    """They stand wherever a library's object could, and what can be read beside them is read."""
    app, odd = Flask("shop"), Trap()
    manager: Any = JWTManager(app)
    csrf = CSRFProtect(app)
    csrf._exempt_blueprints.add(odd)
    csrf._exempt_views.add(odd)
    if place == "extensions":
        app.extensions["limiter"] = odd
        app.extensions["other"] = {odd}
    elif place == "wsgi_app":
        app.wsgi_app = odd  # type: ignore[method-assign, assignment]
    elif place == "session_interface":
        app.session_interface = odd  # type: ignore[assignment]
    elif place == "view":
        app.view_functions["odd"] = odd
        app.view_functions["blue.odd"] = odd
    elif place == "hook":
        app.before_request_funcs.setdefault(None, []).append(odd)
    else:
        manager._token_in_blocklist_callback = odd
    found = read(app)
    assert found.tokens == TokenManager(blocklist=place == "callback", user_lookup=False)
    assert found.form_tokens is not None
    assert found.proxies == ()


def test_the_model_of_a_running_application_carries_its_libraries() -> None:
    app = Flask("shop")
    JWTManager(app)
    assert read_running(app, HERE).extensions.tokens == TokenManager(blocklist=False, user_lookup=False)
