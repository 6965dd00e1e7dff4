"""The running reader: what really answers, wherever a decorator or a class hides it."""

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask
from flask.views import MethodView

from stopper.core.app import App, Route, Spec
from stopper.core.place import Span
from stopper.core.secret import Secret
from stopper.scan.merge import merged, shape, with_given_spec, with_spec
from stopper.scan.running.read import is_flask, read_running

HERE = Path(__file__).parent


def guarded(view: Any) -> Any:
    @functools.wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return inner


def first_hook() -> None:
    return None


def blue_hook() -> None:
    return None


class Items(MethodView):
    def get(self, item_id: str) -> str:
        return item_id


def make() -> Flask:
    app = Flask("shop")
    app.config.update(
        SECRET_KEY="s" * 20,
        JWT_SECRET_KEY="j" * 20,
        MAIL_PASSWORD="p" * 20,
        DEBUG=True,
        NESTED={"api_key": "n" * 20, "page": 3},
    )
    app.before_request(first_hook)
    blue = Blueprint("blue", __name__, url_prefix="/blue")
    blue.before_request(blue_hook)

    @blue.get("/<uuid:thing>/<path:rest>")
    def show(thing: str, rest: str) -> str:
        return thing + rest

    @app.route("/twice")
    @app.route("/again/<int:number>", methods=["POST"])
    @guarded
    @guarded
    def twice(number: int = 0) -> str:
        return str(number)

    app.add_url_rule("/items/<item_id>", view_func=Items.as_view("items"))
    app.register_blueprint(blue)
    return app


def by_path(model: App) -> dict[str, Route]:
    return {route.path: route for route in model.routes}


def test_paths_methods_and_parameters_are_those_of_the_url_map() -> None:
    found = by_path(read_running(make(), HERE))
    assert set(found) == {"/static/{filename}", "/twice", "/again/{number}", "/items/{item_id}", "/blue/{thing}/{rest}"}
    assert found["/again/{number}"].parameters == (("number", "int"),)
    assert found["/blue/{thing}/{rest}"].parameters == (("rest", "path"), ("thing", "uuid"))
    assert found["/again/{number}"].methods == ("OPTIONS", "POST")
    assert found["/blue/{thing}/{rest}"].blueprint == "blue"


def test_the_view_behind_decorators_and_classes_is_found_with_its_lines() -> None:
    found = by_path(read_running(make(), HERE))
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    for path, text in (
        ("/twice", "def twice("),
        ("/items/{item_id}", "class Items("),
        ("/blue/{thing}/{rest}", "def show("),
    ):
        span = found[path].span
        assert span is not None
        assert span.path == "test_running.py"
        assert text in lines[span.line - 1]


def test_what_is_outside_the_root_has_no_place() -> None:
    assert by_path(read_running(make(), HERE))["/static/{filename}"].span is None


def test_hooks_run_before_the_views_of_their_blueprint_only() -> None:
    found = by_path(read_running(make(), HERE))
    names = {
        path: [guard.name.rpartition(".")[2] for guard in route.access["OPTIONS"].guards]
        for path, route in found.items()
    }
    assert names["/twice"] == ["first_hook"]
    assert names["/blue/{thing}/{rest}"] == ["first_hook", "blue_hook"]
    assert {route.access["OPTIONS"].state for route in found.values()} == {"unknown"}


def test_settings_that_hold_a_secret_come_as_secrets_at_any_depth() -> None:
    model = read_running(make(), HERE)
    assert isinstance(model.config["SECRET_KEY"].value, Secret)
    assert isinstance(model.config["MAIL_PASSWORD"].value, Secret)
    nested = model.config["NESTED"].value
    assert isinstance(nested, dict)
    assert (nested["api_key"], nested["page"]) == (Secret("n" * 20), 3)
    assert model.config["DEBUG"].value is True
    assert not any(char * 20 in repr(model) for char in "sjpn")


def test_signing_keys_are_those_of_tokens_and_sessions_and_no_password() -> None:
    assert read_running(make(), HERE).keys == {
        "config:SECRET_KEY": Secret("s" * 20),
        "config:JWT_SECRET_KEY": Secret("j" * 20),
    }


def test_installed_versions_are_known() -> None:
    import importlib.metadata

    assert read_running(make(), HERE).dependencies["flask"] == importlib.metadata.version("flask")


def test_a_policy_of_the_guard_is_the_access_of_its_method() -> None:
    from stopper.auth.policy import bearer, public

    app = Flask("guarded")

    @app.get("/open")
    @public
    def open_() -> str:
        return ""

    @app.get("/closed")
    @bearer
    def closed() -> str:
        return ""

    found = by_path(read_running(app, HERE))
    assert found["/open"].access["GET"].state == "open"
    assert found["/closed"].access["GET"].state == "guarded"
    assert found["/closed"].access["GET"].guards[0].kind == "policy"


def test_only_an_application_is_one() -> None:
    assert is_flask(make())
    assert not is_flask(Flask)
    assert not is_flask("app")
    from flask import g

    assert not is_flask(g)


def test_routes_of_two_readers_join_by_shape_and_keep_what_each_knows() -> None:
    running = App(
        routes=(
            Route("/n/{a}", ("GET", "HEAD"), endpoint="n", parameters=(("a", "int"),), readers=frozenset({"running"})),
        )
    )
    source = App(routes=(Route("/n/{id}", ("GET",), view="app.n", fields=("q",), readers=frozenset({"source"})),))
    (route,) = merged(running, source).routes
    assert (route.path, route.view, route.fields, route.endpoint) == ("/n/{a}", "app.n", ("q",), "n")
    assert route.readers == {"running", "source"}
    wrapper, view = Span("app.py", 5, 8), Span("app.py", 20, 25)
    hidden = App(routes=(replace(running.routes[0], span=wrapper, view="app.inner"),))
    seen = App(routes=(replace(source.routes[0], span=view),))
    (route,) = merged(hidden, seen).routes
    assert (route.span, route.view) == (view, "app.n")
    assert shape("/a/{x}/b/{y}") == "/a/{}/b/{}"


def test_a_document_that_asks_something_else_of_each_method_splits_the_route() -> None:
    app = App(routes=(Route("/n", ("GET", "HEAD", "OPTIONS", "POST"), endpoint="n", readers=frozenset({"running"})),))
    spec = Spec("t", "3.0.0", "here")
    ghost = Route("/ghost", ("GET",), readers=frozenset({"spec"}), spec_security=())
    asked = (
        Route("/n", ("GET",), readers=frozenset({"spec"}), spec_security=()),
        Route("/n", ("POST",), readers=frozenset({"spec"}), spec_security=("t",)),
        ghost,
    )
    found = with_spec(app, spec, asked)
    security = {(method, route.path): route.spec_security for route in found.routes for method in route.methods}
    assert security["GET", "/n"] == ()
    assert security["POST", "/n"] == ("t",)
    assert found.routes[-1].readers == {"spec"}
    assert len([key for key in security if key[1] == "/n"]) == 4


def test_the_document_that_the_user_names_wins_over_one_beside_the_code() -> None:
    spec = frozenset({"spec"})
    beside = (
        Route(
            "/n",
            ("GET",),
            readers=spec,
            spec_security=(),
            request_schema={"type": "object"},
            spec_scopes={"GET": ("old",)},
        ),
        Route("/old", ("GET",), readers=spec, spec_security=()),
    )
    app = App(routes=(Route("/n", ("GET",), endpoint="n", readers=frozenset({"running"})),))
    app = with_spec(app, Spec("beside", "3.0.0", "openapi.yaml"), beside)
    given = (Route("/n", ("GET",), readers=spec, spec_security=("t",), spec_scopes={"GET": ("new",)}),)
    found = with_given_spec(app, Spec("given", "3.0.0", "other.yaml"), given)
    assert found.spec is not None
    assert found.spec.title == "given"
    (route,) = found.routes
    assert (route.spec_security, route.request_schema, route.spec_scopes) == (("t",), None, {"GET": ("new",)})
    assert route.endpoint == "n"
    assert route.readers == {"running", "spec"}


def test_a_signing_secret_in_the_source_is_a_key(tmp_path: Path) -> None:
    from stopper.scan.running.keys import source_keys
    from stopper.scan.source.read import read_source

    text = "import jwt\nfrom flask import Flask\n\nKEY = 'written-in-the-code'\napp = Flask(__name__)\n\n\ndef read(token):\n    return jwt.decode(token, KEY, algorithms=['HS256'])\n"
    (tmp_path / "app.py").write_text(text, encoding="utf-8")
    assert source_keys(read_source((tmp_path,), tmp_path).app) == {"source:app.py:9": Secret("written-in-the-code")}
